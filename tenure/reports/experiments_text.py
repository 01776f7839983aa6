"""Measures in the terminal: their variants, and how each compares with the control.

Pure: a report in, something that rich prints out. Nothing here depends on colour to be understood.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.text import Text

from schemas.catalogue.feedback_bands import CHURN_DAYS
from schemas.documents.experiments import Experiment, ExperimentsReport, VariantComparison
from tenure.reports import formats
from tenure.reports.curves_text import churn_cell


def experiments_tables(report: ExperimentsReport) -> RenderableType:
    """Return a report as tables, one a measure."""
    heading = formats.heading(report.as_of, report.where)
    heading.append("How long customers stay from the first variant on that they saw\n")
    parts: list[RenderableType] = [heading]
    for name, measure in report.measures.items():
        parts += _measure(name, measure)
    if not report.measures:
        parts.append(Text("Nobody was exposed to anything so far.\n"))
    parts.append(Text("\n".join(_remarks()), style="dim"))
    return Group(*parts)


def _measure(name: str, measure: Experiment) -> Iterator[RenderableType]:
    yield Text(name, style="bold")
    gone = (f"gone {days} d" for days in CHURN_DAYS)
    table = formats.figures_table("variant", "customers", "left", *gone, "odds of leaving", "p")
    for variant, found in measure.variants.items():
        counts = (formats.count(found.curve.episodes), formats.count(found.curve.deaths))
        compared = ("control", "") if found.comparison is UNSET else _compared(found.comparison)
        table.add_row(variant, *counts, *(churn_cell(churn) for churn in found.churn), *compared)
    yield table
    for variant, found in measure.variants.items():
        if found.comparison is not UNSET:
            yield Text(_words(variant, measure.control, found.comparison))
    yield Text()


def _compared(found: VariantComparison) -> tuple[Text, str]:
    cell = Text(formats.times(found.odds_ratio), style="bold")
    low = formats.times(found.low or 0.0)
    cell.append(f"\n{low}–{'∞' if found.high is None else formats.times(found.high)}", style="not bold dim")
    return cell, "below 0.0001" if found.p < 0.0001 else f"{found.p:.4f}"


def _words(variant: str, control: str, found: VariantComparison) -> str:
    if not found.differs:
        return f"{variant}: no difference from {control} is certain yet."
    rate = "slower" if (found.odds_ratio or 0.0) < 1 else "faster"
    return f"{variant}: customers leave {rate} than with {control}; certain since {found.since}."


def _remarks() -> Iterator[str]:
    yield "Look as often as you like: with no difference at all, 5 % of measures ever show one."
    yield "Odds of leaving on a day, over those with the control; below 1 customers stay longer."
