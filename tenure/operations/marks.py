"""Sending a mark: an event of no customer, as any producer would send it."""

from __future__ import annotations

from typing import Final, get_args

import msgspec
from xxhash import xxh3_64_hexdigest

from kpis.instants import instant_text
from schemas.documents.marks import SentMark
from schemas.events import LONGEST_TITLE, Mark, MarkKind
from schemas.wording import nearest_name
from streams.batching.sender import Outgoing
from streams.errors import Undelivered, UsageError
from streams.records import NO_HEADERS
from streams.routing import Router
from streams.settings.settings import Settings
from tenure.files.publish import check_topic, connected, deliver, reason_of
from tenure.operations.lines import one_line

KINDS: Final[tuple[str, ...]] = get_args(MarkKind)

_encode: Final = msgspec.json.Encoder().encode


def mark_of(title: str, *, kind: str, at_ms: int, until_ms: int | None, corrects: str | None, now_ms: int) -> SentMark:
    """Return the mark that is to be sent.

    The same title, kind and time make the same id, so that a mark which is sent twice is one.

    Args:
        title: What it is called.
        kind: One of KINDS.
        at_ms: When it happened (ms since 1970).
        until_ms: When it ended; None where it took no time.
        corrects: The id of the mark that it takes the place of.
        now_ms: The time, by which the latest of several corrections counts (ms since 1970).

    Raises:
        UsageError: The kind or the title is none, or it ends before it begins.
    """
    if kind not in KINDS:
        raise UsageError(f"--kind must be one of {', '.join(KINDS)}; got {kind!r}{nearest_name(kind, KINDS)}")
    title = one_line("the title", title, least=1, most=LONGEST_TITLE)
    if until_ms is not None and until_ms < at_ms:
        raise UsageError("--until lies before the mark itself; name a later instant")
    made = f"mark-{xxh3_64_hexdigest(_encode([kind, title, at_ms]))}"
    return SentMark(
        id=corrects or made,
        kind=kind,
        title=title,
        at=instant_text(at_ms),
        until=None if until_ms is None else instant_text(until_ms),
        sequence=now_ms if corrects else 0,
    )


async def send_mark(settings: Settings, mark: SentMark) -> None:
    """Send a mark, and wait until Kafka has it.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: It answers, and does not let us in.
        UsageError: The topic of marks is not there.
        Undelivered: Kafka did not take it.
    """
    value = _encode(event_of(mark))
    route = Router(settings).route(value, NO_HEADERS)
    async with connected(settings) as (producer, existing):
        check_topic(route.topic, existing, settings)
        (fault,) = await deliver(producer, [Outgoing(route.topic, None, route.key, value, None, NO_HEADERS)])
    if fault is not None:
        raise Undelivered(1, reason_of(fault))


def event_of(mark: SentMark) -> dict[str, object]:
    """Return the event that a mark is sent as."""
    until: dict[str, object] = {} if mark.until is None else {"until": mark.until}
    event: dict[str, object] = {"id": mark.id, "type": Mark.TYPE, "time": mark.at, "sequence": mark.sequence}
    return event | {"kind": mark.kind, "title": mark.title} | until
