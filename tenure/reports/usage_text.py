"""Frequency of use in the terminal. Pure: a report in, something that rich prints out."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from schemas.documents.usage import UsageReport
from tenure.reports import formats

_BAR: Final = 40
#: Days of use that share a line, first and last.
_LINES: Final = ((0, 0), (1, 1), (2, 4), (5, 9), (10, 19), (20, 30))


def usage_tables(report: UsageReport) -> RenderableType:
    """Return a report as a histogram and a table."""
    heading = formats.heading(report.as_of, report.where)
    mean = "" if report.mean_days is None else f", on {report.mean_days:.1f} of 30 days on average"
    heading.append(f"{report.customers:,} customers use the product{mean}\n")
    days = formats.figures_table("days of use", "customers", "share")
    days.add_column("")
    for first, last in _LINES:
        count = sum(each.customers for each in report.days if first <= each.days <= last)
        share = count / report.customers if report.customers else None
        name = str(first) if first == last else f"{first}–{last}"
        days.add_row(name, formats.count(count), formats.percent(share, 1), formats.bar(share, _BAR))
    windows = formats.figures_table("window", "fell asleep", "woke up")
    for name, found in report.windows.items():
        windows.add_row(name, formats.count(found.dormant), formats.count(found.resurrected))
    return Group(heading, days, Text(), windows)
