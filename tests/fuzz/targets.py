"""Readers of records that nobody vouches for, each as a function of bytes: what it raises is a fault of ours.

Every record is applied, mended, a test event, ignored or refused with a reason; nothing else becomes of it.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeVar

import msgspec

from kpis.counting.cells import Cells
from schemas.adapters.adapter import Adapter
from schemas.decoding.adapted import HEADER_ADAPTED
from schemas.decoding.cloudevents import CONTENT_TYPE, STRUCTURED_JSON
from schemas.decoding.decoder import Decoder
from schemas.refusals import Reason
from streams.routing import Router
from streams.settings.settings import Settings
from tenure.gateway.bodies import CONTENT_TYPES, BodyError, content_type_of, events_in
from tenure.gateway.judging import addressed, id_of, judged
from tenure.gateway.signatures import signature_of
from tests.logs.refused_records import MALFORMED, VALID
from tests.property.folding import LATEST_MS, Folded, Line
from tests.property.test_decoding_recounted import decoded, recounted
from tests.property.test_native_reading import DECODERS, fetched, read_alike
from tests.recount.options import Options
from tests.recount.records import Record
from tests.unit.schemas.adapters.golden import GoldenFile, golden_files

_T = TypeVar("_T")
NOW_MS: Final = 1_767_268_800_000
_ENVELOPES: Final[tuple[tuple[tuple[str, bytes], ...], ...]] = (
    (), (), (), (),
    ((CONTENT_TYPE, STRUCTURED_JSON),),
    (("content-type", b"application/json"), ("ce_specversion", b"1.0"), ("ce_id", b"e1"), ("ce_source", b"/app"),
     ("ce_type", b"com.example.signup"), ("ce_time", b"2025-02-03T04:05:06Z"), ("ce_subject", b"c1")),
    ((HEADER_ADAPTED, b"stripe: created: must be an integer"),),
    (("traceparent", b"\xff"), ("", b"")),
)  # fmt: skip
_FORMS: Final = ("stripe", "paddle", "recurly", "basic", "bearer", "sha256:X-Signature:base64")


def sound_events() -> list[bytes]:
    """Return events of every type, which nothing is wrong with, and some that are hardly JSON."""
    common = {"id": "e1", "customer_id": "c1", "time": "2025-02-03T04:05:06Z"}
    sound = [{**common, "type": event_type, **members} for event_type, members in VALID.items()]
    envelope = {"specversion": "1.0", "id": "e1", "source": "/app", "type": "com.example.signup", "subject": "c1"}
    cloud = {**envelope, "time": "2025-02-03T04:05:06Z", "data": {"plan": "pro", "mrr_minor": 4900}}
    return [msgspec.json.encode(each) for each in (*sound, cloud)] + list(MALFORMED)


class Target(ABC):
    """A reader; `outcomes` counts what became of its records."""

    name: str

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()

    @abstractmethod
    def seeds(self) -> Sequence[bytes]:
        """Return the records to begin with."""

    @abstractmethod
    def read(self, record: bytes) -> None:
        """Read a record.

        Raises:
            Exception: The reader has a fault.
        """


class Decoding(Target):
    """The decoder, beside the recount's, which shares no code with it."""

    name = "decoder"

    def seeds(self) -> Sequence[bytes]:
        """See `Target`."""
        return sound_events()

    def read(self, record: bytes) -> None:
        """See `Target`."""
        chance = zlib.crc32(record)
        headers = _ENVELOPES[chance % len(_ENVELOPES)]
        sent = Record(
            value=record, topic="customer.events", headers=headers, timestamp_ms=NOW_MS if chance & 8 else None
        )
        found, expected = decoded(sent), recounted(sent)
        if isinstance(found, str) or isinstance(expected, str):
            assert found == expected, f"decoder {found}, recount {expected}"
            self.outcomes["test event" if found == "test" else "dead letter"] += 1
            return
        assert {name: getattr(expected, name) for name in found} == found
        self.outcomes["mended" if found["mended"] else "applied"] += 1


class Reading(Target):
    """What is read natively, from records and from packed ones, beside the decoder; variants of one at once."""

    name = "reader"
    _AT_ONCE: Final = 8

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[bytes] = []

    def seeds(self) -> Sequence[bytes]:
        """See `Target`."""
        return sound_events()

    def read(self, record: bytes) -> None:
        """See `Target`."""
        self._waiting.append(record)
        if len(self._waiting) == self._AT_ONCE:
            values, self._waiting = self._waiting, []
            found = read_alike(fetched(values), DECODERS[len(record) % len(DECODERS)])
            self.outcomes["applied"] += len(found.events)
            self.outcomes["test event"] += found.tests
            self.outcomes["dead letter"] += len(found.refused)


