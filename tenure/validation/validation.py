"""Validation: events are judged and folded as the stream does it, in memory, and every question sees them.

One pass, without a log: nothing is kept of a record but what states and questions hold. States are bounded; events of
customers for whom there is no room are judged one by one, and the report says so.
Where records come from: `tenure.validation.files`, `tenure.validation.topics`. What is asked:
`tenure.validation.questions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final, NamedTuple

from msgspec import UNSET

from kpis.customer.state import decode
from kpis.fold.fold import Fold
from kpis.instants import instant_text
from kpis.members.view import View, all_time
from kpis.references import TOPIC_BITS
from schemas.decoding.decoder import Decoded
from schemas.documents.validation import AskedQuestion, FoundEvents, ValidatedType, ValidationReport
from schemas.events import EVENT_TYPES, NO_CUSTOMER, Event, Signup
from schemas.instants import milliseconds
from schemas.refusals import Reason
from schemas.wording import counted
from streams.routing import heading_of
from streams.settings.meaning import decoder_of, names_of
from streams.settings.settings import Settings
from tenure.files.findings import MENDED, REFUSED, Example, Finding, Findings
from tenure.files.inspection import InspectedRecord, InspectedSource, Inspection
from tenure.files.tables import FileRecord
from tenure.reports.without_effect import SECTION, EffectlessFact, EffectlessFacts
from tenure.validation.questions.everything import all_questions
from tenure.validation.questions.identities import Repetitions
from tenure.validation.questions.question import Asked, Kept, Mention, Question, SeenEvent, SeenTotals, Weight

STATES_BYTES: Final = 512 * 1024 * 1024
"""What the states of all customers may take (bytes, of the states and ids themselves)."""
_PLACE_BYTES: Final = 200
"""What a customer's place among the others takes (bytes, estimated)."""
_TYPES: Final = frozenset(event_type.TYPE for event_type in EVENT_TYPES)
_REFUSED_CUSTOMERS_KEPT: Final = 100_000
UNKNOWN_TYPE: Final = "?"
_ORDER: Final = {weight: n for n, weight in enumerate(Weight)}


class SourceTold(NamedTuple):
    """Facts about a source, once it is read.

    Attributes:
        name: The file as it was named, or the topics.
        as_of_ms: The timestamp of all records (ms since 1970); None where each has its own.
        copies: Records that workers sent on, which were not looked at (count).
        asked: Questions about its records that their events do not raise.
        gave_up: What could not be read, in words.
    """

    name: str
    as_of_ms: int | None = None
    copies: int = 0
    asked: tuple[Asked, ...] = ()
    gave_up: tuple[str, ...] = ()


class _OfType:
    """Counts of the events of one type."""

    def __init__(self) -> None:
        self.records = self.applied = self.repeated = self.tests = self.refused = 0

    def document(self) -> ValidatedType:
        return ValidatedType(
            records=self.records,
            applied=self.applied,
            repeated=self.repeated,
            tests=self.tests,
            refused=self.refused,
        )


