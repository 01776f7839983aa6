"""The next twelve months in the terminal: a table of bands, and how earlier forecasts did.

Pure: a report in, something that rich prints out.
"""

from __future__ import annotations

from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kpis.population.monthly_levels import SEEN_MONTHS
from schemas.documents.forecast import BandCoverage, ForecastBand, ForecastReport
from schemas.wording import counted
from tenure.reports import formats

_DATE: Final = len("2026-03-01")


def forecast_tables(report: ForecastReport) -> RenderableType:
    """Return a report as a table."""
    heading = formats.heading(report.as_of, report.where)
    heading.append(counted(report.customers, "customers"), style="bold cyan")
    heading.append(f" · MRR {formats.money(report.mrr, report.currency)}\n")
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("On", header_style="bold", no_wrap=True)
    for name in ("customers", f"{report.band:.0%} of cases", f"MRR, {report.currency}", f"{report.band:.0%} of cases"):
        table.add_column(name, justify="right", header_style="bold", no_wrap=True)
    for month in report.months:
        mrr = formats.money(month.mrr.middle, report.currency, unit=False)
        low, high = (formats.short_money(each, report.currency, unit=False) for each in (month.mrr.low, month.mrr.high))
        row = (formats.count(round(month.customers.middle)), _range(month.customers), mrr, f"{low}–{high}")
        table.add_row(month.at[:_DATE], *row)
    rest = (
        f"Rates of leaving by plan and age are those of {report.learnt_months} months, arrivals of up to"
        f" {SEEN_MONTHS}.\n"
    )
    return Group(heading, table, Text(), Text(rest + _coverage(report.coverage), style="dim"))


def _range(band: ForecastBand) -> str:
    return f"{formats.count(round(band.low))}–{formats.count(round(band.high))}"


def _coverage(found: BandCoverage | None) -> str:
    if found is None:
        return "How good it is cannot be told yet: there are not enough months to forecast the past from."
    return (
        f"Forecasts from {counted(found.origins, 'months')} of the past: the bands held the customers in"
        f" {found.customers:.0%} and the MRR in {found.mrr:.0%} of {found.months} cases; 80 % is meant.\n"
        "The future is taken to be like the past: a first price rise or a campaign is not in it."
    )
