"""Dead letters whole: key, value and own headers byte for byte, with what mends them, for `tenure dlq show`."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

import schemas.documents.dead_letters as documents
from kpis.instants import instant_text
from schemas.decoding.wire_formats import members_of
from streams.records import Headers
from tenure.files.advice import advice_on
from tenure.files.notation import Notation
from tenure.operations.dead_letters import (
    OWN_HEADERS,
    Choice,
    LetterPlace,
    ReplayMark,
    StoredDeadLetter,
    dead_letter_records,
    found_in,
    letter_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from streams.records import ReadableRecord
    from streams.settings.settings import Settings


class WholeLetter(NamedTuple):
    """A dead letter with all that the producer sent.

    Attributes:
        letter: Why and where it was refused.
        key, value: As they were.
        headers: The record's own, in their order.
    """

    letter: StoredDeadLetter
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def timestamp_ms(self) -> int:
        """Kafka's timestamp of the record; of letters that do not say it, when they were refused (ms since 1970)."""
        found = self.letter.sent_at_ms
        return self.letter.refused_at_ms if found is None else found


def whole_letter_of(record: ReadableRecord) -> WholeLetter | None:
    """Return a record of the topic as a dead letter; None where it is none of ours."""
    letter = letter_of(record)
    return None if letter is None else _whole(letter, record)


def _whole(letter: StoredDeadLetter, record: ReadableRecord) -> WholeLetter:
    own = tuple(header for header in record.headers if header[0] not in OWN_HEADERS)
    return WholeLetter(letter, record.key, record.value, own)


async def whole_letters(
    settings: Settings, places: Collection[LetterPlace], tell: Callable[[str], None]
) -> AsyncIterator[WholeLetter]:
    """Yield the dead letters of records that lay at some places, each once; errors are those of `read_dead_letters`."""
    left = set(places)
    async for record in dead_letter_records(settings, tell):
        whole = whole_letter_of(record) if left else None
        if whole is not None and whole.letter.place in left:
            left.discard(whole.letter.place)
            yield whole


async def show_letters(
    settings: Settings, choice: Choice, notation: Notation, *, limit: int, tell: Callable[[str], None]
) -> list[documents.WholeDeadLetter]:
    """Return dead letters as `tenure dlq show --json` prints them, the latest first.

    Args:
        settings: Where Kafka is, and the name of the topic.
        choice: Which are wanted.
        notation: In which advice is given.
        limit: How many (count).
        tell: Told in a line what was not read.
    """
    found = await found_in(settings, limit=limit, choice=choice, tell=tell)
    whole = [_whole(letter, record) for letter, record in found.latest()]
    return [document_of(each, advice_of(each, notation), found.mark(each.letter.place)) for each in whole]


def document_of(whole: WholeLetter, advice: str, mark: ReplayMark | None) -> documents.WholeDeadLetter:
    """Return a dead letter as `tenure dlq show --json` prints it."""
    text = text_of(whole.value)
    value = whole.value
    at_ms = whole.letter.sent_at_ms
    return documents.WholeDeadLetter(
        letter=whole.letter.document(mark),
        advice=advice,
        sent_at=None if at_ms is None else instant_text(at_ms),
        headers=[documents.DeadLetterHeader(name=name, value=_shown(header)) for name, header in whole.headers],
        key=_shown(whole.key),
        value=text,
        value_base64=None if value is None or text is not None else base64.b64encode(value).decode(),
    )


def _shown(content: bytes | None) -> str | None:
    return None if content is None else content.decode(errors="replace")


def text_of(value: bytes | None) -> str | None:
    """Return bytes as text; None where there are none, or they are not UTF-8."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def advice_of(whole: WholeLetter, notation: Notation) -> str:
    """Return what mends a dead letter, in words; "" where the reason says all there is to say."""
    letter = whole.letter
    if letter.truncated:
        return "it was shortened to be stored, and cannot be sent again from here: the producer has to send it"
    if letter.adapter is not None:
        return f"`tenure dlq replay` translates it anew with the adapter {letter.adapter} and the options of --map"
    if letter.member is None:
        return ""
    found = advice_on(letter.member, members_of(whole.value or b"", whole.headers), notation)
    return f"{found}; `tenure dlq replay` has the same options" if "say --" in found else found
