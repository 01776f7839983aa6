"""The document of `tenure drivers`: what goes with staying."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.comparisons import DifferenceMember, LogRankTest
from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import LifetimeShare
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class TraitGroup(Document, frozen=True, kw_only=True):
    """The customers who had a trait at the landmark, or those who had it not."""

    customers: Annotated[int, Meta(description="Who was active at the landmark (customers).")]
    left: Annotated[int, Meta(description="Who of these has left since (customers).")]
    stay: Annotated[LifetimeShare, Meta(description="The share that stays longer than 90 days more.")]


class TraitComparison(Document, frozen=True, kw_only=True):
    """A trait, and whether staying goes with it."""

    kind: Annotated[
        str,
        Meta(
            description="`feature`, `onboarding`, `answer` (a survey was answered), `reason` (of an answer), or a"
            " dimension such as `plan`."
        ),
    ]
    value: Annotated[str, Meta(description="Which feature, kind of survey, reason or value; `completed`.")]
    having: Annotated[TraitGroup, Meta(description="Who had it by the landmark.")]
    lacking: Annotated[TraitGroup, Meta(description="Who had it not.")]
    difference: DifferenceMember
    log_rank: Annotated[LogRankTest, Meta(description="Whether the two leave at the same rate.")]
    adjusted_p: Annotated[
        float, Meta(description="The p-value, adjusted for all traits that were looked at (Benjamini and Hochberg).")
    ]
    reported: Annotated[
        bool, Meta(description="Whether it is at most 0.05, and that of the surest trait at most 0.025.")
    ]


class DriversReport(Document, frozen=True, kw_only=True):
    """All traits that were looked at, the surest first."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    landmark_days: Annotated[int, Meta(description="The age at which customers are told apart (days).")]
    customers: Annotated[int, Meta(description="Who was active at that age (customers).")]
    traits: Annotated[
        list[TraitComparison], Meta(description="Those that 50 customers had and 50 had not; nothing is left out.")
    ]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
