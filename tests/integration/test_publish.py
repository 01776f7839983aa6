"""`tenure publish` against a real Kafka: every record arrives once, on its topic, under its customer's key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer

from streams.batching.partitioner import partition_of
from streams.settings.settings import Settings

if TYPE_CHECKING:
    from confluent_kafka import Message

    from services.kafka import Kafka

ROOT = Path(__file__).parents[2]
PARTITIONS = 3
TYPES = ("signup", "upgrade", "downgrade", "cancel", "revoke", "survey")


def publish(kafka: Kafka, prefix: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with topics of this test alone."""
    topics = ",".join(f"{name}={prefix}{topic}" for name, topic in Settings().topics.items())
    return subprocess.run(
        [sys.executable, "-c", "from tenure.cli import main; main()", "publish", *arguments],
        cwd=ROOT,
        env={**os.environ, "TENURE_KAFKA_BOOTSTRAP": kafka.bootstrap, "TENURE_TOPICS": topics},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def everything_in(kafka: Kafka, topics: list[str], count: int) -> list[Message]:
    """Return so many records of topics, read by another client than ours."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topics[0], "auto.offset.reset": "earliest"})
    consumer.subscribe(topics)
    try:
        found: list[Message] = []
        while len(found) < count:
            some = consumer.consume(count - len(found), timeout=20)
            assert some, f"only {len(found)} of {count} records are there"
            found += some
        assert not consumer.consume(1, timeout=0.5), "more records than were sent"
        return found
    finally:
        consumer.close()


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A file of 600 events of 50 customers, and three lines that are none."""
    text = [
        json.dumps(
            {"id": f"e{n}", "type": TYPES[n % 6], "customer_id": f"customer-{n % 50}", "time": "2026-01-01T00:00:00Z"}
        )
        for n in range(600)
    ]
    text += ["not JSON", '{"type": "signup"}', '{"type": "unheard-of", "customer_id": "customer-1"}']
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    return file


def test_events_go_to_the_topic_of_their_type_under_their_customers_key(kafka: Kafka, prefix: str, lines: Path) -> None:
    """On another partition they would have to be forwarded; without a key they would be spread."""
    topics = [prefix + topic for topic in Settings().input_topics]
    kafka.create_topics(topics, partitions=PARTITIONS)
    result = publish(kafka, prefix, str(lines), "--json")
    assert result.returncode == 1, "events without plan, kind and the like are refused"
    assert "not delivered" not in result.stderr
    assert "refused, malformed_json: 1\n  line 601: " in result.stderr
    summary = json.loads(result.stdout)
    assert summary["sent"] == dict.fromkeys(
        sorted(("signup", "upgrade", "downgrade", "cancel", "revoke", "survey")), 100
    )
    assert (summary["malformed"], summary["undelivered"]) == (3, 0)
    records = everything_in(kafka, topics, 603)
    assert Counter((record.topic() or "").removeprefix(prefix) for record in records) == {
        "customer.signup": 100, "customer.upgrade": 200, "customer.cancel": 200, "customer.survey": 100,
        "customer.events": 3,
    }  # fmt: skip
    for record in records:
        key, value = record.key(), record.value()
        assert value is not None
        if key is not None:
            assert key.decode() == json.loads(value)["customer_id"]
            assert record.partition() == partition_of(key, PARTITIONS)
    assert sorted(record.value() or b"" for record in records) == sorted(lines.read_bytes().splitlines())


def test_mixed_sends_everything_to_one_topic(kafka: Kafka, prefix: str, lines: Path) -> None:
    """Producers with one topic order a customer's events across types."""
    mixed = prefix + "customer.events"
    kafka.create_topics([mixed], partitions=1)
    result = publish(kafka, prefix, str(lines), "--mixed")
    assert "603 records" in result.stdout
    values = [record.value() for record in everything_in(kafka, [mixed], 603)]
    assert values == lines.read_bytes().splitlines()


def test_missing_topic_is_named_before_anything_is_sent_to_it(kafka: Kafka, prefix: str, lines: Path) -> None:
    """Kafka would make it with a partition count of its own, and the stream would not be co-partitioned."""
    result = publish(kafka, prefix, str(lines))
    assert result.returncode == 2
    assert f"tenure: topic {prefix}customer.signup does not exist" in result.stderr


def test_record_that_kafka_refuses_is_counted_and_ends_with_1(kafka: Kafka, prefix: str, tmp_path: Path) -> None:
    """Silence would be data loss."""
    mixed = prefix + "customer.events"
    kafka.create_topics([mixed], partitions=1)
    file = tmp_path / "large.ndjson"
    file.write_bytes(b'{"type": "signup"}\n' + os.urandom(1_500_000).hex().encode() + b"\n")
    result = publish(kafka, prefix, str(file), "--mixed", "--json")
    assert result.returncode == 1
    summary = json.loads(result.stdout)
    assert (summary["malformed"], summary["undelivered"]) == (1, 1)
    assert "tenure: 1 record was not delivered" in result.stderr
