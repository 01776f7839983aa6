"""The document of `tenure reconcile`: the subscriptions of an export beside those of the stream."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.translation import FileTranslation

HeldStatus = Literal["active", "trial", "paused", "free", "ended", "absent"]
DifferenceCause = Literal[
    "missing_in_stream",
    "missing_in_export",
    "not_yet_in_stream",
    "changed_after_export",
    "later_in_stream",
    "later_in_export",
    "ended_in_stream",
    "ended_in_export",
    "trial",
    "paused",
    "free",
    "plan",
    "amount",
    "currency",
    "currency_without_rate",
    "refused",
]
"""What makes a subscription differ; docs/adapters.md says what each means."""


class HeldSubscription(Document, frozen=True, kw_only=True):
    """A subscription as one side has it as of T."""

    status: Annotated[
        HeldStatus,
        Meta(
            description="`free` is open at a price of 0 and counts for nothing; `absent` was never heard of before T."
        ),
    ]
    plan: Annotated[str, Meta(description="The plan; empty where it is absent.")]
    currency: Annotated[str, Meta(description="ISO 4217; empty where it is absent.")]
    mrr: Annotated[int, Meta(description="MRR in minor units of this currency, paused or on trial at the full price.")]
    since: Annotated[str | None, Meta(description="When it began, or ended where it has; an instant in UTC.")]


class SubscriptionDifference(Document, frozen=True, kw_only=True):
    """A subscription that is not the same on both sides."""

    customer_id: Annotated[str, Meta(description="Whose it is.")]
    subscription_id: Annotated[str, Meta(description="Empty where the events of the customer name none.")]
    causes: Annotated[list[DifferenceCause], Meta(description="Everything that differs, the first for the count.")]
    detail: Annotated[str, Meta(description="The same for people.")]
    export: Annotated[HeldSubscription, Meta(description="As the export has it.")]
    stream: Annotated[HeldSubscription, Meta(description="As the stream has it.")]


class ReconciledTotal(Document, frozen=True, kw_only=True):
    """Active subscriptions of one currency, or of all."""

    export_subscriptions: Annotated[int, Meta(description="Active ones in the export (count).")]
    stream_subscriptions: Annotated[int, Meta(description="Active ones in the stream (count).")]
    export_mrr: Annotated[int, Meta(description="Their MRR (minor units).")]
    stream_mrr: Annotated[int, Meta(description="Their MRR (minor units).")]


class Reconciliation(Document, frozen=True, kw_only=True):
    """An export beside the stream."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC. Exactly what happened before it is compared.")]
    export_until: Annotated[str | None, Meta(description="The latest event of the export, in UTC.")]
    stream_until: Annotated[str | None, Meta(description="The latest event of the stream, in UTC.")]
    compared: Annotated[int, Meta(description="Subscriptions that are open on a side, or both (count).")]
    agree: Annotated[int, Meta(description="Those of them that are the same on both (count).")]
    forgotten: Annotated[int, Meta(description="Forgotten customers of the stream, who are not compared (count).")]
    totals: Annotated[dict[str, ReconciledTotal], Meta(description="By currency, in its own minor units.")]
    total: Annotated[ReconciledTotal, Meta(description="All of them, in minor units of the default currency.")]
    causes: Annotated[dict[str, int], Meta(description="Differences by their first cause (count).")]
    differences: Annotated[list[SubscriptionDifference], Meta(description="All of them, by customer.")]
    translation: Annotated[FileTranslation, Meta(description="What became of the export's records.")]
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
