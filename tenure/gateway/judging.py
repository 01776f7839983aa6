"""Judging of events before they are sent, by the rules of the live stream, and the records that they make in Kafka."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from schemas.decoding.decoder import Decoder
from schemas.refusals import Refusal
from streams.giving_way import giving_way
from streams.kafka.delivery import OutgoingRecord
from streams.records import Headers
from streams.routing import Router
from tenure.gateway.bodies import Incoming

_STEP_EVENTS: Final = 1_000
"""What is addressed at once; then other requests have their turn."""
_ID_SHOWN: Final = 256


class _Numbered(NamedTuple):
    """An event as the decoder wants it (`schemas.decoding.diagnosis.Readable`), and its place in the request."""

    value: bytes
    timestamp: int
    headers: Headers
    number: int


class _NamedEvent(msgspec.Struct):
    """The member that names an event; any type, so that a wrong one hides nothing."""

    id: object = None


class Addressed(NamedTuple):
    """A record for Kafka, and the type of its event; None for what will become a dead letter."""

    record: OutgoingRecord
    event_type: str | None


@dataclass
class Judged:
    """The judgement of the events of one request, by their places.

    Attributes:
        refused: Those that the stream would not apply, and why.
        mended: Those of which members are mended, and which.
    """

    refused: dict[int, Refusal]
    mended: dict[int, tuple[str, ...]]


async def judged(events: Sequence[Incoming], decoder: Decoder, now_ms: int) -> Judged:
    """Judge events; other requests have their turn meanwhile.

    Args:
        events: In their order.
        decoder: Of the live stream.
        now_ms: When they reach the log (ms since 1970).
    """
    records = [_Numbered(event.value, now_ms, event.headers, n) for n, event in enumerate(events)]
    decoded = await giving_way(decoder.decode_in_steps(records))
    return Judged(
        {record.number: refusal for record, refusal in decoded.refused},
        {decoded.records[index].number: members for index, members in decoded.mended.items()},
    )


async def addressed(events: Sequence[Incoming], router: Router) -> list[Addressed]:
    """Return the records of events, each to the topic of its type, under its customer's id."""
    return await giving_way(_addressing(events, router))


def _addressing(events: Sequence[Incoming], router: Router) -> Generator[None, None, list[Addressed]]:
    found = []
    for number, (value, own) in enumerate(events, 1):
        topic, key, headers, event_type = router.route(value, own)
        found.append(Addressed(OutgoingRecord(topic, key, value, headers), event_type))
        if number % _STEP_EVENTS == 0:
            yield
    return found


def id_of(event: Incoming) -> str | None:
    """Return the id of an event, as far as one can be read, for whoever looks for it."""
    try:
        found = msgspec.json.decode(event.value, type=_NamedEvent).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found[:_ID_SHOWN] if isinstance(found, str) else None
