"""Traits that go with staying in the terminal: those that are reported, and how many more were looked at.

Pure: a report in, something that rich prints out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.drivers import DriversReport, TraitComparison
from schemas.wording import counted
from tenure.reports import formats

_WORDS: Final = {
    "feature": "used",
    "onboarding": "onboarding",
    "answer": "answered",
    "reason": "answered with reason",
}


def drivers_tables(report: DriversReport) -> RenderableType:
    """Return a report as a table of what is reported, and a line about the rest."""
    heading = formats.heading(report.as_of, report.where)
    heading.append(counted(report.customers, "customers"), style="bold cyan")
    heading.append(f" who were active {report.landmark_days} days after they first became active\n")
    reported = [each for each in report.traits if each.reported]
    parts: list[RenderableType] = [heading]
    if reported:
        stays = [each for each in reported if _sign(each) >= 0]
        parts += [_table("Goes with staying", stays)] if stays else []
        leaves = [each for each in reported if _sign(each) < 0]
        parts += [_table("Goes with leaving", leaves)] if leaves else []
    parts.append(Text(_rest(report, len(reported)), style="dim"))
    return Group(*parts)


def _sign(each: TraitComparison) -> float:
    """Return a number that is negative where those who have a trait leave more: by the curves, else by the counts."""
    if each.difference is not None:
        return each.difference.value
    return each.lacking.left / each.lacking.customers - each.having.left / each.having.customers


def _table(title: str, found: Sequence[TraitComparison]) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(title, header_style="bold", overflow="fold")
    for name in ("with", "stay", "without", "stay", "difference", "p, adjusted"):
        table.add_column(name, justify="right", no_wrap=True, header_style="bold")
    for each in found:
        p = "<0.0001" if each.adjusted_p < 0.0001 else f"{each.adjusted_p:.4f}"
        table.add_row(
            f"{_WORDS.get(each.kind, each.kind)} {each.value}",
            formats.count(each.having.customers),
            formats.percent(each.having.stay.share, 1),
            formats.count(each.lacking.customers),
            formats.percent(each.lacking.stay.share, 1),
            _difference(each),
            p,
        )
    return Group(table, Text())


def _difference(each: TraitComparison) -> Text:
    if each.difference is None:
        return Text(formats.ABSENT)
    cell = Text(f"{100 * each.difference.value:+.1f} points", style="bold")
    cell.append(f"\n{100 * each.difference.low:+.1f} to {100 * each.difference.high:+.1f}", style="not bold dim")
    return cell


def _rest(report: DriversReport, reported: int) -> str:
    if not report.traits:
        return "No trait has 50 customers who had it by then and 50 who had not: there is nothing to compare yet."
    looked_at = counted(len(report.traits), "traits")
    found = f"{reported} of {looked_at} that were looked at" if reported else f"None of {looked_at} that were looked at"
    return (
        f"{found} can be told from chance. Stay: the share that stays 90 days more.\n"
        "What goes with staying need not keep anybody: those who stay may have come for other reasons."
    )