class Validation:
    """Judges the records of one source.

    Args:
        settings: What numbers mean.
        source: That the records are of; says where each is.
        states_bytes: What states may take.
    """

    def __init__(self, settings: Settings, source: InspectedSource, *, states_bytes: int = STATES_BYTES) -> None:
        self._settings = settings
        self._source = source
        self.inspection = Inspection(source, decoder_of(settings), judged=self._take_judged)
        self._names = names_of(settings)
        self._topic = self._names.topic("")
        self._fold = Fold(
            self._names,
            bucket_ms=settings.bucket_minutes * 60_000,
            what=settings.what_counts,
            max_facts=settings.max_facts_per_customer,
        )
        self._questions = list(all_questions(settings.dimensions, settings.default_currency))
        self._takers = _takers_of(self._questions)
        self._states: dict[str, bytes] = {}
        self._states_left = states_bytes
        self._unfolded = 0
        #: customers of whom a record was refused
        self._refused_of: set[str] = set()
        self._types: dict[str, _OfType] = {}
        self._totals = SeenTotals()

    @property
    def findings(self) -> Findings:
        """Return what was found about single events; complete after `report`."""
        return self.inspection.findings

    def take(self, record: FileRecord, timestamp_ms: int) -> None:
        """Take a record of a file, which is recognised by its bytes; `timestamp_ms` is when it reaches the log."""
        self.inspection.take(record, timestamp_ms)

    def take_logged(self, record: FileRecord, timestamp_ms: int) -> None:
        """Take a record of a log, whose headers say what it holds."""
        self.inspection.take_announced(record, timestamp_ms)

    # -- one step

    def _take_judged(self, records: list[InspectedRecord], decoded: Decoded[InspectedRecord]) -> None:
        self._count_heading_alone(records, decoded)
        by_type: dict[type[Event], list[int]] = {}
        for n, event in enumerate(decoded.events):
            by_type.setdefault(type(event), []).append(n)
        for kind, places in by_type.items():
            self._fold_type(kind, places, decoded)
        # In the order of the source, so that examples are the first ones.
        order = sorted(range(len(decoded.events)), key=lambda n: decoded.records[n].number)
        for n in order:
            self._show(decoded.events[n], decoded.records[n])

    def _count_heading_alone(self, records: list[InspectedRecord], decoded: Decoded[InspectedRecord]) -> None:
        """Count tests and refused records by the type that they name."""
        for record, _ in decoded.refused:
            heading = heading_of(record.value, record.headers)
            of_type = self._of_type(heading.event_type)
            of_type.records += 1
            of_type.refused += 1
            if heading.customer_id is not None and len(self._refused_of) < _REFUSED_CUSTOMERS_KEPT:
                self._refused_of.add(heading.customer_id)
        if not decoded.tests:
            return
        known = {id(record) for record in decoded.records} | {id(record) for record, _ in decoded.refused}
        for record in records:
            if id(record) not in known:
                of_type = self._of_type(heading_of(record.value, record.headers).event_type)
                of_type.records += 1
                of_type.tests += 1
        self._totals.tests += decoded.tests

    def _of_type(self, kind: str | None) -> _OfType:
        name = kind if kind in _TYPES else UNKNOWN_TYPE
        return self._types.setdefault(name, _OfType())

    def _fold_type(self, kind: type[Event], places: list[int], decoded: Decoded[InspectedRecord]) -> None:
        """Fold the events of one type: no number depends on the order, and so the counts are those of the type."""
        of_type, context, name = self._of_type(kind.TYPE), self._fold.context, kind.TYPE
        of_type.records += len(places)
        self._totals.by_type[name] = self._totals.by_type.get(name, 0) + len(places)
        followed = self._followed(places, decoded)
        applied, repeated, conflicts = context.applied, context.duplicates, context.conflicts
        customers = {decoded.events[n].customer_id for n in followed}
        before_bytes = self._bytes_of(customers)
        self._fold.fold(
            [decoded.events[n] for n in followed],
            [decoded.times[n] for n in followed],
            self._states,
            [decoded.records[n].number << TOPIC_BITS | self._topic for n in followed],
        )
        self._states_left -= self._bytes_of(customers) - before_bytes
        of_type.applied += context.applied - applied + len(places) - len(followed)
        of_type.repeated += context.duplicates - repeated
        of_type.refused += len(self._fold.refused)
        self._totals.conflicts += context.conflicts - conflicts
        for n in self._fold.refused:
            event = decoded.events[followed[n]]
            example = partial(self._over_limit, event.customer_id, decoded.records[followed[n]].number)
            self.findings.add(REFUSED, Reason.TOO_MANY_FACTS.value, example)

    def _bytes_of(self, customers: Iterable[str]) -> int:
        states = self._states
        return sum(len(states[each]) for each in customers if each in states)

    def _followed(self, places: list[int], decoded: Decoded[InspectedRecord]) -> list[int]:
        """Return the events of customers who are known, or for whom there is room; these get room."""
        followed, given = [], set[str]()
        for n in places:
            customer_id = decoded.events[n].customer_id
            if customer_id not in self._states and customer_id not in given:
                if self._states_left <= 0:
                    self._unfolded += 1
                    continue
                self._states_left -= len(customer_id) + _PLACE_BYTES
                given.add(customer_id)
            followed.append(n)
        return followed

    def _over_limit(self, customer_id: str, number: int) -> Example:
        limit = self._settings.max_facts_per_customer
        said = f"{self._source.place_of(number)}: customer {customer_id} has {limit:,} facts, as many as are kept"
        return Example(said, "one customer's id may stand for many; the setting is max_facts_per_customer")

    def _show(self, event: Event, record: InspectedRecord) -> None:
        takers = self._takers.get(event.TYPE)
        time_ms, totals = milliseconds(event.time), self._totals
        totals.first_ms = time_ms if totals.first_ms < 0 else min(totals.first_ms, time_ms)
        totals.last_ms = max(totals.last_ms, time_ms)
        if takers:
            seen = SeenEvent(event, time_ms, record.timestamp, record.number)
            for question in takers:
                question.take(seen)

    # -- the end

    def report(self, told: SourceTold) -> ValidationReport:
        """Return the report; nothing is taken any more.

        Args:
            told: What the source has to say of itself; a translator's counts are complete.
        """
        self.inspection.finish()
        effectless = EffectlessFacts()
        for kept in self._customers():
            effectless.take(kept.customer_id, kept.view, self._names)
            for question in self._questions:
                question.look(kept)
        effectless.note_in(self.findings, self._place_of_fact)
        self._totals.customers, self._totals.effectless = len(self._states.keys() - {NO_CUSTOMER}), effectless.counts
        self._totals.refused_signups = self._types[Signup.TYPE].refused if Signup.TYPE in self._types else 0
        asked = [*told.asked, *(each for question in self._questions for each in question.asked(self._totals))]
        asked.sort(key=lambda each: (_ORDER[each.weight], -each.count / (each.of or each.count), each.name))
        return self._document(told, asked)

    def _customers(self) -> Iterator[Kept]:
        window = all_time(self._settings.bucket_minutes * 60_000)
        for customer_id, state in self._states.items():
            if customer_id == NO_CUSTOMER:
                continue
            view = View(decode(state), window, self._settings.what_counts)
            yield Kept(
                customer_id, view, self._names, [step.fact for step in view.steps], customer_id in self._refused_of
            )

    def _place_of_fact(self, fact: EffectlessFact) -> str:
        return self._source.place_of(fact.text.offset)

    def _document(self, told: SourceTold, asked: list[Asked]) -> ValidationReport:
        kinds, totals, translator = self._types, self._totals, self._source.translator
        repeated = next((each.repeated for each in self._questions if isinstance(each, Repetitions)), [])
        return ValidationReport(
            source=told.name,
            as_of=None if told.as_of_ms is None else instant_text(told.as_of_ms),
            records=self.inspection.records,
            applied=sum(each.applied for each in kinds.values()),
            repeated=sum(each.repeated for each in kinds.values()),
            conflicts=totals.conflicts,
            tests=totals.tests,
            refused=sum(each.refused for each in kinds.values()),
            copies=told.copies,
            customers=totals.customers,
            first=None if totals.first_ms < 0 else instant_text(totals.first_ms),
            last=None if totals.first_ms < 0 else instant_text(totals.last_ms),
            types={name: kinds[name].document() for name in (*_in_order(kinds),)},
            refusals=self._found(REFUSED),
            mended=self._found(MENDED),
            without_effect=self._found(SECTION),
            repetitions=[self._said(mention) for mention in repeated],
            absent=[event_type.TYPE for event_type in EVENT_TYPES if event_type.TYPE not in kinds],
            questions=[self._question(each) for each in asked],
            gave_up=[*told.gave_up, *self._gave_up()],
            ignored=self.inspection.ignored.document(),
            translation=UNSET if translator is None else translator.document(),
        )

    def _gave_up(self) -> Iterator[str]:
        if self._unfolded:
            room = "one customer alone" if len(self._states) == 1 else f"{len(self._states):,} customers"
            yield (
                f"states: there was room for {room}; {counted(self._unfolded, 'events')} of others were judged one by "
                "one, and count as applied even where they repeat"
            )
        yield from (question.gave_up for question in self._questions if question.gave_up)

    def _found(self, section: str) -> dict[str, FoundEvents]:
        kinds = self.findings.sections.get(section, {})
        return {name: _found_events(kinds[name]) for name in sorted(kinds, key=lambda name: (-kinds[name].count, name))}

    def _question(self, asked: Asked) -> AskedQuestion:
        return AskedQuestion(
            name=asked.name,
            weight=asked.weight.value,
            count=asked.count,
            of=asked.of,
            what=asked.what,
            advice=asked.advice,
            examples=[self._said(mention) for mention in asked.examples],
        )

    def _said(self, mention: Mention) -> str:
        return mention.said if mention.number is None else f"{self._source.place_of(mention.number)}: {mention.said}"


def _takers_of(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """Return the questions that want to see the events of each type."""
    takers: dict[str, list[Question]] = {}
    for question in questions:
        for kind in question.WANTS:
            takers.setdefault(kind.TYPE, []).append(question)
    return takers


def _in_order(kinds: Mapping[str, _OfType]) -> Iterator[str]:
    yield from (event_type.TYPE for event_type in EVENT_TYPES if event_type.TYPE in kinds)
    if UNKNOWN_TYPE in kinds:
        yield UNKNOWN_TYPE


def _found_events(finding: Finding) -> FoundEvents:
    advice = Counter(example.advice for example in finding.examples if example.advice)
    return FoundEvents(
        count=finding.count, examples=[example.said for example in finding.examples], advice=list(advice)
    )
