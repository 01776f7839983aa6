"""Topics of other systems become events on the embedded log, whatever a record holds and whoever is killed when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from schemas.adapters.registry import adapter_of
from schemas.decoding import rules
from schemas.decoding.adapted import HEADER_ADAPTED, HEADER_ADAPTER, HEADER_REFUSED
from schemas.refusals import HEADER_DETAIL, HEADER_REASON, HEADER_TRUNCATED, Reason
from streams.batching.sender import Outgoing
from streams.embedded.log import Log
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.errors import LogUnavailable
from streams.metrics.meters import Meters
from streams.partition.outbox import Delivery
from streams.records import NO_HEADERS, TP, ReadableRecord, Record
from streams.routing import Router
from streams.settings.settings import Settings
from streams.translation.parcels import NotUnderstood, RecordTranslator, TranslatedEvent
from streams.translation.translator import Translator, UnreadRecords
from tenure.files.replay import until_applied
from tenure.stored.reading import report_of
from tenure.worker.composition import Worker, build_worker, translate_topics

SETTINGS: Final = Settings(adapter_topics={"stripe.webhooks": "stripe"})
TOPIC: Final = "stripe.webhooks"
AT_MS: Final = 1_769_904_000_000  # 2026-02-01
SENT_AT_MS: Final = 1_767_700_000_000


def stripe_event(number: int, **members: Any) -> bytes:
    """Return an event of Stripe about a subscription of its own."""
    recurring = {"interval": "month", "interval_count": 1}
    price = {"id": "price_pro", "unit_amount": 4900, "currency": "usd", "recurring": recurring}
    subscription = {
        "id": f"sub_{number}",
        "object": "subscription",
        "customer": f"cus_{number}",
        "items": {"object": "list", "data": [{"quantity": 1, "price": price}]},
        **members,
    }
    event = {
        "id": f"evt_{number}",
        "object": "event",
        "type": "customer.subscription.created",
        "created": 1_767_607_200 + number,
        "livemode": True,
        "data": {"object": subscription},
    }
    return json.dumps(event).encode()


VALUES: Final = (
    stripe_event(0),
    b'{"id":"evt_x","type":"invoice.created"}',
    b"no JSON",
    None,
    stripe_event(1),
    stripe_event(2, customer=None),
    b'{"a": 1e99999999999999999999}',
    stripe_event(3),
)


class ListedRecords:
    """A foreign log in memory: what it has, and what its group has committed."""

    def __init__(self, values: Sequence[bytes | None], *, at_once: int = 3) -> None:
        self.records = [Record(TOPIC, 0, n, SENT_AT_MS, b"k", value, NO_HEADERS) for n, value in enumerate(values)]
        self.committed = 0
        self.position = 0
        self.is_ours = True
        self.starts = 0
        self.unread: list[UnreadRecords] = []
        self._at_once = at_once

    async def start(self) -> None:
        """Join the group."""
        self.starts += 1
        self.position = self.committed

    async def read(self) -> Sequence[ReadableRecord]:
        """Return some records."""
        found = self.records[self.position : self.position + self._at_once]
        self.position += len(found)
        await asyncio.sleep(0)
        return found

    async def commit(self, positions: Mapping[TP, int]) -> bool:
        """Store the position."""
        if self.is_ours:
            self.committed = positions[TP(TOPIC, 0)]
        return self.is_ours

    def lost(self) -> Sequence[UnreadRecords]:
        """Return what was lost, once."""
        found, self.unread = self.unread, []
        return found

    def lag(self) -> Mapping[TP, int]:
        """Return how many are left."""
        return {TP(TOPIC, 0): len(self.records) - self.committed}

    async def close(self) -> None:
        """Leave the group."""


class Counting:
    """A worker on the embedded log, with its translator."""

    def __init__(self, worker: Worker, log: Log, tables: MemoryTables) -> None:
        self.worker, self.log, self.tables = worker, log, tables

    def translator(self, source: ListedRecords) -> Translator:
        """Return a translator that nothing runs."""
        adapters = {TOPIC: adapter_of("stripe")}
        records = RecordTranslator(adapters, Router(SETTINGS))
        return Translator(source, records, self.worker.context.outbox, self.worker.meters)

    async def applied(self) -> dict[str, Any]:
        """Return the totals and the counts of events once everything is applied."""
        await until_applied(self.worker, self.log)
        (report,) = await report_of(SETTINGS, self.tables, partitions=4, at_ms=[AT_MS], by=())
        events = report.events
        totals = {name: report.totals.count(name) for name in ("customers_active", "mrr")}
        refused = {reason: count for reason, count in events.dead_letters.items() if count}
        return {**totals, "refused": refused, "known": events.duplicate}

    def records_of(self, topic: str) -> list[Record]:
        """Return all records of a topic."""
        return [record for n in range(4) for record in self.log.read(TP(topic, n), 0, 10_000_000)[0]]


@asynccontextmanager
async def counting(source: ListedRecords | None = None) -> AsyncIterator[Counting]:
    """Run a worker on a log of its own; with a source, its translator runs too."""
    log, tables = Log(4), MemoryTables()
    CLUSTERS["translator"] = Cluster(log, now_ms=lambda: 0)
    worker = build_worker(
        SETTINGS, broker="embedded://translator", tables=tables, partitions=4, latest_ms=rules.LATEST_MS
    )
    if source is not None:
        translate_topics(worker, SETTINGS, {TOPIC: adapter_of("stripe")}, source)
    await worker.app.start()
    try:
        yield Counting(worker, log, tables)
    finally:
        await worker.app.stop()
        del CLUSTERS["translator"]


EXPECTED: Final[dict[str, Any]] = {
    "customers_active": 3,
    "mrr": 3 * 4900,
    "refused": {"malformed_json": 2, "missing_member": 1},
    "known": 0,
}


async def _until_committed(source: ListedRecords) -> None:
    while source.committed < len(source.records):
        await asyncio.sleep(0)


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_records_of_a_topic_count_beside_the_bad_ones(at_once: int) -> None:
    """What says nothing, is torn, or lacks a member stops none of those behind it."""

    async def scenario() -> None:
        source = ListedRecords(VALUES, at_once=at_once)
        async with counting(source) as there:
            await _until_committed(source)
            assert await there.applied() == EXPECTED
            text = there.worker.meters.exposition().decode()
        for outcome, count in (("translated", 3), ("ignored", 2), ("refused", 3)):
            assert f'tenure_adapted_total{{adapter="stripe",outcome="{outcome}"}} {count}.0' in text
        assert 'tenure_adapted_events_total{adapter="stripe"} 3.0' in text
        assert 'tenure_adapter_lag_records{partition="0",topic="stripe.webhooks"} 0.0' in text

    asyncio.run(scenario())


def test_worker_that_dies_between_sending_and_committing_changes_no_number() -> None:
    """Its events are sent again by the next, under the same ids."""

    async def scenario() -> None:
        source = ListedRecords(VALUES, at_once=100)
        source.is_ours = False  # what it sent, it can no longer commit: the same as being killed
        async with counting() as there:
            await source.start()
            await there.translator(source).step()
            assert source.committed == 0
            assert (await there.applied())["customers_active"] == 3
            source.is_ours = True
            await source.start()
            await there.translator(source).step()
            assert source.committed == len(VALUES)
            twice = {reason: 2 * count for reason, count in EXPECTED["refused"].items()}
            assert await there.applied() == {**EXPECTED, "known": 3, "refused": twice}

    asyncio.run(scenario())


def test_events_lie_where_a_producer_would_put_them_and_say_where_they_are_from() -> None:
    """By customer, with the record's time; the header is the way back."""

    async def scenario() -> None:
        source = ListedRecords(VALUES)
        async with counting(source) as there:
            await _until_committed(source)
            await there.applied()
            signups = there.records_of("customer.signup")
            refused = there.records_of("customer.events")
            letters = there.records_of("tenure.dead-letters")
        assert {record.key for record in signups} == {b"cus_0", b"cus_1", b"cus_3"}
        assert {record.timestamp for record in signups} == {SENT_AT_MS}
        (first,) = (dict(record.headers) for record in signups if record.key == b"cus_0")
        assert first == {HEADER_ADAPTED: b"stripe/stripe.webhooks/0/0"}
        (torn,) = (record for record in refused if record.value == b"no JSON")
        assert torn.key == b"k"
        headers = dict(torn.headers)
        assert headers[HEADER_ADAPTER] == b"stripe"
        assert headers[HEADER_REFUSED].startswith(b"malformed_json stripe: the record is not JSON")
        assert headers[HEADER_ADAPTED] == b"stripe/stripe.webhooks/0/2"
        (letter,) = (dict(record.headers) for record in letters if b'"evt_2"' in (record.value or b""))
        assert letter[HEADER_REASON] == b"missing_member"
        assert letter[HEADER_DETAIL] == b"stripe: data.object.customer: is required"

    asyncio.run(scenario())


