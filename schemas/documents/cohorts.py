"""The document of `tenure cohorts`: cohorts, and what of their customers and their MRR stays."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class CohortPeriod(Document, frozen=True, kw_only=True):
    """Activity and MRR of some customers, a number of periods after each was first active."""

    period: Annotated[int, Meta(description="Periods after that, from 1 on (months or weeks).")]
    matured: Annotated[int, Meta(description="Who has been there so long (customers).")]
    active: Annotated[int, Meta(description="Who of these is active then (customers).")]
    share: Annotated[
        float | None, Meta(description="The second over the first; `null` where nobody has been there so long.")
    ]
    mrr_start: Annotated[
        int,
        Meta(description="What those who matured paid at the end of the bucket of their first activity (minor units)."),
    ]
    mrr_net: Annotated[int, Meta(description="What they pay after the period (minor units).")]
    mrr_gross: Annotated[int, Meta(description="Of each the smaller of both, added up (minor units).")]


MrrStart = Annotated[
    int,
    Meta(description="What they paid at the end of the bucket in which each was first active (minor units): period 0."),
]


class CohortRow(Document, frozen=True, kw_only=True):
    """Everyone who was first active in one month or week."""

    cohort: Annotated[str, Meta(description="Which: `2026-03`, or `2026-W09`.")]
    size: Annotated[int, Meta(description="Everyone in it (customers).")]
    mrr_start: MrrStart
    periods: Annotated[list[CohortPeriod], Meta(description="One for each period that any of them has been there.")]


class CohortTable(Document, frozen=True, kw_only=True):
    """The cohorts of some customers."""

    size: Annotated[int, Meta(description="Everyone in it (customers).")]
    mrr_start: MrrStart
    periods: Annotated[list[CohortPeriod], Meta(description="All cohorts together: sums first, shares after.")]
    cohorts: Annotated[list[CohortRow], Meta(description="The earliest first.")]


class CohortReport(Document, frozen=True, kw_only=True):
    """The cohorts of all customers, and of segments."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    period: Annotated[str, Meta(description="How long the periods are: `month` or `week`.")]
    time_zone: Annotated[str, Meta(description="The business time zone (IANA name), in which they begin and end.")]
    currency: Annotated[str, Meta(description="What MRR is counted in (ISO 4217).")]
    all: Annotated[CohortTable, Meta(description="Of all customers.")]
    segments: Annotated[
        dict[str, dict[str, CohortTable]] | UnsetType,
        Meta(description="By dimension, then value; by plan the one that each began with. There with `--by` alone."),
    ] = UNSET
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
