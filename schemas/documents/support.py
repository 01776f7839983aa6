"""The document of `tenure support`: how long tickets wait, and who leaves after one."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.comparisons import ChurnAfter
from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import LifetimeCurve
from schemas.documents.losses import LossesMember, WaitingMember
from schemas.documents.named_marks import MarksMember


class TicketWait(Document, frozen=True, kw_only=True):
    """The wait of tickets for something; those that wait still count for as long as they have waited."""

    done: Annotated[int, Meta(description="Tickets for which it came (count).")]
    waiting: Annotated[int, Meta(description="Tickets that wait still (count).")]
    median_minutes: Annotated[
        int | None, Meta(description="The minute by which it came to half of them; `null` while more than half wait.")
    ]
    within_day: Annotated[
        float | None, Meta(description="The share to which it came within 24 hours; `null`: none was seen for so long.")
    ]


class SupportReport(Document, frozen=True, kw_only=True):
    """Tickets, and the staying of customers after one."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    window: Annotated[str, Meta(description="The window's name.")]
    opened: Annotated[int, Meta(description="Tickets that were opened in the window (count).")]
    answer: Annotated[TicketWait, Meta(description="Their wait for the first answer, or for being solved without one.")]
    solution: Annotated[TicketWait, Meta(description="Their wait for being solved, the first time.")]
    churn: Annotated[
        list[ChurnAfter],
        Meta(description="The shares of customers who left within 30 and 90 days after any ticket was opened."),
    ]
    curve: Annotated[LifetimeCurve, Meta(description="How long they stay from then on, until their next ticket.")]
    where: WhereMember = UNSET
    marks: MarksMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
