"""Comparisons of groups in documents: churn so many days after something, and the tests of differences."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.documents.document import Document
from schemas.documents.lifetime import High, Low


class ChurnAfter(Document, frozen=True, kw_only=True):
    """The share that has left within so many days."""

    days: Annotated[int, Meta(description="Days.")]
    share: Annotated[
        float | None, Meta(description="The share that has left; `null`: nobody has been seen for so long.")
    ]
    low: Low
    high: High


class LogRankTest(Document, frozen=True, kw_only=True):
    """The log-rank test of whether groups leave at the same rate."""

    statistic: Annotated[float, Meta(description="Chi-squared.")]
    degrees: Annotated[int, Meta(description="Degrees of freedom: groups less one.")]
    p: Annotated[float, Meta(description="How often chance alone would do as much or more, in [0, 1].")]


LogRankMember = Annotated[
    LogRankTest | None,
    Meta(description="Whether they leave at the same rate; `null` where there is nothing to compare."),
]


class SurvivalDifference(Document, frozen=True, kw_only=True):
    """The share of one group that stays longer than so many days, less that of another."""

    days: Annotated[int, Meta(description="Days.")]
    value: Annotated[float, Meta(description="The difference, in [-1, 1].")]
    low: Annotated[float, Meta(description="The lower bound of the range that holds it with 95 % confidence.")]
    high: Annotated[float, Meta(description="The upper bound.")]


DifferenceMember = Annotated[
    SurvivalDifference | None, Meta(description="The difference; `null` where one of the two was not seen for so long.")
]
