"""The document of `tenure referrals`: who was brought by other customers, and how long those stay."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.comparisons import ChurnAfter, LogRankMember
from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import LifetimeCurve
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class ReferralGroup(Document, frozen=True, kw_only=True):
    """The first stays of some customers."""

    churn: Annotated[list[ChurnAfter], Meta(description="The shares that left within 30 and 90 days.")]
    curve: Annotated[LifetimeCurve, Meta(description="How long first stays last.")]


class ReferralsReport(Document, frozen=True, kw_only=True):
    """Referrals, and the staying of those who were brought beside all others."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    referrers: Annotated[int, Meta(description="Customers who brought another one (count).")]
    referred: Annotated[int, Meta(description="Customers who were brought, whether they came or not (count).")]
    brought: Annotated[ReferralGroup, Meta(description="Those who were brought, and became active.")]
    others: Annotated[ReferralGroup, Meta(description="All other customers who were ever active.")]
    log_rank: LogRankMember
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
