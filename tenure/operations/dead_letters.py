"""The dead letters of a stream, read from their topic: each once, by reason and member, and the latest in detail.

They are sent at least once; topic, partition and offset of the record that was refused say which are the same. One that
was sent again has a mark in the same topic: the same three headers, `tenure-replayed`, and no reason. What a dead
letter carries: docs/events.md, section Dead letters. Sending again: `tenure.dead_letters`.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

import schemas.documents.dead_letters as documents
from kpis.instants import instant_text
from schemas.decoding.adapted import adapter_of
from schemas.decoding.cut_values import CutValue
from schemas.refusals import (
    HEADER_DETAIL,
    HEADER_FORWARDED,
    HEADER_OFFSET,
    HEADER_PARTITION,
    HEADER_REASON,
    HEADER_REPLAYED,
    HEADER_TIMESTAMP,
    HEADER_TOPIC,
    HEADER_TRUNCATED,
    member_of,
)
from tenure.operations.topic_records import records_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from streams.records import ReadableRecord
    from streams.settings.settings import Settings

SHOWN_CHARACTERS: Final = 1_000
"""Of a value that is shown (count)."""


#: Headers that say why and where a record was refused, and whence it came: none of them is the producer's.
OWN_HEADERS: Final = frozenset(
    {
        HEADER_REASON,
        HEADER_DETAIL,
        HEADER_TOPIC,
        HEADER_PARTITION,
        HEADER_OFFSET,
        HEADER_TIMESTAMP,
        HEADER_TRUNCATED,
        HEADER_FORWARDED,
        HEADER_REPLAYED,
    }
)


class LetterPlace(NamedTuple):
    """The place of the record that was refused; it names its dead letter."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """Return it as commands and headers have it, `customer.signup/3/1204`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def place_of(text: str) -> LetterPlace | None:
    """Return the place that a text names; None where it names none."""
    topic, _, rest = text.strip().partition("/")
    partition, _, offset = rest.partition("/")
    if not topic or not (partition.isascii() and partition.isdecimal() and offset.isascii() and offset.isdecimal()):
        return None
    return LetterPlace(topic, int(partition), int(offset))


class StoredDeadLetter(NamedTuple):
    """One record that could not be applied.

    Attributes:
        reason: Of the closed list of docs/events.md.
        detail: What exactly was wrong.
        member: The first name in the detail; None where it names no member.
        adapter: That did not understand it; None where none was asked.
        place: Where the record lay.
        refused_at_ms: When it was sent here (ms since 1970).
        sent_at_ms: Kafka's timestamp of the record that was refused (ms since 1970); None where it is not known.
        truncated: Whether this is the beginning of it only.
        key, value: Its own, as text; of the value the beginning. None where it has none.
        value_bytes: Size of the value as it lies here (bytes).
    """

    reason: str
    detail: str
    member: str | None
    adapter: str | None
    place: LetterPlace
    refused_at_ms: int
    sent_at_ms: int | None
    truncated: bool
    key: str | None
    value: str | None
    value_bytes: int

    def document(self, replayed: ReplayMark | None = None) -> documents.DeadLetterEntry:
        """Return it as `tenure dlq list --json` prints it."""
        return documents.DeadLetterEntry(
            place=str(self.place),
            reason=self.reason,
            detail=self.detail,
            member=self.member,
            adapter=self.adapter,
            topic=self.place.topic,
            partition=self.place.partition,
            offset=self.place.offset,
            truncated=self.truncated,
            key=self.key,
            value=self.value,
            value_bytes=self.value_bytes,
            refused_at=instant_text(self.refused_at_ms),
            replayed_at=None if replayed is None else instant_text(replayed.at_ms),
            replayed_by=None if replayed is None else replayed.by,
        )


class ReplayMark(NamedTuple):
    """A mark that a dead letter was sent again: when, and by whom."""

    at_ms: int
    by: str


class _MarkText(msgspec.Struct):
    by: str = ""


_read_mark: Final = msgspec.json.Decoder(_MarkText).decode


