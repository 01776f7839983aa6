"""Months and years: what `kpi --period` and `periods` print of them, of their revisions, and of what moved them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember
from schemas.documents.report import AsOf, EventsMember, SegmentsMember, TotalsMember, WindowsMember


class PeriodChange(Document, frozen=True, kw_only=True):
    """A count that differs from what it was at the period's end."""

    at_end: Annotated[int, Meta(description="What it was then.")]
    now: Annotated[int, Meta(description="What it is now.")]


class Changed(Document, frozen=True, kw_only=True):
    """A count that a restatement changed."""

    old: Annotated[int, Meta(description="What it was before.")]
    new: Annotated[int, Meta(description="What it was after.")]


class LateEvent(Document, frozen=True, kw_only=True):
    """The event that restated a period."""

    id: Annotated[str, Meta(description="Its `id`; empty since somebody was forgotten whose event it is, or may be.")]
    source: Annotated[str | None, Meta(description="Its `source`; `null` in what was stored before sources were kept.")]
    type: Annotated[str, Meta(description="Its `type`.")]


class Offsets(Document, frozen=True, kw_only=True):
    """A range of records in Kafka."""

    topic: Annotated[str, Meta(description="The topic.")]
    partition: Annotated[int, Meta(description="The partition.")]
    first: Annotated[int, Meta(description="The first offset.")]
    last: Annotated[int, Meta(description="The last offset; the same, where it is one record.")]


class RestatementEntry(Document, frozen=True, kw_only=True):
    """A change of a period by one late event, or by many at once."""

    period: Annotated[str, Meta(description="The period's name.")]
    revision: Annotated[int, Meta(description="Which one it is of the period.")]
    kind: Annotated[
        Literal["event", "bulk"],
        Meta(
            description="`event`: one. `bulk`: many that came in one batch, more than 100 of them late over a period:"
            " somebody sent history again."
        ),
    ]
    events: Annotated[int, Meta(description="Of how many events.")]
    event: Annotated[LateEvent | None, Meta(description="Which event; `null` for a bulk.")]
    offsets: Annotated[
        list[Offsets], Meta(description="Where the records lie in Kafka, by topic; nowhere for a forgotten customer.")
    ]
    occurred_at: Annotated[str, Meta(description="Event time, of a bulk the earliest; an instant in UTC.")]
    arrived_at: Annotated[str, Meta(description="Kafka's timestamp, of a bulk the latest; an instant in UTC.")]
    late_seconds: Annotated[float, Meta(description="From `occurred_at` to `arrived_at`, in seconds.")]
    after_end_seconds: Annotated[float, Meta(description="From the period's end to `arrived_at`, in seconds.")]
    counts: Annotated[
        dict[str, Changed],
        Meta(description="The counts that it changed, by name; surveys are `survey/<kind>/<way>/<status>`."),
    ]


class PeriodBaseline(Document, frozen=True, kw_only=True):
    """The first load of a period that was over and empty when the stream began: nobody was ever told another number."""

    restatements: Annotated[int, Meta(description="The first ones of the period, which were that load (count).")]
    until: Annotated[str, Meta(description="When its last record reached Kafka; an instant in UTC.")]


PeriodMember = Annotated[str, Meta(description="Its name: `2026-10`, or `2026`.")]
StartsAt = Annotated[str, Meta(description="Its first instant, in UTC.")]
EndsAt = Annotated[str, Meta(description="The first instant after it, in UTC.")]
Closed = Annotated[bool, Meta(description="Whether it is over now.")]
Revision = Annotated[int, Meta(description="Restatements there ever were (count).")]
Restated = Annotated[
    dict[str, PeriodChange],
    Meta(description="The counts that differ from those at its end, by name; for all customers, not by segment."),
]
BaselineMember = Annotated[
    PeriodBaseline | None,
    Meta(description="What was loaded first; `revision` and `restated` have it too. `null`: it was told before."),
]
WatchedUntil = Annotated[
    str,
    Meta(description="Changes are on record until then, an instant in UTC. Later ones count, without a restatement."),
]


class PeriodReport(Document, frozen=True, kw_only=True):
    """The numbers of a month or a year as of its own end, or, while it runs, of the end of the running bucket."""

    as_of: AsOf
    period: PeriodMember
    starts_at: StartsAt
    ends_at: EndsAt
    closed: Closed
    revision: Revision
    restated: Restated
    baseline: BaselineMember
    watched_until: WatchedUntil
    totals: TotalsMember
    windows: WindowsMember
    segments: SegmentsMember = UNSET
    events: EventsMember
    restatements: Annotated[
        list[RestatementEntry], Meta(description="Each that can still be told with what it changed, the latest first.")
    ]
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET


class PeriodTotals(Document, frozen=True, kw_only=True):
    """Two stocks at a period's end, as they are now."""

    customers_active: Annotated[int, Meta(description="Customers active at its end (customers).")]
    mrr: Annotated[int, Meta(description="Their monthly recurring revenue (minor units).")]


class ListedPeriod(Document, frozen=True, kw_only=True):
    """A month or a year in a line."""

    period: PeriodMember
    starts_at: StartsAt
    ends_at: EndsAt
    closed: Closed
    revision: Revision
    restated: Restated
    baseline: BaselineMember
    watched_until: WatchedUntil
    restated_at: Annotated[
        str | None, Meta(description="When the latest late event arrived, in UTC; `null` where none can be told.")
    ]
    totals: Annotated[PeriodTotals, Meta(description="Two of its stocks.")]


class PeriodList(Document, frozen=True, kw_only=True):
    """The latest periods, and what late events changed of any."""

    periods: Annotated[
        list[ListedPeriod],
        Meta(
            description="The running month and year, 12 months and 2 years before them, and all that were restated;"
            " months first, the latest first."
        ),
    ]
    restatements: Annotated[
        list[RestatementEntry], Meta(description="The latest of any period but first loads, as many as `--limit` says.")
    ]
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
