"""The document of `tenure experiments`: measures, the variants that customers saw, and how these compare."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.documents.comparisons import ChurnAfter
from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import LifetimeCurve
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class VariantComparison(Document, frozen=True, kw_only=True):
    """A variant beside the control, by a test that may be looked at every day."""

    odds_ratio: Annotated[
        float | None,
        Meta(
            description="The odds of leaving on a day, over those of the control; below 1 they stay longer. `null`"
            " where all who left saw one of the two."
        ),
    ]
    low: Annotated[
        float | None,
        Meta(description="The lower bound of the range that holds it, on all days at once, with 95 %; `null`: none."),
    ]
    high: Annotated[float | None, Meta(description="The upper bound; `null` where it has none.")]
    p: Annotated[float, Meta(description="The always-valid p-value, times the number of comparisons; in [0, 1].")]
    differs: Annotated[bool, Meta(description="Whether `p` was ever at most 0.05.")]
    since: Annotated[
        str | None, Meta(description="The first day on which it was, in UTC; `null` as long as it is not.")
    ]
    left: Annotated[int, Meta(description="Customers of both who left on days that are over (count).")]


class ExperimentVariant(Document, frozen=True, kw_only=True):
    """The customers who saw one variant first."""

    not_active: Annotated[int, Meta(description="Those who were no active customers then, and are left out (count).")]
    churn: Annotated[list[ChurnAfter], Meta(description="The shares that left within 30 and 90 days.")]
    curve: Annotated[LifetimeCurve, Meta(description="How long they stay from then on.")]
    comparison: Annotated[
        VariantComparison | UnsetType, Meta(description="Beside the control; absent of the control itself.")
    ] = UNSET


class Experiment(Document, frozen=True, kw_only=True):
    """One measure."""

    control: Annotated[str, Meta(description="The variant that the others are compared with.")]
    variants: Annotated[dict[str, ExperimentVariant], Meta(description="By name.")]


class ExperimentsReport(Document, frozen=True, kw_only=True):
    """All measures that customers were exposed to."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    measures: Annotated[dict[str, Experiment], Meta(description="By name.")]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
