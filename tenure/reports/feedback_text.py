"""Staying after an answer in the terminal: a curve for each band, and the figures that they are read for.

Pure: a report in, something that rich prints out. Nothing here depends on colour to be understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.catalogue.feedback_bands import CHURN_DAYS, COMPARED, NEVER_ASKED
from schemas.documents.feedback import AnswerFollowUp, ContactedDetractors, FeedbackKind, FeedbackReport, FurtherScale
from schemas.survey_scales import SCALES
from schemas.wording import counted
from tenure.reports import formats
from tenure.reports.curves_text import churn_cell, curves_chart, log_rank_words

#: The chart ends here, or where nobody has been seen for longer (days).
_CHART_DAYS: Final = 365
_DATE: Final = len("2026-03-01")


def feedback_tables(report: FeedbackReport, width: int) -> RenderableType:
    """Return a report as curves and tables.

    Args:
        report: How long customers stay after an answer.
        width: Columns of the terminal.
    """
    heading = formats.heading(report.as_of, report.where)
    heading.append("How long customers stay after an answer, until the next one\n")
    parts: list[RenderableType] = [heading]
    for kind, found in report.kinds.items():
        if any(band in found.bands for band in COMPARED[kind]):
            parts += _kind(kind, found, width)
    if len(parts) == 1:
        parts.append(Text("Nobody has been asked so far.\n"))
    parts += _scales(report.scales)
    parts += _open(report)
    parts += _contacted(report.contacted)
    parts.append(Text("\n".join(_remarks()), style="dim"))
    return Group(*parts)


def _kind(kind: str, found: FeedbackKind, width: int) -> Iterator[RenderableType]:
    curves = {band.replace("_", " "): found.bands[band].curve for band in COMPARED[kind] if band in found.bands}
    longest = min(_CHART_DAYS, max(curve.longest_days or 0 for curve in curves.values()))
    if longest:
        yield curves_chart(curves, longest, width)
        yield Text()
    gone = (f"gone in {days} days" for days in CHURN_DAYS)
    table = formats.figures_table(SCALES[kind].title, "spells", "left", "median", *gone)
    for band, entry in found.bands.items():
        curve = entry.curve
        median = formats.ABSENT if curve.median_days is None else f"{curve.median_days:,} d"
        counts = (formats.count(curve.episodes), formats.count(curve.deaths))
        table.add_row(band.replace("_", " "), *counts, median, *(churn_cell(churn) for churn in entry.churn))
    yield table
    yield Text(log_rank_words(found.log_rank) + "\n")
    if any(entry.followed for entry in found.follow_up.values()):
        yield Text(_followed(found.follow_up) + "\n")


def _followed(found: Mapping[str, AnswerFollowUp]) -> str:
    parts = []
    for band, entry in found.items():
        half = "" if entry.median_hours is None else f", half within {entry.median_hours:,} h"
        parts.append(f"{band} {entry.followed:,} of {entry.answers:,}{half}")
    return f"Followed up, of the last 90 days: {'; '.join(parts)}."


def _scales(found: Mapping[str, FurtherScale]) -> Iterator[RenderableType]:
    if not found:
        return
    names = ("sent", "answered", "mean", "good", "95 % interval", "rewarded", "others")
    table = formats.figures_table("Last 90 days", *names)
    for kind, entry in found.items():
        given, scale = entry.surveys, SCALES[kind]
        mean = formats.ABSENT if given.mean is None else f"{given.mean:.1f} of {scale.highest}"
        interval = formats.ABSENT
        if given.low is not None and given.high is not None:
            interval = f"{formats.percent(given.low, 1)} to {formats.percent(given.high, 1)}"
        counts = (formats.count(given.sent), formats.count(given.answered))
        shares = (formats.percent(each.share, 1) for each in (given, entry.rewarded, entry.not_rewarded))
        good, rewarded, others = shares
        table.add_row(entry.title, *counts, mean, good, interval, rewarded, others)
    yield table
    parts = [f"{entry.title} from {entry.good_from}" for entry in found.values()]
    yield Text(f"Good: {', '.join(parts)}. Rewarded: of the answers to surveys with an incentive.\n")


def _open(report: FeedbackReport) -> Iterator[RenderableType]:
    found = report.open_detractors
    if not found.customers:
        return
    text = Text(counted(found.customers, "detractors"), style="bold cyan")
    mrr = formats.money(found.mrr, report.currency)
    text.append(f" still here whom nobody has got in touch with since · MRR {mrr}\n", style="not bold default")
    yield text
    if not found.listed:
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("Answered", "customer", "plan"):
        table.add_column(name, header_style="bold", overflow="fold")
    for name in ("MRR", "score", "hours"):
        table.add_column(name, justify="right", header_style="bold", no_wrap=True)
    table.add_column("reason", header_style="bold", overflow="fold")
    for each in found.listed:
        mrr = formats.money(each.mrr, report.currency, unit=False)
        figures = (mrr, str(each.score), formats.count(each.hours))
        table.add_row(each.answered_at[:_DATE], each.customer_id, each.plan, *figures, each.reason)
    yield Group(table, Text())


def _contacted(found: ContactedDetractors) -> Iterator[RenderableType]:
    if not found.contacted.customers:
        return
    shares = [formats.percent(group.stay.share, 1) for group in (found.contacted, found.others)]
    yield Text(
        f"Detractors contacted within 7 days: {shares[0]} of {found.contacted.customers:,} stay 90 days more; "
        f"of the others {shares[1]} of {found.others.customers:,}. {log_rank_words(found.log_rank)}\n"
    )


def _remarks() -> Iterator[str]:
    yield "A spell begins with an answer, or 14 days after a survey that nobody answered, and ends with the next one."
    yield f"{NEVER_ASKED.replace('_', ' ')}: from the beginning of the stay on; so it is not compared with the others."
    yield "What goes with an answer need not come of it: who is unhappy leaves, and says so before."
