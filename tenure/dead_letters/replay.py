"""Replay of dead letters: chosen ones are mended, judged by the live rules, and sent to where they came from.

Kafka has the records before the mark that they were sent again: after a crash between the two they are sent twice,
which changes no number, since they keep the ids of their events. Nothing about it is kept anywhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

import schemas.documents.dead_letters as documents
from schemas.adapters.confluent import NAME as CONFLUENT
from schemas.refusals import HEADER_OFFSET, HEADER_PARTITION, HEADER_REPLAYED, HEADER_TOPIC
from streams.batching.sender import Outgoing
from streams.errors import UsageError
from streams.settings.meaning import decoder_of
from tenure.dead_letters.editing import EditedRecord, is_changed, line_of
from tenure.dead_letters.judging import Judge, Judgement
from tenure.dead_letters.mending import Mending
from tenure.dead_letters.translating import Translators
from tenure.dead_letters.whole import WholeLetter, whole_letter_of, whole_letters
from tenure.files.publish import check_topic, connected, deliver, reason_of
from tenure.operations.dead_letters import (
    Choice,
    LetterPlace,
    ReplayMark,
    dead_letter_records,
    letter_of,
    mark_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aiokafka import AIOKafkaProducer

    from streams.settings.settings import Settings

_AT_ONCE: Final = 500
_write: Final = msgspec.json.Encoder().encode


class ReplayOrder(NamedTuple):
    """An order to send dead letters again.

    Attributes:
        choice: Which of them.
        by: Who gives it.
        mending: What is changed of each.
        translators: For those that an adapter did not understand.
        tell: Told in a line what was not read.
        edited: What somebody made of them by hand; None where nobody did.
        anyway: Send what would be refused again, too.
        again: Send what was sent again before, too.
        dry_run: Send nothing.
        limit: So many of each outcome are told one by one (count).
    """

    choice: Choice
    by: str
    mending: Mending
    translators: Translators
    tell: Callable[[str], None]
    edited: Mapping[LetterPlace, EditedRecord] | None = None
    anyway: bool = False
    again: bool = False
    dry_run: bool = False
    limit: int = 5


class Chosen(NamedTuple):
    """The dead letters that a choice takes, and the marks of the whole topic."""

    places: frozenset[LetterPlace]
    marks: Mapping[LetterPlace, ReplayMark]


class ReplayOutcome(NamedTuple):
    """The outcome of a replay.

    Attributes:
        document: As `tenure dlq replay --json` prints it.
        undelivered: Dead letters that Kafka did not take (count).
        first_reason: Why the first of them was not taken.
    """

    document: documents.DeadLetterReplay
    undelivered: int
    first_reason: str


async def chosen_in(settings: Settings, choice: Choice) -> Chosen:
    """Return which dead letters a choice takes; errors are those of `read_dead_letters`."""
    places: set[LetterPlace] = set()
    marks: dict[LetterPlace, ReplayMark] = {}
    async for record in dead_letter_records(settings, lambda _: None):  # who reads on is told
        marked = mark_of(record)
        if marked is not None:
            marks[marked[0]] = marked[1]
            continue
        letter = letter_of(record)
        if letter is not None and choice.takes(letter):
            places.add(letter.place)
    if choice.only_left:
        places -= marks.keys()
    return Chosen(frozenset(places), marks)


async def lines_to_edit(settings: Settings, order: ReplayOrder) -> list[bytes]:
    """Return the chosen dead letters as lines of a file (`tenure.dead_letters.editing`), without those left aside."""
    lines: dict[LetterPlace, bytes | None] = {}
    marks: set[LetterPlace] = set()
    async for record in dead_letter_records(settings, order.tell):
        marked = mark_of(record)
        whole = None if marked is not None else whole_letter_of(record)
        if marked is not None:
            marks.add(marked[0])
        elif whole is not None and order.choice.takes(whole.letter) and not whole.letter.truncated:
            lines.setdefault(whole.letter.place, line_of(whole, order.mending.mended(whole.value)))
    left = lines.keys() - marks if order.choice.only_left or not order.again else lines.keys()
    return [line for place, line in lines.items() if place in left and line is not None]


async def replay_letters(settings: Settings, order: ReplayOrder) -> ReplayOutcome:
    """Send dead letters again, or say what would be sent.

    Raises:
        UsageError: What was edited is none of those that are chosen; or a topic does not exist.
        TenureError: As `read_dead_letters`, and `tenure.files.publish.connected`.
    """
    chosen = await chosen_in(settings, order.choice)
    for place in order.edited or ():
        if place not in chosen.places:
            raise UsageError(f"{place} was edited, and is none of the dead letters that the options choose")
    judge = Judge(settings, decoder_of(settings), order.translators, anyway=order.anyway)
    tally = _Tally(settings, order, len(chosen.places))
    judgements = _judgements(settings, order, chosen, judge)
    try:
        if order.dry_run:
            async for judgement in judgements:
                tally.add(judgement, judgement.outcome)
        else:
            await _send_all(settings, order.by, judgements, tally)
    finally:
        await order.translators.close()
    return tally.replayed()


async def _send_all(settings: Settings, by: str, judgements: AsyncIterator[Judgement], tally: _Tally) -> None:
    async with connected(settings) as (producer, existing):
        waiting: list[Judgement] = []
        async for judgement in judgements:
            for record in judgement.records:
                check_topic(record.topic, existing, settings)
            waiting.append(judgement)
            if len(waiting) >= _AT_ONCE:
                await _send(producer, settings, by, waiting, tally)
                waiting = []
        await _send(producer, settings, by, waiting, tally)


async def _judgements(settings: Settings, order: ReplayOrder, chosen: Chosen, judge: Judge) -> AsyncIterator[Judgement]:
    async for whole in whole_letters(settings, chosen.places, order.tell):
        mark = chosen.marks.get(whole.letter.place)
        if mark is not None and not order.again:
            who = f" by {mark.by}" if mark.by else ""
            yield Judgement(
                whole, "replayed_before", detail=f"sent again before{who}: say --again to send it once more"
            )
            continue
        yield await _judgement(whole, order, judge)


async def _judgement(whole: WholeLetter, order: ReplayOrder, judge: Judge) -> Judgement:
    key, value = whole.key, order.mending.mended(whole.value)
    if order.edited is not None and not whole.letter.truncated:
        edited = order.edited.get(whole.letter.place)
        if edited is None or not is_changed(whole, value, edited):
            return Judgement(whole, "unchanged", detail="nobody changed it")
        key, value = edited.key, edited.value
    if whole.letter.adapter == CONFLUENT:
        await order.translators.load(value or b"")
    return judge.judge(whole, key, value)


class _Tally:
    """Counts what became of dead letters, and keeps the first of each outcome."""

    def __init__(self, settings: Settings, order: ReplayOrder, chosen: int) -> None:
        self._topic, self._order, self._chosen = settings.dead_letter_topic, order, chosen
        self._outcomes: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._letters: list[documents.ReplayedLetter] = []
        self.first_reason = ""

    def add(self, judgement: Judgement, outcome: documents.Outcome) -> None:
        """Count a dead letter."""
        self._outcomes[outcome] += 1
        if judgement.outcome == "ready":
            self._events.update(judgement.types)
        if self._outcomes[outcome] <= self._order.limit:
            letter = judgement.whole.letter
            self._letters.append(
                documents.ReplayedLetter(
                    place=str(letter.place),
                    reason=letter.reason,
                    outcome=outcome,
                    becomes=list(judgement.becomes),
                    detail=judgement.detail,
                )
            )

    def replayed(self) -> ReplayOutcome:
        """Return all of it."""
        document = documents.DeadLetterReplay(
            topic=self._topic,
            dry_run=self._order.dry_run,
            chosen=self._chosen,
            outcomes=dict(sorted(self._outcomes.items())),
            events=dict(sorted(self._events.items())),
            letters=self._letters,
            edited=None,
        )
        return ReplayOutcome(document, self._outcomes["undelivered"], self.first_reason)


# ------------------------------------------------------------------------- sending


async def _send(
    producer: AIOKafkaProducer, settings: Settings, by: str, judgements: Sequence[Judgement], tally: _Tally
) -> None:
    """Send some dead letters, then the marks of those that Kafka has."""
    faults = await deliver(producer, [record for each in judgements for record in each.records])
    done: list[Judgement] = []
    for judgement in judgements:
        reasons = [fault for fault in faults[: len(judgement.records)] if fault is not None]
        del faults[: len(judgement.records)]
        if reasons:
            tally.first_reason = tally.first_reason or reason_of(reasons[0])
            tally.add(judgement, "undelivered")
        elif judgement.outcome in ("ready", "nothing_to_count"):
            done.append(judgement)
        else:
            tally.add(judgement, judgement.outcome)
    marks = [_mark(settings, each.whole.letter.place, by, len(each.records)) for each in done]
    for judgement, fault in zip(done, await deliver(producer, marks), strict=True):
        if fault is not None:
            said = f"sent, and could not be marked so ({reason_of(fault)}); send them once more"
            tally.first_reason = tally.first_reason or said
            tally.add(judgement, "undelivered")
        else:
            tally.add(judgement, "sent" if judgement.outcome == "ready" else judgement.outcome)


def _mark(settings: Settings, place: LetterPlace, by: str, records: int) -> Outgoing:
    headers = (
        (HEADER_TOPIC, place.topic.encode()),
        (HEADER_PARTITION, str(place.partition).encode()),
        (HEADER_OFFSET, str(place.offset).encode()),
        (HEADER_REPLAYED, str(place).encode()),
    )
    value = _write({"by": by, "records": records})
    return Outgoing(settings.dead_letter_topic, None, str(place).encode(), value, None, headers)
