"""The outbox: sends forwarded records, dead letters and survey requests.

Acknowledged before the batch that caused them commits. What a record is never stalls a partition: one that Kafka finds
too large is sent in a smaller form, the last of which any topic takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple, Protocol

from aiokafka.errors import KafkaError

from schemas.decoding.cut_values import CutValue
from schemas.decoding.wire_formats import carries_event
from schemas.refusals import (
    HEADER_DETAIL,
    HEADER_OFFSET,
    HEADER_PARTITION,
    HEADER_REASON,
    HEADER_TIMESTAMP,
    HEADER_TOPIC,
    HEADER_TRUNCATED,
    TRUNCATED_BYTES,
    Refusal,
)
from streams.batching.client_errors import unavailable
from streams.batching.sender import Outgoing, Parcel, Sender
from streams.errors import LogUnavailable, RecordRefused, TenureError
from streams.kafka.answers import Answer, meaning_of
from streams.records import Headers, Record


class Delivery:
    """Some records on their way, over as many tries as it takes: what is acknowledged is not sent again.

    Args:
        parcels: What is to be sent.
    """

    def __init__(self, parcels: Iterable[Parcel]) -> None:
        #: not acknowledged yet
        self.waiting: list[Parcel] = list(parcels)
        #: those that Kafka does not take in any form, because of their size
        self.too_large: list[Parcel] = []


class Outbox(Protocol):
    """The outbox of a stream: sends its own records."""

    async def send(self, delivery: Delivery) -> None:
        """Return once all are acknowledged but those that are too large in any form.

        Raises:
            LogUnavailable: Some may not have been; sending the rest again is right, since all uses bear repetition.
            RecordRefused: Kafka does not take one of them, and only somebody who changes that can help.
        """


class _Room(NamedTuple):
    """Room in a form of a dead letter, beside our own headers."""

    value_bytes: int
    key_bytes: int
    #: names and values of the record's own headers together
    headers_bytes: int
    detail_bytes: int


_ROOMS: Final = (
    _Room(TRUNCATED_BYTES, 1024, 256 * 1024, 2048),
    _Room(TRUNCATED_BYTES, 1024, 16 * 1024, 2048),
    _Room(16 * 1024, 1024, 4 * 1024, 2048),
    _Room(1024, 256, 512, 256),
    _Room(64, 64, 0, 64),
)
"""What a topic takes (`max.message.bytes`) is known by being refused only; less than 1 KB is no sane limit."""
_HEADER_OVERHEAD_BYTES: Final = 6


class DeadLetter(NamedTuple):
    """A refused record: byte for byte, with the reason in its headers."""

    record: Record
    refusal: Refusal
    topic: str

    def form(self, step: int) -> Outgoing | None:
        """Return the record whole, then ever less of it; see `streams.batching.sender.Parcel`."""
        record = self.record
        if step == 0:
            headers = [*record.headers, *self._own(2048)]
            if isinstance(record.value, CutValue):  # no more of it was kept
                headers.append((HEADER_TRUNCATED, b"true"))
            return Outgoing(self.topic, None, record.key, record.value, None, headers)
        if step > len(_ROOMS):
            return None
        room = _ROOMS[step - 1]
        headers = [*_fitting(record.headers, room.headers_bytes), *self._own(room.detail_bytes)]
        headers.append((HEADER_TRUNCATED, b"true"))
        key = record.key[: room.key_bytes] if record.key else record.key
        return Outgoing(self.topic, None, key, (record.value or b"")[: room.value_bytes], None, headers)

    @property
    def place(self) -> bytes:
        """A key that no other dead letter has."""
        return f"{self.record.topic}/{self.record.partition}/{self.record.offset}".encode()

    @property
    def gives_way(self) -> bool:
        """See `Parcel`: it must arrive."""
        return False

    def _own(self, detail_bytes: int) -> Headers:
        # A cut may go through a character: its first bytes go too.
        detail = self.refusal.detail.encode()[:detail_bytes].decode(errors="ignore")
        return [
            (HEADER_REASON, self.refusal.reason.encode()),
            (HEADER_DETAIL, detail.encode()),
            (HEADER_TOPIC, self.record.topic.encode()),
            (HEADER_PARTITION, str(self.record.partition).encode()),
            (HEADER_OFFSET, str(self.record.offset).encode()),
            (HEADER_TIMESTAMP, str(self.record.timestamp).encode()),
        ]


def _fitting(headers: Headers, room_bytes: int) -> Headers:
    """Return, in their order, the headers that fit: those of the event first, then the others as they come."""
    kept: list[int] = []
    for wanted in (True, False):
        for place, (name, header) in enumerate(headers):
            if carries_event(name) is not wanted:
                continue
            size = len(name.encode()) + len(header or b"") + _HEADER_OVERHEAD_BYTES
            if size <= room_bytes:
                room_bytes -= size
                kept.append(place)
    return [headers[place] for place in sorted(kept)]


class LogOutbox:
    """Sends through the application's own producer, to Kafka or to the embedded log."""

    def __init__(self, sender: Callable[[], Sender]) -> None:
        """Take what returns the producer; it is asked for when it is first needed."""
        self._sender = sender

    async def send(self, delivery: Delivery) -> None:
        """See `Outbox`."""
        sender = self._sender()
        await self._send_together(sender, delivery)
        while delivery.waiting:
            parcel = delivery.waiting[0]
            if not await _send_alone(sender, parcel):
                delivery.too_large.append(parcel)
            del delivery.waiting[0]

    async def _send_together(self, sender: Sender, delivery: Delivery) -> None:
        """Send all at once, and leave those that Kafka has refused, or that were in one batch with such a one.

        Raises:
            LogUnavailable: Kafka did not answer for at least one of them.
            RecordRefused: It takes none for this topic.
        """
        under_way: list[tuple[Parcel, Awaitable[object]]] = []
        left: list[Parcel] = []
        fault: TenureError | None = None
        for parcel in delivery.waiting:
            if fault is None:
                whole = _form_of(parcel, 0)
                try:
                    under_way.append((parcel, await _deliver(sender, whole)))
                    continue
                except (KafkaError, OSError) as error:
                    # What is not about this record alone is so of all others, and each would take as long to say it.
                    if meaning_of(error) in {Answer.AWAY, Answer.REFUSED}:
                        fault = _fault_of(whole, error)
            left.append(parcel)
        for parcel, acknowledged in under_way:
            try:
                await acknowledged
            except (KafkaError, OSError) as error:
                left.append(parcel)
                if fault is None and meaning_of(error) is Answer.AWAY:
                    fault = _unavailable(error)
        delivery.waiting = left
        if fault is not None:
            raise fault