class Stubborn:
    """An outbox that fails a few times, and then takes everything."""

    def __init__(self, failures: int, *, too_large: bool = False) -> None:
        self.failures, self.too_large, self.sent = failures, too_large, list[Outgoing]()

    async def send(self, delivery: Delivery) -> None:
        """See `streams.partition.outbox.Outbox`."""
        if self.failures:
            self.failures -= 1
            raise LogUnavailable("Kafka", "sending")
        for parcel in delivery.waiting:
            if self.too_large and parcel.gives_way:
                delivery.too_large.append(parcel)
            else:
                form = parcel.form(0)
                assert form is not None
                self.sent.append(form)
        delivery.waiting = []


def translating(source: ListedRecords, outbox: Stubborn) -> Translator:
    """Return a translator of one topic."""
    adapters = {TOPIC: adapter_of("stripe")}
    return Translator(source, RecordTranslator(adapters, Router(SETTINGS)), outbox, Meters())


def test_nothing_is_committed_before_the_log_has_it() -> None:
    """Otherwise a worker that is killed while Kafka is away would lose events."""

    async def scenario() -> None:
        source, outbox = ListedRecords([stripe_event(0)]), Stubborn(3)
        translator = translating(source, outbox)
        await source.start()
        stepping = asyncio.ensure_future(translator.step())
        while outbox.failures:
            assert source.committed == 0
            await asyncio.sleep(0)
        await stepping
        assert (source.committed, len(outbox.sent)) == (1, 1)

    asyncio.run(scenario())