def letter_of(record: ReadableRecord) -> StoredDeadLetter | None:
    """Return a record of the topic as a dead letter; None where it is none of ours."""
    # The last of each name is ours: the record that was refused may have been a dead letter before.
    headers = {name: value or b"" for name, value in record.headers}
    place = _place_in(headers)
    if place is None or HEADER_REASON not in headers:
        return None
    try:
        reason = headers[HEADER_REASON].decode()
    except UnicodeDecodeError:
        return None
    value = record.value
    detail = headers.get(HEADER_DETAIL, b"").decode(errors="replace")
    adapter = adapter_of(tuple(headers.items()))
    return StoredDeadLetter(
        reason=reason,
        detail=detail,
        member=member_of(detail, by_adapter=adapter is not None),
        adapter=adapter,
        place=place,
        refused_at_ms=max(record.timestamp, 0),
        sent_at_ms=_instant_in(headers.get(HEADER_TIMESTAMP)),
        truncated=HEADER_TRUNCATED in headers or isinstance(value, CutValue),
        key=None if record.key is None else record.key[:SHOWN_CHARACTERS].decode(errors="replace"),
        value=None if value is None else value[: 4 * SHOWN_CHARACTERS].decode(errors="replace")[:SHOWN_CHARACTERS],
        value_bytes=len(value or b""),
    )


def mark_of(record: ReadableRecord) -> tuple[LetterPlace, ReplayMark] | None:
    """Return which dead letter a record marks as sent again; None where it marks none."""
    headers = {name: value or b"" for name, value in record.headers}
    # A dead letter of a record that was sent again has the header too, and a reason of its own.
    if HEADER_REPLAYED not in headers or HEADER_REASON in headers:
        return None
    place = _place_in(headers)
    if place is None:
        return None
    by = ""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        by = _read_mark(record.value or b"").by
    return place, ReplayMark(max(record.timestamp, 0), by)


def _place_in(headers: Mapping[str, bytes]) -> LetterPlace | None:
    try:
        partition, offset = int(headers[HEADER_PARTITION]), int(headers[HEADER_OFFSET])
        return LetterPlace(headers[HEADER_TOPIC].decode(), partition, offset)
    except (KeyError, ValueError):
        return None


def _instant_in(header: bytes | None) -> int | None:
    try:
        at_ms = int(header or b"")
    except ValueError:
        return None
    return at_ms if at_ms >= 0 else None


class Choice(NamedTuple):
    """A choice of dead letters: those that all of these filters take; an empty one takes every letter.

    Attributes:
        reasons, adapters, members, topics: By these words.
        places: By where their records lay.
        since_ms, until_ms: Refused in [since, until) (ms since 1970).
        only_left: Only those that were not sent again.
    """

    reasons: frozenset[str] = frozenset()
    adapters: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    places: frozenset[LetterPlace] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None
    only_left: bool = False

    def takes(self, letter: StoredDeadLetter) -> bool:
        """Tell whether a dead letter is meant, but for whether it was sent again."""
        words = (
            (self.reasons, letter.reason),
            (self.adapters, letter.adapter),
            (self.members, letter.member),
            (self.topics, letter.place.topic),
            (self.places, letter.place),
        )
        if any(wanted and found not in wanted for wanted, found in words):
            return False
        at_ms = letter.refused_at_ms
        return (self.since_ms is None or at_ms >= self.since_ms) and (self.until_ms is None or at_ms < self.until_ms)


#: All dead letters.
EVERYTHING: Final = Choice()


