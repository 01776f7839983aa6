"""The document of `tenure undo`: the events of a producer, and what changes without them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.documents.document import Document


class UndoneEvent(Document, frozen=True, kw_only=True):
    """An event that is revoked, or would be."""

    customer_id: Annotated[str, Meta(description="Whose.")]
    type: Annotated[str, Meta(description="Its type.")]
    id: Annotated[str, Meta(description="Its `id`.")]
    time: Annotated[str, Meta(description="Its `time`; an instant in UTC.")]


class ChangedNumber(Document, frozen=True, kw_only=True):
    """A count or a ratio that the revokes change."""

    kpi: Annotated[str, Meta(description="Its [name](kpis.md).")]
    unit: Annotated[str, Meta(description="Its unit.")]
    before: Annotated[int | float | None, Meta(description="With the events; `null`: a ratio without denominator.")]
    after: Annotated[int | float | None, Meta(description="Without them, likewise.")]


class Undoing(Document, frozen=True, kw_only=True):
    """The revokes of a producer's events, before or after they are sent."""

    source: Annotated[str, Meta(description="The producer's `source`.")]
    clock: Annotated[str, Meta(description="By which `--since` and `--until` are meant: `arrival` or `event`.")]
    since: Annotated[str, Meta(description="The first instant; in UTC.")]
    until: Annotated[str | None, Meta(description="The first instant after it, likewise; `null`: up to now.")]
    events: Annotated[dict[str, int], Meta(description="Events to revoke, by type (count), each once.")]
    customers: Annotated[int, Meta(description="Customers who have any of them (count).")]
    revoked_before: Annotated[int, Meta(description="Events found that are revoked already (count).")]
    not_counted_yet: Annotated[int, Meta(description="Events to revoke that no state holds: still to come (count).")]
    over_limit: Annotated[
        int, Meta(description="Events that cannot be revoked: their customers have `max_facts_per_customer` (count).")
    ]
    without_identity: Annotated[
        dict[str, int], Meta(description="Events found that nobody can take back, by type (count).")
    ]
    as_of: Annotated[str, Meta(description="T of the numbers; an instant in UTC.")]
    totals: Annotated[list[ChangedNumber], Meta(description="What changes as of T.")]
    windows: Annotated[dict[str, list[ChangedNumber]], Meta(description="What changes of each window.")]
    examples: Annotated[list[UndoneEvent], Meta(description="The first of the events, `--limit` at most.")]
    sent: Annotated[int | None, Meta(description="Revokes that Kafka has (count); `null`: nothing was sent.")]
