"""The document of `tenure lifetime`: the survival curve and its figures."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember

Low = Annotated[
    float | None,
    Meta(description="The lower bound of the range that holds it with 95 % confidence; `null` where there is none."),
]
High = Annotated[float | None, Meta(description="The upper bound; `null` as `low`.")]


class LifetimeShare(Document, frozen=True, kw_only=True):
    """The share of stays that last longer than so many days."""

    days: Annotated[int, Meta(description="7, 30, 90 or 365 (days).")]
    share: Annotated[
        float | None, Meta(description="The share that lasts longer; `null`: no stay has been seen for so long.")
    ]
    low: Low
    high: High


class LifetimePoint(Document, frozen=True, kw_only=True):
    """A point of the curve: a duration that was observed."""

    days: Annotated[int, Meta(description="Whole days since the stay began.")]
    at_risk: Annotated[int, Meta(description="Stays that had lasted so long (count).")]
    deaths: Annotated[int, Meta(description="Stays that ended on that day (count).")]
    censored: Annotated[int, Meta(description="Stays that go on and have lasted so long (count).")]
    share: Annotated[float, Meta(description="The share that lasts longer.")]
    low: Low
    high: High


class LifetimeCurve(Document, frozen=True, kw_only=True):
    """The stays of some customers."""

    episodes: Annotated[int, Meta(description="Stays (count); who comes back begins another.")]
    deaths: Annotated[int, Meta(description="Stays that ended (count).")]
    censored: Annotated[int, Meta(description="Stays that go on (count).")]
    median_days: Annotated[
        int | None, Meta(description="The day by which half have ended; `null` while more than half go on.")
    ]
    restricted_mean_days: Annotated[
        float | None,
        Meta(description="The mean when no stay counts beyond the longest one seen (days); `null` without stays."),
    ]
    longest_days: Annotated[int | None, Meta(description="The longest stay seen (days); `null` without stays.")]
    survival: Annotated[list[LifetimeShare], Meta(description="The shares that last longer than 7, 30, 90, 365 days.")]
    points: Annotated[list[LifetimePoint], Meta(description="The curve, by duration.")]


class LifetimeReport(Document, frozen=True, kw_only=True):
    """Lifetimes of all customers, and of those of segments."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    all: Annotated[LifetimeCurve, Meta(description="Of all customers.")]
    segments: Annotated[
        dict[str, dict[str, LifetimeCurve]] | UnsetType,
        Meta(description="By dimension, then value; by plan the one that each began with. There with `--by` alone."),
    ] = UNSET
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
