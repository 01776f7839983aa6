"""The document of `tenure digest`: a week in numbers, and what has become of those of the week before."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember

WeekVerdict = Literal["more_than_chance", "within_chance"]
TargetVerdict = Literal["met", "missed", "missed_for_sure", "no_data"]


class DigestNumber(Document, frozen=True, kw_only=True):
    """A count or a ratio of the week, and of the week before."""

    name: Annotated[str, Meta(description="Its [name](kpis.md).")]
    title: Annotated[str, Meta(description="The same for people.")]
    unit: Annotated[str, Meta(description="`minor units`, `ratio` and so on, as the catalogue has it.")]
    now: Annotated[float | int | None, Meta(description="As of the end of the week; `null` where there is no sample.")]
    before: Annotated[float | int | None, Meta(description="As of the end of the week before.")]
    low: Annotated[
        float | None, Meta(description="Lower bound of the 95 % Wilson interval; `null` for what is no proportion.")
    ]
    high: Annotated[float | None, Meta(description="Upper bound, likewise.")]
    verdict: Annotated[
        WeekVerdict | None,
        Meta(
            description="Whether the change is more than chance (z of 3 or more, of proportions and NPS); `null` where"
            " no test applies."
        ),
    ]


class DigestTarget(Document, frozen=True, kw_only=True):
    """A target as of the end of the week, of its own customers and in its own window."""

    kpi: Annotated[str, Meta(description="The ratio.")]
    title: Annotated[str, Meta(description="The same for people.")]
    window: Annotated[str, Meta(description="The window that the target is of.")]
    dimension: Annotated[str, Meta(description="The dimension of a segment; `all` for all customers.")]
    segment: Annotated[str, Meta(description="The segment's value; empty for all customers.")]
    target: Annotated[float, Meta(description="The target.")]
    owner: Annotated[str, Meta(description="Who answers for it.")]
    now: Annotated[float | None, Meta(description="The ratio; `null` where there is no sample.")]
    before: Annotated[float | None, Meta(description="A week before.")]
    low: Annotated[float | None, Meta(description="As in a number of the week.")]
    high: Annotated[float | None, Meta(description="Likewise.")]
    verdict: Annotated[
        TargetVerdict,
        Meta(
            description="`missed_for_sure`: the interval is beyond the target; `missed`: the value is, and chance may"
            " explain it."
        ),
    ]


class DigestSegment(Document, frozen=True, kw_only=True):
    """A segment whose customers or revenue moved most."""

    dimension: Annotated[str, Meta(description="The dimension.")]
    value: Annotated[str, Meta(description="Its value.")]
    customers: Annotated[int, Meta(description="Customers at the end of the week (count).")]
    customers_change: Annotated[int, Meta(description="Less those at its start.")]
    mrr: Annotated[int, Meta(description="MRR at the end of the week (minor units).")]
    mrr_change: Annotated[int, Meta(description="Less that at its start.")]
    churn: Annotated[float | None, Meta(description="Standard churn of the week.")]
    churn_before: Annotated[float | None, Meta(description="Of the week before.")]
    departs: Annotated[
        bool,
        Meta(description="Whether churn departs from that of all others: z of 3, 5 lost of 50 or more."),
    ]


class DigestReason(Document, frozen=True, kw_only=True):
    """A reason of cancellations."""

    reason: Annotated[str, Meta(description="Its slug.")]
    count: Annotated[int, Meta(description="Cancellations of the week (count).")]
    before: Annotated[int, Meta(description="Of the week before.")]


class Correction(Document, frozen=True, kw_only=True):
    """A number of a past digest that is another now."""

    name: Annotated[str, Meta(description="The count or ratio.")]
    title: Annotated[str, Meta(description="The same for people.")]
    unit: Annotated[str, Meta(description="Its unit.")]
    shown: Annotated[float | int | None, Meta(description="As it was shown then.")]
    now: Annotated[float | int | None, Meta(description="As it is known now.")]


class CorrectedWeek(Document, frozen=True, kw_only=True):
    """A past digest, as it was issued and as its numbers are now."""

    week: Annotated[str, Meta(description="The week.")]
    issued_at: Annotated[
        str | None,
        Meta(description="When it was issued first; `null`: it was not, and nobody can say what was shown."),
    ]
    numbers: Annotated[int, Meta(description="Numbers that were compared (count).")]
    corrections: Annotated[list[Correction], Meta(description="Those that differ.")]


class DigestReport(Document, frozen=True, kw_only=True):
    """A week in numbers."""

    week: Annotated[str, Meta(description="ISO 8601, such as `2026-W47`, in the business time zone.")]
    starts_at: Annotated[str, Meta(description="T of the numbers before: the Monday of the week, an instant in UTC.")]
    ends_at: Annotated[str, Meta(description="T of the numbers: the Monday after the week.")]
    currency: Annotated[str, Meta(description="What money is counted in (ISO 4217).")]
    numbers: Annotated[list[DigestNumber], Meta(description="Stocks, counts and ratios of seven days.")]
    targets: Annotated[list[DigestTarget], Meta(description="Every target that holds.")]
    segments: Annotated[list[DigestSegment], Meta(description="The largest changes, the largest first.")]
    reasons: Annotated[list[DigestReason], Meta(description="The most frequent reasons of cancellations.")]
    corrected: Annotated[CorrectedWeek, Meta(description="What has become of the digest of the week before.")]
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
