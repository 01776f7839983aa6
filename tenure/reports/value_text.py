"""Lifetime value in the terminal. Pure: a report in, something that rich prints out."""

from __future__ import annotations

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.value import CustomerValue, ValueReport
from tenure.reports import formats


def value_tables(report: ValueReport) -> RenderableType:
    """Return a report as tables."""
    heading = formats.heading(report.as_of, report.where)
    heading.append(f"What a customer brings, in {report.currency}\n")
    parts: list[RenderableType] = [heading, _table("", {"all customers": report.all}, report.currency)]
    for dimension, values in ({} if report.segments is UNSET else report.segments).items():
        parts += [Text(), _table(dimension, values, report.currency)]
        if any(found.acquisition_cost is not UNSET for found in values.values()):
            parts += [Text(), _cost_table(dimension, values, report.currency)]
    parts.append(Text("\nRevenue, not margin, and not beyond the longest stay that was seen.", style="dim"))
    return Group(*parts)


def _table(first: str, values: dict[str, CustomerValue], currency: str) -> Table:
    table = formats.figures_table(first, "customers", "a month", "mean stay", "value", "95 %")
    for name, found in values.items():
        stay = formats.ABSENT if found.mean_days is None else f"{found.mean_days:,.0f} d"
        figures = (formats.count(found.customers), _money(found.arpa, currency), stay, _money(found.value, currency))
        table.add_row(name, *figures, _interval(found, currency))
    return table


def _cost_table(first: str, values: dict[str, CustomerValue], currency: str) -> Table:
    table = formats.figures_table(first, "cost", "value / cost", "paid back after")
    for name, found in values.items():
        if found.acquisition_cost is not UNSET:
            table.add_row(name, *_costs(found, currency))
    return table


def _interval(found: CustomerValue, currency: str) -> str:
    if found.low is None or found.high is None:
        return formats.ABSENT
    return f"{_money(found.low, currency)} to {_money(found.high, currency)}"


def _costs(found: CustomerValue, currency: str) -> tuple[str, str, str]:
    cost = None if found.acquisition_cost is UNSET else found.acquisition_cost
    over = None if found.over_cost is UNSET else found.over_cost
    days = found.payback_days
    paid = formats.ABSENT if days is UNSET or days is None else f"{days:,} d"
    return _money(cost, currency), formats.times(over), paid


def _money(minor: float | None, currency: str) -> str:
    return formats.money(minor, currency, unit=False)
