"""The document of `tenure customer`: one customer's timeline, subscriptions, movements and contributions."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.explanation import ExplainedEvent
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember

FactStatus = Literal["effect", "no_effect", "revoked", "later"]
SubscriptionState = Literal["open", "paused", "closed"]


class TimelineEntry(Document, frozen=True, kw_only=True):
    """An event of a customer, and what it did."""

    at: Annotated[str, Meta(description="Its event time; an instant in UTC.")]
    kind: Annotated[
        str,
        Meta(
            description="`signup`, `change`, `pause`, `resume`, `cancel`, `revoke`, `survey`, `renewal`, `contact`,"
            " `support`, `referral` or `exposure`."
        ),
    ]
    status: Annotated[
        FactStatus,
        Meta(
            description="`effect`: it counts; `no_effect`: it is valid and does nothing; `revoked`: it was taken back;"
            " `later`: its event time is not before T."
        ),
    ]
    did: Annotated[str, Meta(description="What it did, or why it did nothing, in words.")]
    event: Annotated[ExplainedEvent, Meta(description="What it says, and where its record lies.")]


class CustomerSubscription(Document, frozen=True, kw_only=True):
    """A subscription of a customer at T."""

    id: Annotated[str, Meta(description="Its `subscription_id`; empty where events name none.")]
    state: Annotated[SubscriptionState, Meta(description="Its state.")]
    counts: Annotated[bool, Meta(description="Whether it [counts](definitions.md).")]
    why_not: Annotated[str | None, Meta(description="Why it does not, in words; `null` where it does.")]
    trial: Annotated[bool, Meta(description="Whether it is on trial.")]
    plan: Annotated[str | None, Meta(description="Its plan; `null` where it is closed.")]
    price: Annotated[int | None, Meta(description="MRR of its price (minor units); `null` as `plan`.")]
    mrr: Annotated[int, Meta(description="MRR that counts (minor units); 0 while it is paused or does not count.")]
    open_since: Annotated[str | None, Meta(description="Since when it is open, in UTC; `null` as `plan`.")]
    closed_at: Annotated[str | None, Meta(description="When it ended, in UTC; `null` where it is open.")]


class CustomerMovement(Document, frozen=True, kw_only=True):
    """A bucket in which a customer's facts moved something."""

    bucket: Annotated[str, Meta(description="The bucket's first instant, in UTC.")]
    kinds: Annotated[
        list[str],
        Meta(
            description="`new`, `reactivation`, `cancellation`, `upgrade`, `downgrade`, or `other`: plan, pause or"
            " trial alone."
        ),
    ]
    mrr_before: Annotated[int, Meta(description="MRR at its start (minor units).")]
    mrr_after: Annotated[int, Meta(description="MRR at its end (minor units).")]
    plan_before: Annotated[str, Meta(description="Plan at its start; `none` before the first fact.")]
    plan_after: Annotated[str, Meta(description="Plan at its end.")]
    reason: Annotated[str | None, Meta(description="Reason of a cancellation; `null` where it is none.")]
    involuntary: Annotated[bool, Meta(description="Whether it was a cancellation against the customer's will.")]


class CustomerActivity(Document, frozen=True, kw_only=True):
    """Use of the product by a customer; states remember buckets and not their records."""

    buckets: Annotated[int, Meta(description="Buckets with activity before T (count).")]
    first: Annotated[str | None, Meta(description="The first of them, in UTC; `null` where there is none.")]
    last: Annotated[str | None, Meta(description="The last of them, likewise.")]
    features: Annotated[list[str], Meta(description="Features that were ever used, by name.")]
    onboarded: Annotated[list[str], Meta(description="Completions of the onboarding, in UTC; some of many.")]


class CustomerContribution(Document, frozen=True, kw_only=True):
    """A count that a customer is in."""

    count: Annotated[str, Meta(description="Its [name](kpis.md).")]
    amount: Annotated[int, Meta(description="What the customer adds to it, in its unit.")]
    unit: Annotated[str, Meta(description="Its unit.")]
    rules: Annotated[list[str], Meta(description="The rules that include the customer, in words.")]


class CustomerTimeline(Document, frozen=True, kw_only=True):
    """One customer: what happened, what it came to, and which counts it is in."""

    customer_id: Annotated[str, Meta(description="Who.")]
    partition: Annotated[int, Meta(description="The partition that the customer lies on.")]
    as_of: Annotated[str, Meta(description="T; an instant in UTC.")]
    currency: Annotated[str, Meta(description="What money is counted in (ISO 4217).")]
    active: Annotated[bool, Meta(description="Whether a subscription counts at T.")]
    mrr: Annotated[int, Meta(description="MRR at T (minor units).")]
    plan: Annotated[str, Meta(description="Plan at T; `none` before the first fact.")]
    segments: Annotated[dict[str, str], Meta(description="Value by dimension, but for the plan.")]
    subscriptions: Annotated[list[CustomerSubscription], Meta(description="All there ever were, by id.")]
    timeline: Annotated[list[TimelineEntry], Meta(description="All events with an identity, earliest first.")]
    movements: Annotated[list[CustomerMovement], Meta(description="Movements before T, earliest first.")]
    activity: Annotated[CustomerActivity, Meta(description="Use of the product.")]
    totals: Annotated[list[CustomerContribution], Meta(description="Counts as of T that the customer is in.")]
    windows: Annotated[
        dict[str, list[CustomerContribution]], Meta(description="Counts of each window that the customer is in.")
    ]
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
