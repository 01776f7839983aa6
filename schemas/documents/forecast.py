"""The document of `tenure forecast`: customers and MRR of the next twelve months, and how earlier forecasts did."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class ForecastBand(Document, frozen=True, kw_only=True):
    """A forecast of one number."""

    middle: Annotated[float, Meta(description="Half of what may come is above it.")]
    low: Annotated[float, Meta(description="One tenth of what may come is below it.")]
    high: Annotated[float, Meta(description="One tenth of what may come is above it.")]


class ForecastMonth(Document, frozen=True, kw_only=True):
    """The end of a month to come."""

    at: Annotated[str, Meta(description="The instant, in UTC; months are 365/12 days.")]
    customers: Annotated[ForecastBand, Meta(description="Active customers.")]
    mrr: Annotated[ForecastBand, Meta(description="MRR (minor units).")]


class BandCoverage(Document, frozen=True, kw_only=True):
    """The share of earlier forecasts whose bands held what came."""

    months: Annotated[int, Meta(description="Months that were forecast, of all origins together (count).")]
    origins: Annotated[int, Meta(description="Instants of the last two years that were forecast from (count).")]
    customers: Annotated[float, Meta(description="The share of them whose band held the customers.")]
    mrr: Annotated[float, Meta(description="The share of them whose band held the MRR.")]


class ForecastReport(Document, frozen=True, kw_only=True):
    """The next twelve months."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    currency: Annotated[str, Meta(description="What MRR is counted in (ISO 4217).")]
    learnt_months: Annotated[int, Meta(description="Months before T that rates of leaving rest on (count).")]
    customers: Annotated[int, Meta(description="Active customers at T.")]
    mrr: Annotated[int, Meta(description="MRR at T (minor units).")]
    band: Annotated[float, Meta(description="The share of what comes that the bands are to hold.")]
    months: Annotated[list[ForecastMonth], Meta(description="The next first.")]
    coverage: Annotated[
        BandCoverage | None, Meta(description="How forecasts of the last two years did; `null`: too little is before.")
    ]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
