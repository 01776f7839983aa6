"""From the records of a batch to its events: usual ones natively, all others by the decoder.

What comes out is what `Decoder.decode` alone makes of the records, without an object for each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

import numpy as np

from kpis.native import IS_THERE
from schemas.decoding.decoder import STEP_RECORDS, Decoded, Decoder
from schemas.decoding.diagnosis import Readable

if TYPE_CHECKING:
    from collections.abc import MutableSequence

    from kpis.arrays import Ints
    from schemas.events import Event
    from schemas.refusals import Refusal

if IS_THERE:
    from kpis.native.batch import EventBatch, EventRules, PackedRecords

STEP: Final = 4 * STEP_RECORDS
"""Records of one step, of which few are left to the decoder (count)."""
R = TypeVar("R", bound=Readable)


class BatchReader:
    """Reads batches by the rules of a decoder.

    Args:
        decoder: Reads whatever is not usual.
        native: False has it read all; for tests.
    """

    def __init__(self, decoder: Decoder, *, native: bool = True) -> None:
        limits = decoder.limits
        self._decoder = decoder
        self._rules = (
            EventRules(
                limits.labels,
                dict(limits.currencies),
                tolerance_ms=limits.future_tolerance_ms,
                last_ms=limits.last_ms,
                is_file=limits.is_file,
                most_bytes=limits.max_record_bytes,
            )
            if IS_THERE and native
            else None
        )

    def read_in_steps(self, records: Sequence[R]) -> Generator[None, None, Decoded[R]]:
        """Return what the records say, in their order; never raises, whatever their bytes."""
        if self._rules is None:
            return (yield from self._decoder.decode_in_steps(records))
        batch = EventBatch(records, self._rules, self._event_of)
        left: list[int] = []
        for start in range(0, len(records), STEP):
            left += batch.read(start, min(start + STEP, len(records)))
            yield
        others = yield from self._decoder.decode_in_steps([records[number] for number in left])
        numbers = {id(records[number]): number for number in left}
        mended: dict[int, tuple[str, ...]] = {}
        for n, (event, at_ms, record) in enumerate(zip(others.events, others.times, others.records, strict=True)):
            batch.put(numbers[id(record)], event, at_ms)
            if n in others.mended:
                mended[numbers[id(record)]] = others.mended[n]
        if others.events:
            batch = batch.picked(np.argsort(batch.record_numbers()))
        return PackedDecoded(batch, mended, others.refused, others.tests)

    def _event_of(self, record: R) -> Event:
        (event,) = self._decoder.decode([record]).events
        return event


class PackedDecoded(Decoded[R]):
    """The decoded events of a batch, of which only those are objects that somebody has looked at."""

    def __init__(
        self,
        batch: EventBatch[R],
        mended: dict[int, tuple[str, ...]],
        refused: list[tuple[R, Refusal]],
        tests: int,
    ) -> None:
        """Take them over; `mended` is by the number of the record."""
        super().__init__([], [], [], refused, tests)
        self._mended_records = mended
        self._take(batch)

    def _take(self, batch: EventBatch[R]) -> None:
        self.batch = batch
        # As far as anybody goes on with them from here, they are what they stand for.
        self.events = cast("MutableSequence[Event]", batch)
        self.times = batch.times().tolist()
        self.records = cast("MutableSequence[R]", _RecordsOfEvents(batch))
        if self._mended_records:
            found = self._mended_records
            numbers = batch.record_numbers().tolist()
            self.mended = {n: found[number] for n, number in enumerate(numbers) if number in found}

    def pick(self, indices: Sequence[int]) -> None:
        """See `Decoded`."""
        self._take(self.batch.picked(indices))

    def part(self, indices: Sequence[int]) -> tuple[MutableSequence[Event], list[int]]:
        """See `Decoded`."""
        part = self.batch.picked(indices)
        return cast("MutableSequence[Event]", part), part.times().tolist()

    def offsets_by_topic(self, indices: Ints) -> dict[str, tuple[int, int]] | None:
        """Return the first and the last offset of the records of events, by topic in the order of `indices`.

        None where the records are not packed: somebody has to look at each.
        """
        records = self.batch.records
        if not isinstance(records, PackedRecords):
            return None
        offsets, topics = (every[indices] for every in self.batch.places())
        numbers, firsts = np.unique(topics, return_index=True)
        found: dict[str, tuple[int, int]] = {}
        for number in numbers[np.argsort(firsts)].tolist():  # parts of one topic have a number each
            topic, mine = records.topics[number], offsets[topics == number]
            first, last = int(mine.min()), int(mine.max())
            before = found.get(topic, (first, last))
            found[topic] = (min(first, before[0]), max(last, before[1]))
        return found

    def customers(self) -> list[str]:
        """See `Decoded`."""
        return self.batch.customers()

    def with_headers(self) -> list[int]:
        """See `Decoded`; packed records have none."""
        return [] if isinstance(self.batch.records, PackedRecords) else super().with_headers()

    def arrived_ms(self) -> Ints:
        """See `Decoded`."""
        return self.batch.arrived_ms()

    def latest_ms(self) -> int:
        """See `Decoded`."""
        return self.batch.latest_ms()

    def feeds(self) -> Counter[tuple[str, str]]:
        """See `Decoded`."""
        return self.batch.feeds()


class _RecordsOfEvents(Sequence[R]):
    """The records of the events of a batch, made when somebody looks at them."""

    def __init__(self, batch: EventBatch[R]) -> None:
        self._batch = batch

    def __len__(self) -> int:
        return len(self._batch)

    def __getitem__(self, n: int) -> R:  # type: ignore[override]
        return self._batch.record_of(n)
