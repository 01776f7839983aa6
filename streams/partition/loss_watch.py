"""Looking after halted partitions: says what they have lost, and goes on without it once somebody has accepted that.

Does nothing while no partition is halted. What is said and accepted: `streams.partition.losses`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from streams.batching.application import App
from streams.errors import Lost, PositionOutOfRange, StateLost
from streams.partition.losses import Loss, LossStore, covers, lost_range
from streams.partition.partition import Partition
from streams.partition.stream import Stream
from streams.records import TP

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 2.0


class LossWatch:
    """Keeps the notes of this worker's partitions true, and reads what was accepted while one of them is halted."""

    def __init__(self, stream: Stream) -> None:
        """Look after the partitions of a stream."""
        self._stream = stream
        self._store = LossStore(stream.context.tables)
        #: partitions whose note may say something that is over
        self._doubtful: set[int] = set()
        self._seen: dict[int, Partition] = {}
        #: by partition what it lost, and the faults that say so
        self._known: dict[int, tuple[list[Lost], Loss]] = {}

    async def look(self) -> None:
        """Look once; never raises for what Kafka or Redis does."""
        stream = self._stream
        self._doubtful |= {n for n, partition in stream.partitions.items() if self._seen.get(n) is not partition}
        self._seen = dict(stream.partitions)
        for number in sorted(stream.partitions):
            try:
                faults = stream.losses(number)
                if faults:
                    await self._offer(number, faults)
                elif number in self._doubtful and number not in stream.halted and stream.partitions[number].is_located:
                    if await self._store.waiting(number) is not None:
                        await self._store.put_waiting(number, None)
                    self._doubtful.discard(number)
            except Exception as error:  # noqa: BLE001 - Redis or Kafka is away: the next look follows
                log.warning("losses_not_looked_at", partition=number, reason=repr(error))

    async def _offer(self, number: int, faults: list[Lost]) -> None:
        """Say what is lost; go on without it if somebody has accepted that."""
        self._doubtful.add(number)
        known = self._known.get(number)
        if known is None or known[0] != faults:
            known = self._known[number] = (faults, await self._loss_of(number, faults))
        loss = known[1]
        accepted = covers(await self._store.accepted(), loss)
        if accepted is None:
            # Read each time: a Redis that was lost has lost the note too.
            if await self._store.waiting(number) != loss:
                await self._store.put_waiting(number, loss)
            return
        log.warning("loss_accepted", partition=number, by=accepted.accepted_by, reason=accepted.reason)
        await self._stream.give_up(faults)

    async def _loss_of(self, number: int, faults: Sequence[Lost]) -> Loss:
        consumer = self._stream.consumer()
        left = [await consumer.first_record_ms(TP(fault.topic, number)) for fault in faults]
        stamps = [stamp for stamp in left if stamp is not None]
        watermark_ms = self._stream.partitions[number].head.watermark_ms
        whole = not any(isinstance(fault, StateLost) for fault in faults)
        return Loss(
            number,
            [lost_range(fault) for fault in faults],
            since_ms=watermark_ms if whole and watermark_ms else None,
            # What was cut off at the end was lost after all that is left.
            until_ms=max(stamps) if len(stamps) == len(faults) and not any(map(_is_cut_off, faults)) else None,
        )


def _is_cut_off(fault: Lost) -> bool:
    return type(fault) is PositionOutOfRange and fault.goes_on_at < fault.position


def register(app: App, watch: LossWatch) -> None:
    """Let a watch look as long as an application runs."""

    @app.task  # type: ignore[untyped-decorator]
    async def losses() -> None:
        while not app.should_stop:
            await watch.look()
            await asyncio.sleep(LOOK_SECONDS)
