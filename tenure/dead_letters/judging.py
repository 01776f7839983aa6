"""Judgement of dead letters before they are sent again: what each says now, by the rules of the live stream.

Pure. What only the customer's state can tell (repetitions, too many facts) it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from kpis.instants import instant_text
from schemas.adapters.registry import no_such_adapter
from schemas.decoding.adapted import HEADER_ADAPTED
from schemas.refusals import HEADER_REPLAYED, Refusal
from streams.batching.sender import Outgoing
from streams.records import Headers
from streams.routing import Router
from streams.translation.foreign_records import records_of

if TYPE_CHECKING:
    from schemas.adapters.adapter import Adapter
    from schemas.decoding.decoder import Decoder
    from schemas.documents.dead_letters import Outcome
    from schemas.events import Event
    from streams.settings.settings import Settings
    from tenure.dead_letters.translating import Translators
    from tenure.dead_letters.whole import WholeLetter

#: Members that `event_words` says in its head.
_IN_THE_HEAD: Final = frozenset({"id", "type", "customer_id", "time", "effective_at", "source"})


class JudgedRecord(NamedTuple):
    """A record as the decoder wants it (`schemas.decoding.diagnosis.Readable`)."""

    value: bytes | None
    timestamp: int
    headers: Headers


class Judgement(NamedTuple):
    """A judgement of a dead letter: what it says now, and what would be sent.

    Attributes:
        whole: The letter.
        outcome: What becomes of it; "ready" is to be sent.
        records: What is sent; none where it is left.
        types: Of the events that it says now.
        becomes: The same events in words.
        detail: Why it is left, in words.
        value: Its own, as it was mended; of what is translated anew too.
    """

    whole: WholeLetter
    outcome: Outcome
    records: tuple[Outgoing, ...] = ()
    types: tuple[str, ...] = ()
    becomes: tuple[str, ...] = ()
    detail: str = ""
    value: bytes | None = None


class Judge:
    """Judges dead letters by the settings of a stream.

    Args:
        settings: Names of topics.
        decoder: Which judges records as the stream does.
        translators: For those that an adapter did not understand.
        anyway: What would be refused again is to be sent all the same.
    """

    def __init__(self, settings: Settings, decoder: Decoder, translators: Translators, *, anyway: bool) -> None:
        self._inputs = frozenset(settings.input_topics)
        self._router = Router(settings)
        self._decoder = decoder
        self._translators = translators
        self._anyway = anyway

    def judge(self, whole: WholeLetter, key: bytes | None, value: bytes | None) -> Judgement:
        """Return what becomes of a dead letter.

        Args:
            whole: The letter.
            key: With which it is sent.
            value: Its value, as it was mended.
        """
        if whole.letter.truncated:
            why = f"only {len(whole.value or b''):,} bytes of it were kept: have its producer send it again"
            return Judgement(whole, "truncated", detail=why)
        name = whole.letter.adapter
        if name is None:
            return self._own(whole, key, value)
        adapter = self._translators.of(name)
        if adapter is None:
            why = f"{name}: {no_such_adapter(name)}"
            return self._left_or_sent(whole, [self._foreign(whole, key, value, whole.headers)], why, value)
        return self._translated(whole, key, value, adapter)

    def _own(self, whole: WholeLetter, key: bytes | None, value: bytes | None) -> Judgement:
        record = self._foreign(whole, key, value, whole.headers)
        event, at_ms, refusal, is_test = self._decoded(value, whole.timestamp_ms, whole.headers)
        if refusal is not None:
            return self._left_or_sent(whole, [record], _said(refusal), value)
        types, words = (event.TYPE, event_words(event, at_ms)) if event else ("test", "a test event, which counts not")
        assert event or is_test, "what is neither applied nor refused is a test"
        return Judgement(whole, "ready", (record,), (types,), (words,), value=value)

    def _translated(self, whole: WholeLetter, key: bytes | None, value: bytes | None, adapter: Adapter) -> Judgement:
        found = records_of(adapter, value, str(whole.letter.place))
        if found.refusal is not None:
            ((_, announced),) = found.records
            kept = [each for each in whole.headers if each[0] not in dict(announced)]
            record = self._foreign(whole, key, value, (*kept, *announced))
            return self._left_or_sent(whole, [record], _said(found.refusal), value)
        if found.ignored:
            why = f"{adapter.name} understands it: {found.ignored} says nothing that is counted"
            return Judgement(whole, "nothing_to_count", detail=why, value=value)
        records, types, words, faults = [], [], [], []
        origin = [header for header in whole.headers if header[0] == HEADER_ADAPTED]
        for json, own in found.records:
            topic, key, announced, _ = self._router.route(json, own)
            event, at_ms, refusal, _ = self._decoded(json, whole.timestamp_ms, announced)
            records.append(self._sent(whole, topic, key, json, (*origin, *announced)))
            if refusal is not None:
                faults.append(_said(refusal))
            types.append(event.TYPE if event else "test")
            words.append(event_words(event, at_ms) if event else "a test event, which counts not")
        if faults:
            return self._left_or_sent(whole, records, f"{adapter.name} makes of it: {faults[0]}", value)
        return Judgement(whole, "ready", tuple(records), tuple(types), tuple(words), value=value)

    def _decoded(
        self, value: bytes | None, timestamp_ms: int, headers: Headers
    ) -> tuple[Event | None, int, Refusal | None, bool]:
        """Return the event of a record and its event time, or why it is refused, or that it is a test."""
        decoded = self._decoder.decode([JudgedRecord(value, timestamp_ms, headers)])
        if decoded.refused:
            return None, 0, decoded.refused[0][1], False
        return (decoded.events[0], decoded.times[0], None, False) if decoded.events else (None, 0, None, True)

    def _left_or_sent(self, whole: WholeLetter, records: list[Outgoing], why: str, value: bytes | None) -> Judgement:
        if self._anyway:
            return Judgement(whole, "ready", tuple(records), detail=f"would be refused again: {why}", value=value)
        return Judgement(whole, "refused_again", detail=why, value=value)

    def _foreign(self, whole: WholeLetter, key: bytes | None, value: bytes | None, headers: Headers) -> Outgoing:
        """Return the record as it came, for the topic where it lay, or the mixed one if that is no input any more."""
        topic = whole.letter.place.topic
        return self._sent(whole, topic if topic in self._inputs else self._router.mixed_topic, key, value, headers)

    def _sent(
        self, whole: WholeLetter, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> Outgoing:
        own = (*headers, (HEADER_REPLAYED, str(whole.letter.place).encode()))
        return Outgoing(topic, None, key, value, whole.timestamp_ms, own)


def event_words(event: Event, at_ms: int) -> str:
    """Return what an event says, in words: type, customer, event time, and the members that are not their defaults."""
    more = [
        f"{name} {value}"
        for name in event.OWN_MEMBERS
        if name not in _IN_THE_HEAD and (value := getattr(event, name)) not in (_default_of(type(event), name), None)
    ]
    return ", ".join([f"{event.TYPE} {event.id} of {event.customer_id} at {instant_text(at_ms)}", *more])


def _default_of(event_type: type[Event], name: str) -> object:
    return next(field.default for field in msgspec.structs.fields(event_type) if field.name == name)


def _said(refusal: Refusal) -> str:
    return f"{refusal.reason}: {refusal.detail}"
