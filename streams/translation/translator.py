"""The translator of a worker: reads topics of other systems, and sends what their records say to the stream's topics.

At least once: a position is committed after the log has acknowledged all that came before it. What is sent twice has
the same ids. A record never stops the ones behind it; a log that does not answer does, until it answers.
Which records say what: `streams.translation.parcels`. Reading: `streams.translation.foreign_log`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import structlog

from schemas import instruments
from streams.backoff import Backoff
from streams.errors import Unavailable
from streams.metrics.meters import Meters
from streams.partition.outbox import Delivery, Outbox
from streams.records import TP, ReadableRecord
from streams.translation.parcels import RecordTranslator, TranslatedEvent, TranslatedRecord

log = structlog.get_logger(__name__)
_AT_ONCE: Final = 50
"""Records after which the event loop has its turn (count): whatever else the worker does must not wait longer."""


class UnreadRecords(NamedTuple):
    """Records that the log has deleted before they were read (count)."""

    tp: TP
    records: int


class ForeignLog(Protocol):
    """Reads topics as a member of a group, from the position that the group has committed."""

    async def start(self) -> None:
        """Join the group."""

    async def read(self) -> Sequence[ReadableRecord]:
        """Return the next records of all partitions that are ours, in the order of each; waits a little for some."""

    async def commit(self, positions: Mapping[TP, int]) -> bool:
        """Store the next offset to read of some partitions; False where one of them is no longer ours."""

    def lost(self) -> Sequence[UnreadRecords]:
        """Return what was found to be lost since this was last asked."""

    def lag(self) -> Mapping[TP, int]:
        """Return how many records each of our partitions has beyond its position (count)."""

    async def close(self) -> None:
        """Leave the group; also where it was never joined."""


class Schemas(Protocol):
    """Has schemas at hand before they are needed."""

    async def load(self, value: bytes) -> None:
        """Have the schema of a framed value at hand; do nothing for other values.

        Raises:
            Unavailable: The registry does not answer, or refuses.
        """

    async def close(self) -> None:
        """Close the connections."""


class Translator:
    """Translates for as long as it runs.

    Args:
        source: The topics of other systems.
        records: Says what a record comes to.
        outbox: Sends.
        meters: Of the worker.
        schemas: Has the schemas of framed values at hand; None where there is no registry.
    """

    def __init__(
        self,
        source: ForeignLog,
        records: RecordTranslator,
        outbox: Outbox,
        meters: Meters,
        schemas: Schemas | None = None,
    ) -> None:
        self._source = source
        self._records = records
        self._outbox = outbox
        self._meters = meters
        self._schemas = schemas
        self._backoff = Backoff()
        #: the timestamp of the first record that is read and not committed, else of the last that is
        self._waiting_since_ms: dict[TP, int] = {}
        self._lag: Mapping[TP, int] = {}

    async def run(self) -> None:
        """Translate until cancelled; what the log does not do is asked for again, with growing pauses."""
        while True:
            try:
                await self._source.start()
                while True:
                    await self.step()
                    self._backoff = Backoff()
            except Exception as error:
                if isinstance(error, Unavailable):
                    log.warning("translator_waiting", reason=str(error), pause_seconds=self._backoff.seconds)
                else:
                    log.exception("translator_failed", pause_seconds=self._backoff.seconds)
                self._show_lag(self._lag)  # nobody translates meanwhile: they wait on
            finally:
                await self._source.close()
                if self._schemas is not None:
                    await self._schemas.close()
            await self._backoff.pause()

    async def step(self) -> None:
        """Translate what is there now, send it, and commit.

        Raises:
            Unavailable: The log does not answer, or refuses to be read.
        """
        records = await self._source.read()
        for lost in self._source.lost():
            self._note_lost(lost)
        if records:
            for record in reversed(records):
                self._note_waiting(record)
            translated = await self._translated(records)
            await self._send(translated)
            if await self._commit({TP(record.topic, record.partition): record.offset + 1 for record in records}):
                self._count(translated)
                for record in records:
                    self._note_waiting(record)
        self._show_lag(self._source.lag())

    async def _translated(self, records: Sequence[ReadableRecord]) -> list[TranslatedRecord]:
        found = []
        for number, record in enumerate(records, 1):
            await self._load_schema(record)
            found.append(self._records.translate(record))
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return found

    async def _load_schema(self, record: ReadableRecord) -> None:
        """Return once what a record needs to be read is at hand; while the registry is away, so is the translation."""
        if self._schemas is None or record.value is None or not self._records.needs_schemas(record.topic):
            return
        backoff = Backoff()
        while True:
            try:
                await self._schemas.load(record.value)
            except Unavailable as error:
                log.warning("translator_waiting", reason=str(error), pause_seconds=backoff.seconds)
                self._show_lag(self._source.lag())
                await backoff.pause()
            else:
                return

    async def _send(self, translated: Sequence[TranslatedRecord]) -> None:
        """Return once the log has all of it; what it does not take is sent again, with growing pauses."""
        delivery = Delivery(parcel for record in translated for parcel in record.parcels)
        backoff = Backoff()
        while delivery.waiting:
            try:
                await self._outbox.send(delivery)
            except Unavailable as error:
                log.warning("translated_not_sent", reason=str(error), pause_seconds=backoff.seconds)
                self._show_lag(self._source.lag())
                await backoff.pause()
            if not delivery.waiting and delivery.too_large:
                events = [parcel for parcel in delivery.too_large if isinstance(parcel, TranslatedEvent)]
                delivery = Delivery(self._records.too_large(event) for event in events)

    def _note_waiting(self, record: ReadableRecord) -> None:
        if record.timestamp >= 0:
            self._waiting_since_ms[TP(record.topic, record.partition)] = record.timestamp

    def _show_lag(self, lag: Mapping[TP, int]) -> None:
        self._lag = lag
        self._waiting_since_ms = {tp: since for tp, since in self._waiting_since_ms.items() if tp in lag}
        self._meters.look_at_adapter_lag(lag, self._waiting_since_ms)

    async def _commit(self, positions: Mapping[TP, int]) -> bool:
        if await self._source.commit(positions):
            return True
        log.info("translated_by_another", partitions=[f"{tp.topic}/{tp.partition}" for tp in positions])
        return False

    def _count(self, translated: Sequence[TranslatedRecord]) -> None:
        outcomes = Counter((record.adapter, record.outcome) for record in translated)
        for (adapter, outcome), count in outcomes.items():
            self._meters[instruments.ADAPTED].labels(adapter, outcome).inc(count)
        for record in translated:
            if record.outcome == "translated":
                self._meters[instruments.ADAPTED_EVENTS].labels(record.adapter).inc(len(record.parcels))

    def _note_lost(self, lost: UnreadRecords) -> None:
        adapter = self._records.adapter_of(lost.tp.topic)
        self._meters[instruments.ADAPTED].labels(adapter, "lost").inc(lost.records)
        log.error(
            "records_lost_before_translation",
            topic=lost.tp.topic,
            partition=lost.tp.partition,
            records=lost.records,
            advice="Kafka deleted them before they were translated; export that time from the system that they are of,"
            " and send it with `tenure publish --as`",
        )
