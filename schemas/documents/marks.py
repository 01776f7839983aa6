"""The documents of `tenure mark` and `tenure marks`."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.filters import WhereMember
from schemas.documents.lifetime import High, Low
from schemas.documents.losses import LossesMember, WaitingMember

_At = Annotated[str, Meta(description="When it happened; an instant in UTC.")]
_Until = Annotated[str | None, Meta(description="When it ended; `null` where it took no time.")]
_Kind = Annotated[str, Meta(description="`release`, `price`, `campaign`, `incident` or `other`.")]
_Title = Annotated[str, Meta(description="What it is called.")]


class SentMark(Document, frozen=True, kw_only=True):
    """A mark that Kafka has."""

    id: Annotated[str, Meta(description="By which it can be corrected.")]
    kind: _Kind
    title: _Title
    at: _At
    until: _Until
    sequence: Annotated[int, Meta(description="The greater corrects the smaller, under one id.")]


class MarkChurn(Document, frozen=True, kw_only=True):
    """Churn over some days."""

    customers: Annotated[int, Meta(description="Active customers at their beginning (count).")]
    lost: Annotated[int, Meta(description="Those of them who are none at their end (count).")]
    share: Annotated[float | None, Meta(description="The share of them; `null` of nobody.")]


class MarkedChurn(Document, frozen=True, kw_only=True):
    """A mark, and what churn was before and after it."""

    kind: _Kind
    title: _Title
    at: _At
    until: _Until
    before: Annotated[MarkChurn, Meta(description="In the days before it.")]
    after: Annotated[MarkChurn | None, Meta(description="In the days after its end; `null` until they are over.")]
    difference: Annotated[float | None, Meta(description="The share after less that before; `null` as `after`.")]
    low: Low
    high: High


class MarksReport(Document, frozen=True, kw_only=True):
    """The marks, each with churn before and after."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    days: Annotated[int, Meta(description="Days before and after each (count).")]
    marks: Annotated[list[MarkedChurn], Meta(description="Those before T, the newest hundred, earliest first.")]
    where: WhereMember = UNSET
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
