"""Giving up what is lost: what halted partitions wait for, who accepted what, and what reports say of it.

What a loss is: `streams.partition.losses`. Which lines people read: `tenure.commands.resume`.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import asdict, replace

from kpis.counting.windows import Windows
from kpis.instants import instant_text
from schemas.documents import losses as documents
from schemas.documents.document import AnyDocument
from streams.errors import CheckFailed, UsageError
from streams.partition.losses import (
    RECORDS,
    STATE,
    AcceptedLoss,
    Loss,
    LossStore,
    LostRange,
    StreamLosses,
    covers,
    touched_windows,
)
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from tenure.operations.lines import LONGEST_NAME, one_line


async def wanted_loss(store: LossStore, partition: int, *, partitions: int) -> Loss:
    """Return what a partition has lost and waits for.

    Raises:
        UsageError: There is no such partition.
        CheckFailed: It waits for nothing.
        TablesUnavailable: Redis does not answer.
    """
    if not 0 <= partition < partitions:
        raise UsageError(f"partition {partition}: there are only 0 to {partitions - 1}")
    loss = await store.waiting(partition)
    if loss is None:
        raise CheckFailed(
            f"partition {partition} is not halted by a loss, so that there is nothing to accept; `tenure resume` lists"
            " those that are. Any other halt, the log line partition_halted says how to mend"
        )
    return loss


async def accept(store: LossStore, loss: Loss, *, by: str, reason: str, now_ms: int) -> tuple[AcceptedLoss, bool]:
    """Accept a loss; return it as it is kept, and whether it was not accepted before.

    Raises:
        UsageError: The name or the reason is no line of text.
        TablesUnavailable: Redis does not answer; whether the loss is accepted, `LossStore.losses` tells.
    """
    before = covers(await store.accepted(), loss)
    if before is not None:
        return before, False
    accepted = AcceptedLoss(
        loss, one_line("--as", by, least=1, most=LONGEST_NAME), now_ms, one_line("--reason", reason)
    )
    await store.accept(accepted)
    return accepted, True


def loss_document(loss: Loss) -> documents.WaitingLoss:
    """Return a loss as `tenure resume --json` prints it."""
    topics = [
        documents.LostTopic(
            topic=lost.topic,
            lost=lost.lost,
            first=lost.first if lost.first >= 0 else None,
            goes_on_at=lost.goes_on_at,
            records=lost.records,
        )
        for lost in loss.ranges
    ]
    return documents.WaitingLoss(
        partition=loss.partition, since=_instant(loss.since_ms), until=_instant(loss.until_ms), topics=topics
    )


def accepted_document(accepted: AcceptedLoss) -> documents.ReportedLoss:
    """Return an accepted loss as `tenure resume --json` prints it."""
    return documents.ReportedLoss(
        **asdict(loss_document(accepted.loss)) | {"until": instant_text(accepted.until_ms)},
        accepted_at=instant_text(accepted.accepted_at_ms),
        accepted_by=accepted.accepted_by,
        reason=accepted.reason,
    )


def list_document(found: StreamLosses) -> documents.LossList:
    """Return the losses of a stream as `tenure resume --json` prints them."""
    return documents.LossList(
        waiting=[loss_document(loss) for loss in found.waiting],
        accepted=[accepted_document(loss) for loss in found.accepted],
    )


def losses_as_of(accepted: Sequence[AcceptedLoss], windows: Windows, at_ms: int) -> list[documents.MissedLoss]:
    """Return the losses that numbers as of an instant go without, each with the windows that may miss events."""
    return [
        documents.MissedLoss(
            **asdict(accepted_document(loss)), windows=touched_windows(loss, windows, at_ms // windows.bucket_ms)
        )
        for loss in accepted
        if loss.loss.since_ms is None or loss.loss.since_ms < at_ms
    ]


def with_losses(document: AnyDocument, losses: StreamLosses | None, settings: Settings, *, at_ms: int) -> AnyDocument:
    """Return a document with the losses that its numbers go without, and with those that halt partitions.

    Args:
        document: One with the members `losses` and `waiting`.
        losses: Of the stream; None for a file, which has none.
        settings: Of the stream.
        at_ms: The instant that its numbers are as of (ms since 1970).
    """
    if losses is None:
        return document
    missed = losses_as_of(losses.accepted, windows_of(settings), at_ms)
    return replace(
        document,
        losses=missed if losses.accepted else UNSET,
        waiting=[loss_document(loss) for loss in losses.waiting] or UNSET,
    )


def range_words(lost: LostRange) -> str:
    """Return what is lost of a topic, for people."""
    if lost.lost == RECORDS and lost.records is not None:
        offsets = f"{lost.records:,} offsets, {lost.first:,} to {lost.goes_on_at - 1:,}"
        what = f"{offsets}, were deleted before they were counted"
    elif lost.lost == RECORDS:
        what = f"the records from {lost.goes_on_at:,} on were counted up to {lost.first:,}, and are gone or others now"
    elif lost.lost == STATE and lost.records is not None:
        what = (
            f"what was counted from offset {lost.first:,} on is stored no more, and Kafka has deleted"
            f" {lost.records:,} of these offsets"
        )
    elif lost.lost == STATE:
        what = "what was counted is stored no more, and Kafka does not have all of it"
    else:
        what = f"the topic was made anew; what the old one held from offset {lost.first:,} on was not counted"
    return f"{lost.topic}: {what}; reading goes on at {lost.goes_on_at:,}"


def time_words(since_ms: int | None, until_ms: int | None) -> str:
    """Return when the events of a loss may be from, for people."""
    until = "now" if until_ms is None else instant_text(until_ms)
    return f"since ever until {until}" if since_ms is None else f"from {instant_text(since_ms)} to {until}"


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else instant_text(at_ms)
