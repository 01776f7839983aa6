"""The document of `tenure feedback`: how long customers stay after an answer, and whose answers wait."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.comparisons import ChurnAfter, LogRankMember
from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import LifetimeCurve
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class FeedbackBand(Document, frozen=True, kw_only=True):
    """The spells of one band: customers from an answer on, until the next one."""

    churn: Annotated[list[ChurnAfter], Meta(description="Who has left within 30 and 90 days of the beginning.")]
    curve: Annotated[LifetimeCurve, Meta(description="How long spells last; those that the next one ends go on.")]


class FeedbackKind(Document, frozen=True, kw_only=True):
    """Staying after the answers to one kind of survey."""

    bands: Annotated[
        dict[str, FeedbackBand],
        Meta(
            description="By band: `promoters`, `passives`, `detractors` or `satisfied`, `unsatisfied`; `no_answer` from"
            " 14 days after a survey on; `never_asked` from the beginning of the stay on. Bands without spells are left"
            " out."
        ),
    ]
    log_rank: LogRankMember


class FeedbackReport(Document, frozen=True, kw_only=True):
    """Staying after an answer, by what was answered."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    kinds: Annotated[dict[str, FeedbackKind], Meta(description="By kind of survey: `nps`, `csat`.")]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