class Folding(Target):
    """The whole way of a batch but for its commit, natively and in Python: the same states, and the same cells.

    Records of one batch are variants of one, most of them of few customers.
    """

    name = "fold"
    _IN_BATCH: Final = 8

    def __init__(self) -> None:
        super().__init__()
        self._options = Options(max_facts=64)
        self._begin()

    def _begin(self) -> None:
        self._native = Folded(self._options)
        self._plain = Folded(self._options, native=False)
        self._batch: list[bytes] = []
        self._batches = 0

    def seeds(self) -> Sequence[bytes]:
        """See `Target`."""
        return sound_events()

    def read(self, record: bytes) -> None:
        """See `Target`."""
        self._batch.append(record)
        if len(self._batch) < self._IN_BATCH:
            return
        batch, self._batch = self._batch, []
        try:
            self._fold(batch)
        except Exception:
            self._begin()  # what is unlike once stays so
            raise
        self._batches += 1
        if self._batches == 100:
            self._begin()

    def _fold(self, batch: list[bytes]) -> None:
        native, plain = self._native, self._plain
        before = sum(plain.dead_letters.values())
        others = plain.batch(batch)
        # Numbers are given in the order of folding, which is another one natively.
        native.names[0].restore(plain.names[0].take_new())
        ours = native.batch(batch)
        refused = sum(plain.dead_letters.values()) - before
        self.outcomes["dead letter"] += refused
        self.outcomes["applied"] += len(batch) - refused
        _assert_alike(native, plain, ours, others)


def _assert_alike(native: Folded, plain: Folded, ours: list[Cells], others: list[Cells]) -> None:
    assert native.dead_letters == plain.dead_letters
    for one, other in zip(ours, others, strict=True):
        assert one.keys.tolist() == other.keys.tolist()
        assert one.amounts.tolist() == other.amounts.tolist()
    assert native.states == plain.states


class Adapting(Target):
    """Every adapter: what it makes of a record is events that the decoder takes, or a dead letter."""

    name = "adapters"

    def __init__(self) -> None:
        super().__init__()
        files = golden_files("chargebee", "debezium", "paddle", "recurly", "segment", "stripe", "table")
        by_folder: dict[str, GoldenFile] = {file.records.parent.name: file for file in files if _options_of(file)}
        self._adapters: list[Adapter] = [file.adapter for file in by_folder.values()]
        self._seeds = [value for file in files for value in file.values]
        self._decoder = Decoder(latest_ms=LATEST_MS)

    def seeds(self) -> Sequence[bytes]:
        """See `Target`."""
        return self._seeds

    def read(self, record: bytes) -> None:
        """See `Target`."""
        for adapter in self._adapters:
            found = adapter.translate(record)
            if found.refusal is not None or found.ignored:
                assert not found.events
                self.outcomes["dead letter" if found.refusal else "ignored"] += 1
                continue
            values = [msgspec.json.encode(event) for event in found.events]
            read = self._decoder.decode([Line(value) for value in values])
            assert len(read.events) + len(read.refused) + read.tests == len(values)
            self.outcomes["dead letter"] += len(read.refused)
            self.outcomes["applied"] += len(read.events) + read.tests


def _at_once(work: Coroutine[Any, Any, _T]) -> _T:
    """Return what comes of work that waits for nothing; where it gives way, it goes on."""
    while True:
        try:
            work.send(None)
        except StopIteration as ended:
            result: _T = ended.value
            return result


def _options_of(file: GoldenFile) -> bool:
    return (file.records.parent / "options.toml").exists()


class Gateway(Target):
    """Bodies of requests and their signatures: each event is taken, or said to be wrong."""

    name = "gateway"

    def __init__(self) -> None:
        super().__init__()
        self._decoder = Decoder(future_tolerance_ms=3_600_000)
        self._router = Router(Settings())
        self._signatures = [signature_of(form, ["whsec_0123456789abcdef"], 300) for form in _FORMS]

    def seeds(self) -> Sequence[bytes]:
        """See `Target`."""
        events = sound_events()
        sound = [event for event in events if event.startswith(b'{"id"')]
        return [*events, b"[" + b",".join(sound) + b"]", b"\n".join(sound), b"[]", b"[1,2]"]

    def read(self, record: bytes) -> None:
        """See `Target`."""
        chance = Random(zlib.crc32(record))
        headers: Mapping[str, str] = {
            "content-type": chance.choice((*CONTENT_TYPES[:2] * 4, *CONTENT_TYPES, record[:40].decode("latin-1"))),
            "authorization": record[-60:].decode("latin-1"),
            **{f"{name}-signature": record[-80:].decode("latin-1") for name in ("stripe", "paddle", "recurly", "x")},
            **({"ce-id": record[:20].decode("latin-1"), "ce-type": "signup"} if chance.random() < 0.2 else {}),
        }
        for signature in self._signatures:
            assert signature.fault(headers, record, NOW_MS / 1000)
        try:
            events = events_in(record, content_type_of(headers), headers)
        except BodyError:
            self.outcomes["dead letter"] += 1
            return
        verdict = _at_once(judged(events, self._decoder, NOW_MS))
        records = _at_once(addressed(events, self._router))
        assert len(records) == len(events)
        for event in events:
            id_of(event)
        for number in range(len(events)):
            refusal = verdict.refused.get(number)
            assert refusal is None or refusal.reason in set(Reason)
            self.outcomes["dead letter" if refusal else "mended" if number in verdict.mended else "applied"] += 1


TARGETS: Final[Mapping[str, type[Target]]] = {
    each.name: each for each in (Decoding, Reading, Folding, Adapting, Gateway)
}
