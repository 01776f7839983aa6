"""The documents of `tenure explain` and `tenure lenses`: members, rules and events."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember

Side = Literal["count", "numerator", "denominator"]


class ExplainedEvent(Document, frozen=True, kw_only=True):
    """An event that fulfils a rule, and where its record lies."""

    event: Annotated[str, Meta(description="What it says, in words.")]
    id: Annotated[str | None, Meta(description="Its `id`; `null` where it cannot be read, and `note` says why.")]
    source: Annotated[str | None, Meta(description="Its `source`; `null` as `id`.")]
    topic: Annotated[
        str, Meta(description="The topic of its record; with `--file`, of the log that a replay makes of it.")
    ]
    partition: Annotated[int, Meta(description="The partition of its record.")]
    offset: Annotated[int, Meta(description="The offset of its record.")]
    place: Annotated[
        str | UnsetType, Meta(description="With `--file`: what `number` counts, `line`, `row` or `element`.")
    ] = UNSET
    number: Annotated[int | UnsetType, Meta(description="With `--file`: where the event is in it, from 1 on.")] = UNSET
    note: Annotated[str | UnsetType, Meta(description="Why there is no `id`; absent where there is one.")] = UNSET


class ExplainedReason(Document, frozen=True, kw_only=True):
    """A rule that included a customer, or the condition that left one out."""

    amount: Annotated[int, Meta(description="What it adds, in the unit of the count.")]
    rule: Annotated[str, Meta(description="The rule, in words.")]
    events: Annotated[list[ExplainedEvent], Meta(description="The events that fulfil it.")]


class ExplainedCustomer(Document, frozen=True, kw_only=True):
    """A customer who makes up a number, or nearly does."""

    customer_id: Annotated[str, Meta(description="Who.")]
    amount: Annotated[int, Meta(description="What the customer adds, in the unit of the count; 0 for a near miss.")]
    partition: Annotated[int, Meta(description="The partition that the customer lies on.")]
    reasons: Annotated[list[ExplainedReason], Meta(description="One for each time that the customer counts.")]


class ForgottenShare(Document, frozen=True, kw_only=True):
    """The forgotten customers among the members of a number, in one row."""

    customers: Annotated[int, Meta(description="Members who are forgotten (customers).")]
    amount: Annotated[int, Meta(description="What they add, together.")]
    near: Annotated[int, Meta(description="Near misses who are forgotten (customers).")]


ForgottenShareMember = Annotated[
    ForgottenShare | UnsetType,
    Meta(description="Forgotten customers among those that are counted here; none of them is named. Absent: nobody."),
]


class ExplainedPart(Document, frozen=True, kw_only=True):
    """A count that a number is made of, added up from customers and compared with the counters."""

    side: Annotated[Side, Meta(description="Whether it is the number itself, or of which side of a ratio.")]
    sign: Annotated[int, Meta(description="1, or -1 where a formula takes it away.")]
    count: Annotated[str, Meta(description="The name of the count.")]
    unit: Annotated[str, Meta(description="What is counted.")]
    sum: Annotated[int, Meta(description="The sum over all members, in that unit.")]
    counted: Annotated[int, Meta(description="The same by the counters that `kpi` reads.")]
    agrees: Annotated[bool, Meta(description="Whether the two are the same, by value too.")]
    by_value: Annotated[
        dict[str, int],
        Meta(
            description="The sum by value of the dimension, without zeros; under an empty name without `--by`. Of"
            " `facts_without_effect` by kind."
        ),
    ]
    customers: Annotated[int, Meta(description="Members there are (customers).")]
    near: Annotated[int, Meta(description="Near misses there are (customers).")]
    members: Annotated[list[ExplainedCustomer], Meta(description="The largest first, as many as `--limit` says.")]
    near_misses: Annotated[
        list[ExplainedCustomer],
        Meta(description="Who fulfils all of a rule but one condition, by name, as many as `--limit` says."),
    ]
    forgotten: ForgottenShareMember = UNSET


AsOf = Annotated[str, Meta(description="T, an instant in UTC.")]
WindowName = Annotated[str, Meta(description="The window's name.")]
Start = Annotated[str, Meta(description="Its first instant, in UTC.")]
Dimension = Annotated[str | None, Meta(description="The dimension of `--by`; `null` without it.")]
SegmentName = Annotated[str | None, Meta(description="The value of `--value`; `null` without it.")]
Currency = Annotated[str, Meta(description="What money is counted in (ISO 4217).")]
Agrees = Annotated[bool, Meta(description="Whether members and counters agree in all; otherwise the exit status is 1.")]
StreamMoved = Annotated[
    bool, Meta(description="Whether the stream went on while it was read, which may be why they do not agree.")
]


class Explanation(Document, frozen=True, kw_only=True):
    """The customers that make up a count, or the counts that a ratio is made of."""

    kpi: Annotated[str, Meta(description="The name of the count or the ratio.")]
    as_of: AsOf
    window: Annotated[str | None, Meta(description="The window's name; `null` where all of it is as of T.")]
    start: Annotated[str | None, Meta(description="Its first instant, in UTC; `null` as `window`.")]
    dimension: Dimension
    segment: SegmentName
    currency: Currency
    value: Annotated[
        float | UnsetType | None,
        Meta(description="The ratio, by the members; `null` where its denominator is 0, absent where it is a count."),
    ] = UNSET
    parts: Annotated[list[ExplainedPart], Meta(description="The counts that it is made of.")]
    agrees: Agrees
    moved: StreamMoved
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET


class LensRatio(Document, frozen=True, kw_only=True):
    """Churn by one definition."""

    churn: Annotated[float | None, Meta(description="The ratio; `null` where the denominator is 0.")]
    numerator: Annotated[int, Meta(description="Cancellations or customers, as the formula says.")]
    denominator: Annotated[int, Meta(description="Customers.")]
    formula: Annotated[str, Meta(description="What is divided by what, by names of counts.")]
    meaning: Annotated[str, Meta(description="What it says, in a sentence.")]


class LensDifference(Document, frozen=True, kw_only=True):
    """Cancellations that some definitions count and others do not."""

    sum: Annotated[int, Meta(description="How many there are (facts).")]
    customers: Annotated[int, Meta(description="Of how many customers.")]
    members: Annotated[list[ExplainedCustomer], Meta(description="The largest first, as many as `--limit` says.")]
    forgotten: ForgottenShareMember = UNSET


class LensComparison(Document, frozen=True, kw_only=True):
    """Customer churn by four definitions, and who makes them differ."""

    as_of: AsOf
    window: WindowName
    start: Start
    dimension: Dimension
    segment: SegmentName
    currency: Currency
    counts: Annotated[dict[str, int], Meta(description="The counts that the definitions are made of, by name.")]
    lenses: Annotated[dict[str, LensRatio], Meta(description="By definition.")]
    segments: Annotated[
        dict[str, dict[str, LensRatio]] | UnsetType,
        Meta(description="By value of the dimension, then definition. There with `--by` alone."),
    ] = UNSET
    differences: Annotated[
        dict[str, LensDifference],
        Meta(description="`returned`, `repeated` and `of_new`: what makes the definitions differ."),
    ]
    fault: Annotated[str | None, Meta(description="What does not add up, in words; `null` where all does.")]
    agrees: Agrees
    moved: StreamMoved
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
