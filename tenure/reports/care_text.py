"""Tickets and referrals in the terminal. Pure: a report in, something that rich prints out."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UnsetType
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.catalogue.feedback_bands import CHURN_DAYS
from schemas.documents.comparisons import ChurnAfter
from schemas.documents.lifetime import LifetimeCurve
from schemas.documents.referrals import ReferralsReport
from schemas.documents.support import SupportReport, TicketWait
from tenure.reports import formats
from tenure.reports.curves_text import churn_cell, log_rank_words

_HOUR_MINUTES = 60
_DAY_HOURS = 24


def support_tables(report: SupportReport) -> RenderableType:
    """Return a report of tickets as tables."""
    waits = formats.figures_table("waiting for", "done", "waiting", "median", "within a day")
    for name, wait in (("an answer", report.answer), ("a solution", report.solution)):
        counts = (formats.count(wait.done), formats.count(wait.waiting))
        waits.add_row(name, *counts, _span(wait), formats.percent(wait.within_day, 1))
    opened = Text(f"Tickets opened in the window {report.window}: {report.opened:,}\n")
    after = _stays("after", {"a ticket": (report.curve, report.churn)})
    return Group(_heading(report.as_of, report.where, "Support"), opened, waits, Text(), after)


def referrals_tables(report: ReferralsReport) -> RenderableType:
    """Return a report of referrals as tables."""
    counts = (
        f"{report.referrers:,} customers brought {report.referred:,} others; {{}} who were brought became customers\n"
    )
    groups = {
        "were brought": (report.brought.curve, report.brought.churn),
        "came otherwise": (report.others.curve, report.others.churn),
    }
    return Group(
        _heading(report.as_of, report.where, "Referrals"),
        Text(counts.format(formats.count(report.brought.curve.episodes))),
        _stays("who", groups),
        Text(log_rank_words(report.log_rank)),
    )


def _heading(as_of: str, where: str | UnsetType, what: str) -> Text:
    heading = formats.heading(as_of, where)
    heading.append(f"{what}\n")
    return heading


def _stays(first: str, groups: Mapping[str, tuple[LifetimeCurve, list[ChurnAfter]]]) -> Table:
    table = formats.figures_table(first, "stays", "left", *(f"gone in {days} days" for days in CHURN_DAYS))
    for name, (curve, churn) in groups.items():
        counts = (formats.count(curve.episodes), formats.count(curve.deaths))
        table.add_row(name, *counts, *(churn_cell(each) for each in churn))
    return table


def _span(wait: TicketWait) -> str:
    minutes = wait.median_minutes
    if minutes is None:
        return formats.ABSENT
    if minutes < 2 * _HOUR_MINUTES:
        return f"{minutes} min"
    hours = minutes / _HOUR_MINUTES
    return f"{hours:.1f} h" if hours < 2 * _DAY_HOURS else f"{hours / _DAY_HOURS:.1f} d"
