"""Comparison of two books of subscriptions as of one instant, customer by customer: what differs, and why.

One book is an export that was translated and folded, the other the stream. Pure; a million customers of the stream may
be taken one after the other, those of the export are in memory.
What each cause means: docs/adapters.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kpis.customer.holdings import ABSENT, Holding
from schemas.documents.reconciliation import DifferenceCause
from schemas.refusals import Reason

Holdings = Mapping[str, Holding]


class Pair(NamedTuple):
    """One subscription in both books."""

    customer_id: str
    subscription_id: str
    export: Holding
    stream: Holding
    causes: tuple[DifferenceCause, ...]


class Until(NamedTuple):
    """The latest events of both books (ms since 1970)."""

    export_ms: int
    stream_ms: int


def pairs_of(
    customer_id: str, export: Holdings, stream: Holdings, until: Until, refused: Mapping[str, Reason]
) -> Iterator[Pair]:
    """Yield the subscriptions of a customer that are open in a book or both, or whose events the stream refuses.

    Where each book has one that the other does not know, and one of the two has no id, they are the same.

    Args:
        customer_id: Whose.
        export: By id.
        stream: By id.
        until: How far the books go.
        refused: Why the events of a subscription of the export cannot count, by its id.
    """
    same = _without_id(export, stream)
    known = dict.fromkeys((*export, *(each for each in stream if each != same.get("stream")), *refused))
    for subscription in known:
        ours = same["stream"] if subscription == same.get("export") else subscription
        left, right = export.get(subscription, ABSENT), stream.get(ours, ABSENT)
        if left.is_open or right.is_open or (subscription in refused and not export.get(subscription)):
            causes = tuple(_causes(left, right, until, refused.get(subscription)))
            yield Pair(customer_id, subscription or ours, left, right, causes)


def _without_id(export: Holdings, stream: Holdings) -> dict[str, str]:
    left = [each for each, holding in export.items() if holding.is_open and each not in stream]
    right = [each for each, holding in stream.items() if holding.is_open and each not in export]
    if len(left) == len(right) == 1 and not (left[0] and right[0]):
        return {"export": left[0], "stream": right[0]}
    return {}


def _causes(export: Holding, stream: Holding, until: Until, refused: Reason | None) -> Iterator[DifferenceCause]:
    """Yield what makes the two differ; nothing where they are the same."""
    if _is_same(export, stream) and (refused is None or export.is_open):
        return
    if refused is not None:
        yield "currency_without_rate" if refused is Reason.CURRENCY_MISMATCH else "refused"
    if export.changed_ms > until.stream_ms:
        yield "not_yet_in_stream"
    elif stream.changed_ms > until.export_ms:
        yield "changed_after_export"
    if export.is_open and stream.is_open:
        yield from _of_open(export, stream)
    elif export.is_open:
        yield _of_one(stream, later="later_in_stream", ended="ended_in_stream", missing="missing_in_stream")
    elif stream.is_open:
        yield _of_one(export, later="later_in_export", ended="ended_in_export", missing="missing_in_export")


def _is_same(export: Holding, stream: Holding) -> bool:
    return export[:4] == stream[:4] or not (export.is_open or stream.is_open)


def _of_open(export: Holding, stream: Holding) -> Iterator[DifferenceCause]:
    if export.status != stream.status:
        if "paused" in (export.status, stream.status):
            yield "paused"
        elif "trial" in (export.status, stream.status):
            yield "trial"
        else:
            yield "free"
    if export.plan != stream.plan:
        yield "plan"
    if export.currency != stream.currency:
        yield "currency"
    elif export.price != stream.price:
        yield "amount"


def _of_one(
    other: Holding, *, later: DifferenceCause, ended: DifferenceCause, missing: DifferenceCause
) -> DifferenceCause:
    if other.status == "ended":
        return ended
    return later if other.later_ms >= 0 else missing
