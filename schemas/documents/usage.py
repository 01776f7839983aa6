"""The document of `tenure usage`: on how many days customers use the product, who fell asleep and who woke up."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class DaysOfUse(Document, frozen=True, kw_only=True):
    """Customers who used the product on so many of the last 30 days."""

    days: Annotated[int, Meta(description="Days of 24 hours up to T with activity (count), 0 to 30.")]
    customers: Annotated[int, Meta(description="Active customers who used it on so many (count).")]


class SleepersOfWindow(Document, frozen=True, kw_only=True):
    """Active customers whose use stopped or began again, in a window of d days."""

    dormant: Annotated[
        int, Meta(description="`customers_dormant`: engaged in the d days before the last d, and not since (count).")
    ]
    resurrected: Annotated[
        int,
        Meta(description="`customers_resurrected`: customers 2 d days ago, engaged in the last d alone (count)."),
    ]
    dormant_by_plan: Annotated[dict[str, int], Meta(description="By plan at T; plans without any are left out.")]
    resurrected_by_plan: Annotated[dict[str, int], Meta(description="Likewise.")]


class UsageReport(Document, frozen=True, kw_only=True):
    """The use of the product by active customers."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    customers: Annotated[int, Meta(description="Active customers (count).")]
    mean_days: Annotated[float | None, Meta(description="Days of use in 30, on average; `null` without customers.")]
    days: Annotated[list[DaysOfUse], Meta(description="By days of use, 0 to 30.")]
    windows: Annotated[dict[str, SleepersOfWindow], Meta(description="By window: `7d`, `30d`.")]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