class Found:
    """The content of a topic of dead letters.

    Args:
        limit: So many of the latest are kept in detail (count).
        choice: Which are wanted.
        marks: All of the topic, where only those are wanted that were not sent again; else they are gathered.
    """

    def __init__(
        self, limit: int, choice: Choice = EVERYTHING, marks: Mapping[LetterPlace, ReplayMark] | None = None
    ) -> None:
        self._limit = limit
        self._choice = choice
        self._seen: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._chosen: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        self._latest: list[tuple[int, LetterPlace, StoredDeadLetter, ReadableRecord]] = []
        self._marks: dict[LetterPlace, ReplayMark] = dict(marks or {})
        self.reasons: Counter[str] = Counter()
        self.members: Counter[str] = Counter()
        #: dead letters that lie there more than once, and records that are none of ours (counts)
        self.repeated = self.foreign = 0

    def take(self, record: ReadableRecord) -> None:
        """Take one record of the topic."""
        marked = mark_of(record)
        if marked is not None:
            self._marks[marked[0]] = marked[1]
            return
        letter = letter_of(record)
        if letter is None:
            self.foreign += 1
            return
        seen = self._seen[letter.place[:2]]
        if letter.place.offset in seen:
            self.repeated += 1
            return
        seen.add(letter.place.offset)
        if self._choice.takes(letter) and not (self._choice.only_left and letter.place in self._marks):
            self._keep(letter, record)

    def _keep(self, letter: StoredDeadLetter, record: ReadableRecord) -> None:
        self._chosen[letter.place[:2]].add(letter.place.offset)
        self.reasons[letter.reason] += 1
        if letter.member is not None:
            self.members[letter.member] += 1
        # By what names a letter: the same listing comes out wherever the letters lie.
        entry = (letter.refused_at_ms, letter.place, letter, record)
        if len(self._latest) < self._limit:
            heapq.heappush(self._latest, entry)
        elif self._latest:
            heapq.heappushpop(self._latest, entry)

    def latest(self) -> list[tuple[StoredDeadLetter, ReadableRecord]]:
        """Return those that are kept in detail, with their records in the topic, the latest first."""
        return [(letter, record) for _, _, letter, record in sorted(self._latest, reverse=True)]

    def mark(self, place: LetterPlace) -> ReplayMark | None:
        """Return the mark of a dead letter that was sent again; None where it was not."""
        return self._marks.get(place)

    def document(self, topic: str) -> documents.DeadLetterList:
        """Return what `tenure dlq list --json` prints."""
        return documents.DeadLetterList(
            topic=topic,
            dead_letters=self.reasons.total(),
            replayed=sum(place.offset in self._chosen[place[:2]] for place in self._marks),
            repeated=self.repeated,
            foreign=self.foreign,
            reasons=_most_frequent_first(self.reasons),
            members=_most_frequent_first(self.members),
            latest=[letter.document(self.mark(letter.place)) for letter, _ in self.latest()],
        )


def _most_frequent_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


async def read_dead_letters(
    settings: Settings, *, limit: int, choice: Choice = EVERYTHING, tell: Callable[[str], None]
) -> documents.DeadLetterList:
    """Return the dead letters of a stream, as `tenure dlq list --json` prints them.

    Args:
        settings: Where Kafka is, and the name of the topic.
        limit: Dead letters that are shown in detail, the latest first (count).
        choice: Which are wanted.
        tell: Told in a line what was not read.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: Kafka does not let us in.
        CheckFailed: The topic is not there.
    """
    found = await found_in(settings, limit=limit, choice=choice, tell=tell)
    return found.document(settings.dead_letter_topic)


async def found_in(settings: Settings, *, limit: int, choice: Choice, tell: Callable[[str], None]) -> Found:
    """Return what the topic holds; arguments and errors are those of `read_dead_letters`."""
    marks = await read_marks(settings) if choice.only_left else None
    found = Found(limit, choice, marks)
    async for record in dead_letter_records(settings, tell):
        found.take(record)
    return found


async def read_marks(settings: Settings) -> dict[LetterPlace, ReplayMark]:
    """Return the dead letters that were sent again; errors are those of `read_dead_letters`."""
    records = dead_letter_records(settings, lambda _: None)  # who reads on is told
    return {marked[0]: marked[1] async for record in records if (marked := mark_of(record))}


async def dead_letter_records(settings: Settings, tell: Callable[[str], None]) -> AsyncIterator[ReadableRecord]:
    """Yield every record that the topic holds now; arguments and errors are those of `read_dead_letters`."""
    async for records in records_in(settings, [settings.dead_letter_topic], what="where dead letters go", tell=tell):
        for record in records:
            yield record
