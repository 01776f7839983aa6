"""Losses in the documents of `tenure resume` and `tenure kpi`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, UnsetType

from schemas.documents.document import Document


class LostTopic(Document, frozen=True, kw_only=True):
    """Records of one topic that are lost."""

    topic: Annotated[str, Meta(description="Its name.")]
    lost: Annotated[str, Meta(description="`records`, `state` or `topic`: what is not there any more.")]
    first: Annotated[int | None, Meta(description="The first offset that is lost; `null`: nobody knows.")]
    goes_on_at: Annotated[int, Meta(description="The offset that reading goes on at.")]
    records: Annotated[int | None, Meta(description="Offsets that Kafka has deleted (count); `null`: nobody knows.")]


class WaitingLoss(Document, frozen=True, kw_only=True):
    """A loss of one partition."""

    partition: Annotated[int, Meta(description="Its number.")]
    since: Annotated[
        str | None,
        Meta(description="The earliest instant that lost events may be of; `null`: nobody knows, from the beginning."),
    ]
    until: Annotated[str | None, Meta(description="The latest; `null`: until now.")]
    topics: Annotated[list[LostTopic], Meta(description="What is lost, by topic.")]


class ReportedLoss(WaitingLoss, frozen=True, kw_only=True):
    """A loss that somebody gave up with `tenure resume`."""

    accepted_at: Annotated[str, Meta(description="When; an instant in UTC.")]
    accepted_by: Annotated[str, Meta(description="Who.")]
    reason: Annotated[str, Meta(description="Why, in words; may be empty.")]


class LossList(Document, frozen=True, kw_only=True):
    """The losses of a stream."""

    waiting: Annotated[list[WaitingLoss], Meta(description="Those that halt a partition.")]
    accepted: Annotated[list[ReportedLoss], Meta(description="Those that somebody gave up.")]


class MissedLoss(ReportedLoss, frozen=True, kw_only=True):
    """A loss that numbers go without."""

    windows: Annotated[list[str], Meta(description="The windows that miss events by it.")]


LossesMember = Annotated[
    list[MissedLoss] | UnsetType,
    Meta(description="Of a running stream: what somebody gave up. Absent where nobody ever did."),
]
WaitingMember = Annotated[
    list[WaitingLoss] | UnsetType,
    Meta(
        description="Of a running stream: what halted partitions have lost, and nobody gave up yet. While it is there,"
        " the numbers lack what these partitions count. Absent where there is none."
    ),
]
