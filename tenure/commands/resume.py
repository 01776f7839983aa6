"""`tenure resume`: going on without what is lost; who gave up what, when and why."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.errors import UsageError
from streams.readable import readable
from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config
from tenure.commands.say import say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streams.partition.losses import AcceptedLoss, LossStore, StreamLosses
    from streams.settings.settings import Settings


def resume(
    partition: Annotated[
        int | None,
        typer.Argument(metavar="[PARTITION]", help="The halted partition.", show_default="list all losses", min=0),
    ] = None,
    accept_loss: Annotated[
        bool,
        typer.Option("--accept-loss", help="Give up what is lost of the partition, and go on with what Kafka has."),
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for those who look back.", show_default="nothing")
    ] = "",
    accepted_by: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who accepts it.", show_default="the user who is logged in"),
    ] = None,
    list_losses: Annotated[
        bool, typer.Option("--list", help="List what partitions wait for, and what was accepted.")
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List what halted partitions have lost, or go on with one of them without it.

    A partition halts where Kafka does not have what comes next, or where Redis has lost what Kafka cannot give back.
    --accept-loss is for what cannot be restored: it is kept with name, time and reason, shown by every command that
    counts and on the boards as long as a window misses events by it, and read by the halted worker within seconds. It
    covers the loss that is listed and no other: whatever is lost later halts again.
    """
    from streams.clock import WallClock
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    if partition is None or list_losses:
        if partition is not None:
            raise UsageError(f"--list lists all partitions; leave it out, or {partition}")
        if accept_loss:
            raise UsageError(
                "--accept-loss: name the partition whose loss is meant; `tenure resume` lists those that wait"
            )
        _print_list(settings, as_json=as_json)
        return
    if not accept_loss:
        _refuse_without_consent(settings, partition)
    from tenure.commands.user import current_user
    from tenure.operations.losses import accept, accepted_document, wanted_loss

    by = current_user() if accepted_by is None else accepted_by

    async def give_up(store: LossStore, partitions: int) -> tuple[AcceptedLoss, bool]:
        loss = await wanted_loss(store, partition, partitions=partitions)
        return await accept(store, loss, by=by, reason=reason, now_ms=WallClock().now_ms())

    accepted, is_new = _with_store(settings, give_up)
    if as_json:
        print_json(accepted_document(accepted))
        return
    say(_paragraph(accepted) if is_new else f"It was accepted before.\n{_paragraph(accepted)}")
    say("The worker that has the partition goes on within seconds, or as soon as it starts.")


def _with_store(settings: Settings, do: Callable[[LossStore, int], Awaitable[Any]]) -> Any:
    from streams.partition.losses import LossStore
    from tenure.commands.quiet import quiet_logs
    from tenure.stored.opening import running_tables
    from tenure.worker.signals import run_until_stopped

    async def run() -> Any:
        async with running_tables(settings) as (tables, mark):
            return await do(LossStore(tables), mark.partitions)

    with quiet_logs():
        return run_until_stopped(run())


def _refuse_without_consent(settings: Settings, partition: int) -> None:
    from tenure.operations.losses import range_words, time_words, wanted_loss

    loss = _with_store(settings, lambda store, partitions: wanted_loss(store, partition, partitions=partitions))
    lost = "; ".join(range_words(lost) for lost in loss.ranges)
    raise UsageError(
        f"partition {partition} has lost events {time_words(loss.since_ms, loss.until_ms)} ({lost}); restore it if you"
        " can, else add --accept-loss"
    )


def _print_list(settings: Settings, *, as_json: bool) -> None:
    from tenure.operations.losses import list_document

    found: StreamLosses = _with_store(settings, lambda store, partitions: store.losses(partitions))
    if as_json:
        print_json(list_document(found))
        return
    say(_text(found))


def _text(found: StreamLosses) -> str:
    from tenure.operations.losses import range_words, time_words

    parts: list[str] = []
    for loss in found.waiting:
        lines = [
            f"Partition {loss.partition} is halted. Events may be lost {time_words(loss.since_ms, loss.until_ms)}:"
        ]
        lines += [f"  {range_words(lost)}" for lost in loss.ranges]
        lines += [f"  Restore it if you can; else: tenure resume {loss.partition} --accept-loss --reason TEXT"]
        parts.append("\n".join(lines))
    if not found.waiting:
        parts.append("No partition waits for a loss to be accepted.")
    parts += [_paragraph(loss) for loss in found.accepted]
    if not found.accepted:
        parts.append("No loss was ever accepted.")
    return "\n\n".join(parts)


def _paragraph(accepted: AcceptedLoss) -> str:
    from kpis.instants import instant_text
    from tenure.operations.losses import range_words, time_words

    loss, why = accepted.loss, f": {readable(accepted.reason)}" if accepted.reason else ""
    lines = [
        f"Accepted {instant_text(accepted.accepted_at_ms)} by {readable(accepted.accepted_by)}{why}",
        f"  Partition {loss.partition}; events may be missing {time_words(loss.since_ms, accepted.until_ms)}:",
    ]
    return "\n".join([*lines, *(f"  {range_words(lost)}" for lost in loss.ranges)])
