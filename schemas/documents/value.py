"""The document of `tenure value`: what a customer brings, and what it cost to acquire one."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import High, Low
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class CustomerValue(Document, frozen=True, kw_only=True):
    """The lifetime value of a customer of some group."""

    customers: Annotated[int, Meta(description="Active customers (count).")]
    arpa: Annotated[float | None, Meta(description="MRR of one (minor units); `null` without any.")]
    mean_days: Annotated[
        float | None,
        Meta(description="The mean stay, none counted beyond the longest seen (days); `null` without stays."),
    ]
    value: Annotated[
        float | None, Meta(description="What a customer brings in that time (minor units); `null` as `arpa`.")
    ]
    low: Low
    high: High
    acquisition_cost: Annotated[
        float | UnsetType,
        Meta(description="What it costs to acquire one (minor units). There by channel, where it is set."),
    ] = UNSET
    over_cost: Annotated[
        float | UnsetType | None, Meta(description="`value` over `acquisition_cost`; there with it.")
    ] = UNSET
    payback_days: Annotated[
        int | UnsetType | None,
        Meta(description="After how many days a customer has brought it; `null`: the stays seen do not say."),
    ] = UNSET


class ValueReport(Document, frozen=True, kw_only=True):
    """Lifetime value of all customers, and by value of a dimension."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    currency: Annotated[str, Meta(description="What money is counted in (ISO 4217).")]
    all: Annotated[CustomerValue, Meta(description="Of all customers.")]
    segments: Annotated[
        dict[str, dict[str, CustomerValue]] | UnsetType,
        Meta(description="By dimension, then value; by plan the one that a stay began with. There with `--by` alone."),
    ] = UNSET
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
