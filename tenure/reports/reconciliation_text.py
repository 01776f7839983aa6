"""A reconciliation in the terminal, and each difference in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.reconciliation import (
    DifferenceCause,
    HeldSubscription,
    ReconciledTotal,
    Reconciliation,
    SubscriptionDifference,
)
from schemas.wording import counted
from tenure.reports.formats import ABSENT, count, money

_SAYS: Final[Mapping[DifferenceCause, str]] = {
    "missing_in_stream": "missing in the stream",
    "missing_in_export": "missing in the export",
    "not_yet_in_stream": "the export's last change is later than all that the stream has",
    "changed_after_export": "the stream's last change is later than all that the export has",
    "later_in_stream": "begins in the stream later than this instant",
    "later_in_export": "begins in the export later than this instant",
    "ended_in_stream": "has ended in the stream",
    "ended_in_export": "has ended in the export",
    "trial": "on trial on one side",
    "paused": "paused on one side",
    "free": "without a price on one side",
    "plan": "the plan differs",
    "amount": "the amount differs",
    "currency": "the currency differs",
    "currency_without_rate": "its currency has no rate in the setting currency_rates",
    "refused": "the stream refuses an event of it",
}


def difference_text(found: SubscriptionDifference) -> str:
    """Return what differs of a subscription, and how each side has it."""
    causes = ", ".join(_SAYS[cause] for cause in found.causes)
    return f"{causes}: export {_held_text(found.export)}; stream {_held_text(found.stream)}"


def reconciliation_text(found: Reconciliation, currency: str, *, limit: int) -> RenderableType:
    """Return a reconciliation for people.

    Args:
        found: With readable names.
        currency: The default one.
        limit: So many differences are named at most.
    """
    parts: list[RenderableType] = [
        Text(f"As of {found.as_of}: {found.compared:,} subscriptions compared, {found.agree:,} agree"),
        Text(f"The export goes to {found.export_until or ABSENT}, the stream to {found.stream_until or ABSENT}\n"),
        _totals(found, currency),
    ]
    if found.forgotten:
        parts.append(Text(f"\n{counted(found.forgotten, 'forgotten customers')} of the stream: compared with nothing"))
    if found.differences:
        parts.append(Text("\nDifferences", style="bold"))
        parts += [Text(f"  {_SAYS[cause]}: {number:,}") for cause, number in found.causes.items()]  # type: ignore[index]
        parts.append(Text(""))
    parts += [Text(_line(each)) for each in found.differences[:limit]]
    if len(found.differences) > limit:
        parts.append(Text(f"and {len(found.differences) - limit:,} more; --limit and --json name them"))
    return Group(*parts)


def _line(found: SubscriptionDifference) -> str:
    of = f", subscription {found.subscription_id}" if found.subscription_id else ""
    return f"customer {found.customer_id}{of}: {found.detail}"


def _held_text(held: HeldSubscription) -> str:
    if held.status == "absent":
        return "has none"
    text = f"{held.status}, plan {held.plan}, {money(held.mrr, held.currency)}"
    return text if held.since is None else f"{text}, since {held.since}"


def _totals(found: Reconciliation, currency: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Active")
    for column in ("export", "stream", "MRR, export", "MRR, stream", "difference"):
        table.add_column(column, justify="right")
    for name, total in found.totals.items():
        table.add_row(name, *_cells(total, name))
    table.add_row(f"all, in {currency}", *_cells(found.total, currency))
    return table


def _cells(total: ReconciledTotal, currency: str) -> list[str]:
    return [
        count(total.export_subscriptions),
        count(total.stream_subscriptions),
        money(total.export_mrr, currency, unit=False),
        money(total.stream_mrr, currency, unit=False),
        money(total.stream_mrr - total.export_mrr, currency, unit=False),
    ]
