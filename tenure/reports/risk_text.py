"""Customers about to go in the terminal: known cancellations, the customers with the greatest risk, and its worth.

Pure: a report in, something that rich prints out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.risk import CustomersAtRisk, HeldOutQuarter, LeavingCustomers, RiskReport
from schemas.wording import counted
from tenure.reports import formats

_DATE: Final = len("2026-03-01")
#: Signs in words of few characters.
_WORDS: Final = {
    "age": "its age",
    "plan": "its plan",
    "days_since_use": "last use",
    "never_used": "never used",
    "days_of_use": "days of use",
    "use_falls": "use falls",
    "use_rises": "use rises",
    "promoter": "promoter",
    "passive": "passive",
    "detractor": "detractor",
    "unsatisfied": "unsatisfied",
    "renewal_failed": "renewal failed",
    "renewal_declined": "renewal declined",
    "ticket_opened": "ticket opened",
    "ticket_open": "ticket open",
}


def risk_tables(report: RiskReport) -> RenderableType:
    """Return a report as tables."""
    heading = formats.heading(report.as_of, report.where)
    parts: list[RenderableType] = [heading, *_leaving(report.leaving, report.currency)]
    if report.at_risk is not None:
        parts += _at_risk(report.at_risk, report.currency)
    else:
        parts.append(Text(f"Nobody else is scored: {report.refused}.\n"))
    if report.held_out is not None:
        parts += _held_out(report.held_out)
    return Group(*parts)


def _leaving(found: LeavingCustomers, currency: str) -> Iterator[RenderableType]:
    text = Text(counted(found.customers, "customers"), style="bold cyan")
    mrr = formats.money(found.mrr, currency)
    text.append(f" have cancelled and are still here · MRR {mrr}\n", style="not bold default")
    yield text
    if found.listed:
        table = _table("Ends", "customer", "plan", "MRR", "reason")
        for each in found.listed:
            mrr = formats.money(each.mrr, currency, unit=False)
            table.add_row(each.ends_at[:_DATE], each.customer_id, each.plan, mrr, each.reason)
        yield Group(table, Text())


def _at_risk(found: CustomersAtRisk, currency: str) -> Iterator[RenderableType]:
    text = Text(f"{found.expected:,.1f} of {found.customers:,}", style="bold cyan")
    text.append(
        f" others are expected to leave within 30 days · MRR at risk {formats.money(found.mrr_at_risk, currency)}\n",
        style="not bold default",
    )
    yield text
    if found.listed:
        table = _table("Risk", "customer", "plan", "MRR", "odds multiplied by")
        for each in found.listed:
            reasons = ", ".join(f"{_WORDS.get(reason.sign, reason.sign)} ×{reason.odds:.1f}" for reason in each.reasons)
            mrr = formats.money(each.mrr, currency, unit=False)
            table.add_row(formats.percent(each.probability, 1), each.customer_id, each.plan, mrr, reasons)
        yield Group(table, Text())


def _held_out(found: HeldOutQuarter) -> Iterator[RenderableType]:
    text = Text("The last quarter, which the model had not seen\n", style="bold")
    text.append(
        f"{found.expected:,.1f} expected to leave, {found.left:,} left, of {found.observations:,} · "
        f"of the tenth with the greatest risk {found.lift:.1f} times as many as of all · "
        f"concordance {found.concordance:.2f}\n"
    )
    yield text
    table = _table("Tenth", "customers", "expected", "left")
    for number, tenth in enumerate(found.calibration, 1):
        counts = formats.count(tenth.observations), f"{tenth.expected:,.1f}", formats.count(tenth.left)
        table.add_row(str(number), *counts)
    yield Group(table, Text())
    yield Text(
        f"Log loss {found.log_loss:.4f}; of plan and age alone {found.log_loss_plan_and_age:.4f}"
        f" ({found.z:+.1f} standard errors). A risk is no fate, and its signs are no causes.",
        style="dim",
    )


def _table(first: str, *names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, header_style="bold", no_wrap=True)
    for name in names:
        is_number = name in {"MRR", "customers", "expected", "left"}
        table.add_column(name, justify="right" if is_number else "left", header_style="bold", overflow="fold")
    return table