def test_records_that_wait_show_since_when_until_the_log_has_them() -> None:
    """A translator that stands still is seen by the age of what it holds, also where few records wait."""

    async def scenario() -> None:
        source, outbox = ListedRecords([stripe_event(0), stripe_event(1)], at_once=1), Stubborn(1)
        translator = translating(source, outbox)
        shown: list[float] = []
        await source.start()
        stepping = asyncio.ensure_future(translator.step())
        while outbox.failures:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        shown.append(_lag_seconds(translator))
        await stepping
        shown.append(_lag_seconds(translator))  # the second waits on
        await translator.step()
        assert [age > 0 for age in shown] == [True, True]
        assert _lag_seconds(translator) == 0

    asyncio.run(scenario())


def _lag_seconds(translator: Translator) -> float:
    name = 'tenure_adapter_lag_seconds{partition="0",topic="stripe.webhooks"} '
    (line,) = [line for line in translator._meters.exposition().decode().splitlines() if line.startswith(name)]
    return float(line.removeprefix(name))


def test_event_that_its_topic_does_not_take_makes_its_record_a_dead_letter() -> None:
    """It would wait for ever, and all behind it."""

    async def scenario() -> None:
        source, outbox = ListedRecords([stripe_event(0)]), Stubborn(0, too_large=True)
        await source.start()
        await translating(source, outbox).step()
        (sent,) = outbox.sent
        assert (sent.topic, sent.value, source.committed) == ("customer.events", stripe_event(0), 1)
        assert dict(sent.headers)[HEADER_REFUSED].startswith(b"oversized stripe: an event of this record is larger")

    asyncio.run(scenario())


