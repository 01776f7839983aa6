"""Producers are others' programs: partitioners, keys, topics and envelopes differ, and the numbers stay the same."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from services.installation import Installation, headers_of
from streams.batching.partitioner import partition_of
from tests.logs.logs import generate
from tests.logs.shapes import FIRST_SLICE, Shape
from tests.recount.instants import EPOCH, instant_ms
from tests.recount.report import recount
from tests.recount.short_events import Event

if TYPE_CHECKING:
    from datetime import datetime

    from confluent_kafka import Message, Producer

PARTITIONS = 4
SHAPE = Shape(
    types=FIRST_SLICE.types,
    zones=(("UTC", 60),),
    events=300,
    customers=40,
    revokes=False,
    repeats=False,
    conflicts=False,
    tests=False,
    bad_records=False,
    currencies=False,
    dimensions=False,
    settings=False,
    integers=False,
    nulls=False,
)
AFTER_ALL_MS = instant_ms(EPOCH + timedelta(days=365 * 56 + 200))  # mid-2026, when the last log has ended


def a_log(seed: int) -> tuple[list[Event], list[datetime]]:
    """Return valid events, each once, and instants to ask for."""
    log = generate(Random(seed), SHAPE)
    return [json.loads(record) for record in log.records], list(log.at)


def check(installation: Installation, events: list[Event], moments: list[datetime]) -> None:
    """Hold all numbers against the recount's."""
    words = [word for moment in moments for word in ("--at", moment.isoformat())]
    expected = recount(events, moments, by=("plan", "country"))
    assert installation.kpi(*words, "--by", "plan", "--by", "country") == expected


def produce(producer: Producer, topic: str, value: bytes, **options: Any) -> None:
    """Send a record whose timestamp lies after all events."""
    producer.produce(topic, value, timestamp=AFTER_ALL_MS, **options)
    producer.poll(0)


def forwarded_in(installation: Installation) -> list[Message]:
    """Return the records that workers have forwarded."""
    found = installation.records_in(installation.topics["events"])
    return [record for record in found if "tenure-forwarded" in headers_of(record)]


@pytest.mark.parametrize(
    ("partitioner", "keyed"), [("consistent_random", True), ("random", True), ("random", False), ("fnv1a", True)]
)
def test_records_on_the_wrong_partition_are_forwarded_and_count_once(
    partitioner: str, keyed: bool, installation: Installation
) -> None:
    """The default of librdkafka is not Kafka's: a customer's signup and cancel then lie on two partitions."""
    installation.create_topics()
    events, moments = a_log(21)
    producer = installation.producer(partitioner=partitioner)
    for n, event in enumerate(events):
        topic = installation.topics.get(str(event["type"]), installation.topics["events"])
        key = str(event["customer_id"]).encode() if keyed else None
        value = json.dumps(event).encode()
        produce(producer, topic, value, key=key, headers=[("number", b"%d" % n), ("null", None)])
    assert producer.flush(30) == 0
    sent = {
        (record.topic(), record.partition(), record.offset()): record
        for topic in installation.topics.values()
        for record in installation.records_in(topic)
    }
    workers = [installation.worker() for _ in range(2)]
    installation.until_applied()
    check(installation, events, moments)

    strays = [place for place, record in sent.items() if place[1] != home_of(record)]
    forwarded = forwarded_in(installation)
    assert len(strays) > 50
    assert len(forwarded) == len(strays) == sum(head.forwarded for head in installation.heads().values())
    assert sum(worker.total("tenure_records_forwarded_total") for worker in workers) == len(strays)
    for record in forwarded:
        headers = headers_of(record)
        topic, partition, offset, _ = (headers["tenure-forwarded"] or b"").decode().split("/")
        original = sent[topic, int(partition), int(offset)]
        assert record.value() == original.value()
        assert record.timestamp() == original.timestamp()
        assert headers_of(original).items() <= headers.items()
        assert record.partition() == home_of(record)
        assert record.key() == customer_of(record)


def customer_of(record: Message) -> bytes:
    """Return a record's customer."""
    return str(json.loads(record.value() or b"")["customer_id"]).encode()


def home_of(record: Message) -> int:
    """Return the partition where a record's customer lies."""
    return partition_of(customer_of(record), PARTITIONS)


def test_the_mixed_topic_and_types_on_other_topics_count_the_same(installation: Installation) -> None:
    """The type in the event decides, not the topic that it lies on."""
    installation.create_topics()
    events, moments = a_log(22)
    topics = list(installation.topics.values())
    producer = installation.producer(partitioner="murmur2_random")
    random = Random(22)
    for event in events:
        key = str(event["customer_id"]).encode()
        produce(producer, random.choice(topics), json.dumps(event).encode(), key=key)
    assert producer.flush(30) == 0
    installation.worker()
    installation.until_applied()
    check(installation, events, moments)
    assert forwarded_in(installation) == []


@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_cloudevents_count_as_the_events_that_they_carry(mode: str, installation: Installation) -> None:
    """Many companies have one envelope for everything; the stream takes it as it is."""
    installation.create_topics()
    events, moments = a_log(23)
    producer = installation.producer(partitioner="murmur2_random")
    for n, event in enumerate(events):
        event.setdefault("source", f"/billing/{n % 3}")
        data = {name: value for name, value in event.items() if name not in {"id", "source", "time", "type"}}
        envelope = {
            "specversion": "1.0",
            "id": str(event["id"]),
            "source": str(event["source"]),
            "type": f"com.example.billing.{event['type']}",
            "time": str(event["time"]),
        }
        if n % 2:
            envelope["subject"] = str(data.pop("customer_id"))
        if mode == "structured":
            value = json.dumps({**envelope, "datacontenttype": "application/json", "data": data}).encode()
            headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
        else:
            value = json.dumps(data).encode()
            headers = [(f"ce_{name}", text.encode()) for name, text in envelope.items()]
            headers.append(("content-type", b"application/json"))
        key = None if n % 5 == 0 else str(event["customer_id"]).encode()
        produce(producer, installation.topics["events"], value, key=key, headers=headers)
    assert producer.flush(30) == 0
    installation.worker()
    installation.until_applied()
    check(installation, events, moments)
    # Those without a key went anywhere; a forwarded CloudEvent keeps its envelope, or it would be none any more.
    assert forwarded_in(installation) != []