async def _send_alone(sender: Sender, parcel: Parcel) -> bool:
    """Send a parcel in the first form that Kafka takes, in a batch of its own.

    Returns:
        False where it is too large in any form, and that is for its sender to decide.

    Raises:
        LogUnavailable: Kafka did not answer.
        RecordRefused: Kafka takes none of its forms.
    """
    step, timed, keyed = 0, True, True
    while True:
        form = _form_of(parcel, step)
        if not timed:
            form = form._replace(timestamp_ms=None)
        if not keyed:
            form = form._replace(key=parcel.place)
        try:
            await (await _deliver(sender, form, alone=True))
        except (KafkaError, OSError) as error:
            meaning = meaning_of(error)
            if meaning is Answer.TOO_LARGE and parcel.form(step + 1) is not None:
                step += 1
            elif meaning is Answer.TOO_LARGE and parcel.gives_way:
                return False
            elif meaning is Answer.BAD_TIME and form.timestamp_ms is not None:
                timed = False
            elif meaning is Answer.BAD_RECORD and form.key is None:
                keyed = False
            else:
                raise _fault_of(form, error) from error
        else:
            return True


async def _deliver(sender: Sender, record: Outgoing, *, alone: bool = False) -> Awaitable[object]:
    topic, partition, key, value, timestamp_ms, headers = record
    return await sender.deliver(
        topic, key=key, value=value, partition=partition, timestamp_ms=timestamp_ms, headers=headers, alone=alone
    )


def _form_of(parcel: Parcel, step: int) -> Outgoing:
    form = parcel.form(step)
    assert form is not None, f"a parcel has no form {step}"
    return form


def _fault_of(record: Outgoing, error: Exception) -> TenureError:
    return _unavailable(error) if meaning_of(error) is Answer.AWAY else RecordRefused(record.topic, _said(error))


def _unavailable(error: Exception) -> LogUnavailable:
    return unavailable(error, "sending")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
