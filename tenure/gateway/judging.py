"""Judging of events before they are sent, by the rules of the live stream, and the records that they make in Kafka."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from schemas.decoding.decoder import Decoder
from schemas.decoding.wire_formats import format_of
from schemas.refusals import Refusal
from streams.kafka.delivery import OutgoingRecord
from streams.records import Headers
from tenure.files.routing import Router
from tenure.gateway.bodies import Incoming

_STEP_EVENTS: Final = 256
"""What is judged at once; then other requests have their turn."""
_MEMBER: Final = re.compile(r"([a-z][a-z0-9_]*): ")
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

    refused: dict[int, Refusal] = field(default_factory=dict)
    mended: dict[int, tuple[str, ...]] = field(default_factory=dict)


async def judged(events: Sequence[Incoming], decoder: Decoder, now_ms: int) -> Judged:
    """Judge events.

    Args:
        events: In their order.
        decoder: Of the live stream.
        now_ms: When they reach the log (ms since 1970).
    """
    found = Judged()
    for begin in range(0, len(events), _STEP_EVENTS):
        step = events[begin : begin + _STEP_EVENTS]
        records = [_Numbered(event.value, now_ms, event.headers, begin + n) for n, event in enumerate(step)]
        decoded = decoder.decode(records)
        found.refused |= {record.number: refusal for record, refusal in decoded.refused}
        found.mended |= {decoded.records[index].number: members for index, members in decoded.mended.items()}
        await asyncio.sleep(0)
    return found


def addressed(event: Incoming, router: Router) -> Addressed:
    """Return the record of an event: to the topic of its type, under its customer's id."""
    wire_format = format_of(event.headers) if event.headers else None
    json = event.value if wire_format is None else wire_format.translate(event.value, event.headers)[0]
    topic, key, headers, event_type = router.route(json)
    return Addressed(OutgoingRecord(topic, key, event.value, event.headers or headers), event_type)


def member_of(refusal: Refusal) -> str | None:
    """Return the member of an event that is wrong; None where it is none of them alone."""
    found = _MEMBER.match(refusal.detail)
    return found[1] if found else None


def id_of(event: Incoming) -> str | None:
    """Return the id of an event, as far as one can be read, for whoever looks for it."""
    try:
        found = msgspec.json.decode(event.value, type=_NamedEvent).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found[:_ID_SHOWN] if isinstance(found, str) else None
