"""`tenure validate --topic` against a real Kafka: all that is there now, judged by its own timestamps."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from streams.batching.partitioner import partition_of

if TYPE_CHECKING:
    from services.installation import Installation

PARTITIONS = 4


def signup(number: int, **members: Any) -> bytes:
    """Return a signup of a customer of its own."""
    common = {"id": f"s{number}", "type": "signup", "customer_id": f"c-{number}", "time": "2026-01-05T10:30:00Z"}
    return json.dumps({**common, "plan": "pro", "mrr_minor": 4900, **members}).encode()


def cancel(number: int) -> bytes:
    """Return the cancel of a customer."""
    return json.dumps(
        {"id": f"x{number}", "type": "cancel", "customer_id": f"c-{number}", "time": "2026-02-05T10:30:00Z"}
    ).encode()


def validated(installation: Installation, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Return the exit status, and the report."""
    result = installation.run("validate", *arguments, "--json")
    assert result.stdout, result.stderr
    report: dict[str, Any] = json.loads(result.stdout)
    return result.returncode, report


def names_of(report: dict[str, Any]) -> list[str]:
    """Return the names of its questions."""
    return [question["name"] for question in report["questions"]]


@pytest.fixture(name="stream")
def _stream(installation: Installation) -> Installation:
    """Topics with signups that lie right, and their cancels."""
    installation.create_topics()
    producer = installation.producer(partitioner="murmur2_random")
    for n in range(200):
        producer.produce(installation.topics["signup"], signup(n), key=b"c-%d" % n)
    for n in range(20):
        producer.produce(installation.topics["cancel"], cancel(n), key=b"c-%d" % n)
    assert producer.flush(30) == 0
    return installation


def test_topics_are_judged_together_and_nothing_is_asked_of_what_is_right(stream: Installation) -> None:
    """Cancels alone would seem to have no signup."""
    status, report = validated(stream, "--topic", stream.topics["signup"], "--topic", stream.topics["cancel"])
    assert (status, report["records"], report["applied"], report["questions"]) == (0, 220, 220, [])
    assert report["gave_up"] == []
    status, report = validated(stream, "--topic", stream.topics["cancel"])
    assert (status, names_of(report)) == (0, ["no_signup", "often_without_effect"])


def test_records_are_judged_by_their_own_timestamps(stream: Installation) -> None:
    """What lies beyond its record is refused by the worker, whenever one looks."""
    topic, now_ms = stream.topics["signup"], int(time.time() * 1000)
    producer = stream.producer(partitioner="murmur2_random")
    ahead = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_ms / 1000 - 86_400 + 7_200))
    producer.produce(topic, signup(900, time=ahead), key=b"c-900", timestamp=now_ms - 86_400_000)
    assert producer.flush(30) == 0
    status, report = validated(stream, "--topic", topic)
    assert (status, report["refused"]) == (1, 1)
    (found,) = report["refusals"].values()
    place = partition_of(b"c-900", PARTITIONS)
    assert found["examples"][0].startswith(f"{topic}/{place}/")


def test_keys_and_partitioners_are_looked_at(stream: Installation) -> None:
    """Each of these records is forwarded, at twice the cost."""
    topic = stream.topics["signup"]
    producer = stream.producer(partitioner="murmur2_random")
    elsewhere = (partition_of(b"c-901", PARTITIONS) + 1) % PARTITIONS
    producer.produce(topic, signup(901), key=b"c-901", partition=elsewhere)
    producer.produce(topic, signup(902), partition=0)
    producer.produce(topic, signup(903), key=b"account-903")
    producer.produce(topic, None, key=b"c-904")
    assert producer.flush(30) == 0
    status, report = validated(stream, "--topic", topic)
    said = [question["what"] for question in report["questions"] if question["name"] == "producer"]
    assert (status, report["refused"], len(said)) == (1, 1, 3), "a record without a value is a dead letter"
    for what in ("have no key", "have another key", "lie on another partition"):
        assert any(what in each for each in said), what


def test_only_committed_records_up_to_now_are_read_and_no_group_is_left(stream: Installation) -> None:
    """An aborted transaction never happened, and its markers are no records that are missing."""
    topic = stream.topics["signup"]
    producer = stream.producer(**{"transactional.id": f"{topic}-validate"})
    producer.init_transactions(30)
    for numbers, end in ((range(300, 310), producer.abort_transaction), (range(310, 315), producer.commit_transaction)):
        producer.begin_transaction()
        for n in numbers:
            producer.produce(topic, signup(n), key=b"c-%d" % n)
        end(30)
    _, report = validated(stream, "--topic", topic)
    assert (report["records"], report["gave_up"]) == (205, [])
    _, latest = validated(stream, "--topic", topic, "--last", "5")
    assert 0 < latest["records"] <= 5 * PARTITIONS


def test_copy_that_a_worker_has_sent_on_is_left_and_a_header_of_anybodys_hides_nothing(
    installation: Installation,
) -> None:
    """A record that bears our header and is not ours would be refused by the worker, and must be here."""
    installation.create_topics()
    worker = installation.worker()
    signups, mixed = installation.topics["signup"], installation.topics["events"]
    producer = installation.producer(partitioner="murmur2_random")
    elsewhere = (partition_of(b"c-1", PARTITIONS) + 1) % PARTITIONS
    producer.produce(signups, signup(1), key=b"c-1", partition=elsewhere)
    assert producer.flush(30) == 0
    installation.until_applied()
    status, report = validated(installation, "--topic", signups, "--topic", mixed)
    assert (status, report["records"], report["copies"]) == (0, 1, 1)
    forged: list[tuple[str, str | bytes | None]] = [("tenure-forwarded", f"{signups}/0/0".encode())]
    producer.produce(mixed, signup(2, plan="none"), key=b"c-2", headers=forged)
    assert producer.flush(30) == 0
    status, report = validated(installation, "--topic", mixed)
    assert (status, report["records"], report["copies"], report["refused"]) == (1, 1, 1, 1)
    assert worker.process.stop() == 0


def test_unknown_topic_is_named(stream: Installation) -> None:
    """With the one that may have been meant."""
    topic = stream.topics["signup"]
    result = stream.run("validate", "--topic", topic + "s")
    assert result.returncode == 2
    assert f"Kafka has no such topic; did you mean {topic}?" in result.stderr


def test_topic_of_another_system_is_translated_first(stream: Installation) -> None:
    """Before the setting adapter_topics lets a worker do it."""
    topic = stream.topics["signup"].replace("customer.signup", "segment")
    stream.kafka.create_topics([topic], partitions=2)
    producer = stream.producer()
    call = {
        "type": "track", "event": "Subscription Started", "messageId": "m-1", "userId": "u-1",
        "timestamp": "2026-01-05T10:30:00Z", "properties": {"plan": "pro", "mrr": 49.0, "currency": "USD"},
    }  # fmt: skip
    producer.produce(topic, json.dumps(call).encode(), key=b"any")
    producer.produce(topic, b"{", key=b"any")
    producer.produce(topic, None, key=b"any")
    assert producer.flush(30) == 0
    status, report = validated(stream, "--topic", topic, "--as", "segment")
    assert (status, report["translation"]["records"], report["refused"]) == (1, 2, 1)
    assert "producer" not in names_of(report), "keys of other systems are their own"