def test_records_that_were_deleted_before_are_counted() -> None:
    """Nobody else knows that they were there."""

    async def scenario() -> None:
        source, outbox = ListedRecords([stripe_event(0)]), Stubborn(0)
        source.unread = [UnreadRecords(TP(TOPIC, 0), 7)]
        translator = translating(source, outbox)
        await source.start()
        await translator.step()
        text = translator._meters.exposition().decode()
        assert 'tenure_adapted_total{adapter="stripe",outcome="lost"} 7.0' in text

    asyncio.run(scenario())


def test_record_that_the_mixed_topic_does_not_take_is_sent_ever_smaller() -> None:
    """The last form fits into any topic, and says that it was cut."""
    record = Record(TOPIC, 0, 5, -1, b"k" * 1000, b"x" * 1_000_000, NO_HEADERS)
    refusal = RecordTranslator({TOPIC: adapter_of("stripe")}, Router(SETTINGS)).translate(record).parcels[0]
    assert isinstance(refusal, NotUnderstood)
    assert dict(refusal.sent.headers)[HEADER_REFUSED].startswith(Reason.MALFORMED_JSON.encode())
    forms = [form for step in range(5) if (form := refusal.form(step)) is not None]
    assert [len(form.value or b"") for form in forms] == [1_000_000, 65_536, 16_384, 512]
    assert forms[0].timestamp_ms is None
    assert [HEADER_TRUNCATED in dict(form.headers) for form in forms] == [False, True, True, True]
    assert {form.key for form in forms[1:]} == {b"k" * 256}
    assert refusal.place == b"stripe.webhooks/0/5"


def test_event_has_one_form_and_gives_way() -> None:
    """A smaller event would be another event."""
    record = Record(TOPIC, 0, 5, 1, None, stripe_event(0), NO_HEADERS)
    translator = RecordTranslator({TOPIC: adapter_of("stripe")}, Router(SETTINGS))
    (event,) = translator.translate(record).parcels
    assert isinstance(event, TranslatedEvent)
    assert (event.form(1), event.gives_way, event.place) == (None, True, b"cus_0")


class Registry:
    """A schema registry that is away a few times."""

    def __init__(self, failures: int) -> None:
        self.failures, self.asked = failures, list[bytes]()

    async def load(self, value: bytes) -> None:
        """Have a schema at hand."""
        if self.failures:
            self.failures -= 1
            raise LogUnavailable("the schema registry", "no answer")
        self.asked.append(value)

    async def close(self) -> None:
        """Close nothing."""


async def _asked_for(adapter: str, registry: Registry) -> list[bytes]:
    """Return the values of which a translator asks for the schema, of a topic with one record and a tombstone."""
    source, outbox = ListedRecords([stripe_event(0), None]), Stubborn(0)
    records = RecordTranslator({TOPIC: adapter_of(adapter)}, Router(SETTINGS))
    await source.start()
    await Translator(source, records, outbox, Meters(), registry).step()
    assert (len(outbox.sent), source.committed) == (1, 2)
    return registry.asked


def test_record_is_translated_once_its_schema_is_at_hand() -> None:
    """Without it each record would be refused for as long as the registry restarts."""
    assert asyncio.run(_asked_for("confluent", Registry(2))) == [stripe_event(0)]


def test_records_of_an_adapter_that_reads_no_frames_do_not_wait_for_the_registry() -> None:
    """A registry that is away would hold up topics that have nothing to do with it."""
    assert asyncio.run(_asked_for("stripe", Registry(0))) == []
