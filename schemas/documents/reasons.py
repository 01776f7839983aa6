"""The documents of `tenure reasons` and `tenure features`."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class RankedLine(Document, frozen=True, kw_only=True):
    """One reason or feature, or all of them."""

    name: Annotated[
        str | UnsetType,
        Meta(description="The reason or feature; `other` is what is not named. Absent in a total."),
    ] = UNSET
    count: Annotated[int, Meta(description="Cancellations, answers, or engaged customers (count).")]
    voluntary: Annotated[
        int | UnsetType, Meta(description="Of cancellations alone: those that the customer chose (count).")
    ] = UNSET
    involuntary: Annotated[int | UnsetType, Meta(description="Of cancellations alone: the others (count).")] = UNSET
    lost_mrr: Annotated[
        int | UnsetType, Meta(description="Of cancellations alone: the MRR that was lost by them (minor units).")
    ] = UNSET
    before: Annotated[int, Meta(description="The count in the window before.")]
    change: Annotated[int, Meta(description="`count` less `before`.")]


class Ranked(Document, frozen=True, kw_only=True):
    """The largest reasons or features."""

    total: Annotated[RankedLine, Meta(description="All of them.")]
    lines: Annotated[list[RankedLine], Meta(description="The twenty largest, and the rest as `other`.")]


class RankedSegments(Document, frozen=True, kw_only=True):
    """The same by value of one dimension."""

    cancellations: Annotated[
        dict[str, Ranked] | UnsetType, Meta(description="Cancellations by reason. Of `reasons` alone.")
    ] = UNSET
    survey_answers: Annotated[
        dict[str, Ranked] | UnsetType, Meta(description="Answered surveys by reason. Of `reasons` alone.")
    ] = UNSET
    features: Annotated[
        dict[str, Ranked] | UnsetType, Meta(description="Engaged customers by feature. Of `features` alone.")
    ] = UNSET


class ReasonsReport(Document, frozen=True, kw_only=True):
    """Reasons or features in a window, and in the one before it."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    window: Annotated[str, Meta(description="The window's name.")]
    start: Annotated[str, Meta(description="Its first instant, in UTC.")]
    before: Annotated[str, Meta(description="The first instant of the window before, in UTC.")]
    cancellations: Annotated[Ranked | UnsetType, Meta(description="Cancellations by reason. Of `reasons` alone.")] = (
        UNSET
    )
    survey_answers: Annotated[
        Ranked | UnsetType, Meta(description="Answered surveys by reason. Of `reasons` alone.")
    ] = UNSET
    features: Annotated[Ranked | UnsetType, Meta(description="Engaged customers by feature. Of `features` alone.")] = (
        UNSET
    )
    segments: Annotated[
        dict[str, RankedSegments] | UnsetType, Meta(description="By dimension. There with `--by` alone.")
    ] = UNSET
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
