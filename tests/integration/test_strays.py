"""Records on the wrong partition, on a real Kafka: whatever their headers and size, and however many partitions."""

from __future__ import annotations

import json
from base64 import b64encode
from random import Random
from typing import TYPE_CHECKING, Any

from confluent_kafka.cimpl import NewPartitions

from schemas.refusals import TRUNCATED_BYTES
from services.installation import Installation, headers_of, until
from streams.batching.partitioner import partition_of
from tests.integration.test_bad_input import NOW, configure
from tests.recount.equations import part
from tests.recount.instants import instant_ms
from tests.recount.options import Options
from tests.recount.report import recount
from tests.recount.short_events import Event, cancel, signup

if TYPE_CHECKING:
    from confluent_kafka import Message, Producer

PARTITIONS = 4


def home_of(event: Event, partitions: int = PARTITIONS) -> int:
    """Return the partition of an event's customer."""
    return partition_of(str(event["customer_id"]).encode(), partitions)


def send(producer: Producer, topic: str, partition: int, value: bytes, **options: Any) -> None:
    """Send a record to a partition."""
    producer.produce(topic, value, partition=partition, timestamp=instant_ms(NOW), **options)


def copies_in(installation: Installation) -> list[Message]:
    """Return the records that workers have forwarded."""
    found = installation.records_in(installation.topics["events"])
    return [record for record in found if "tenure-forwarded" in headers_of(record)]


def check(installation: Installation, events: list[Event], *, tests: int = 0, **dead_letters: int) -> None:
    """Hold all numbers against the recount's, which takes records of any size."""
    expected = recount(events, [NOW], Options(max_record_bytes=10**9))
    part(expected[0], "events")["test"] = tests
    part(expected[0], "events", "dead_letters").update(dead_letters)
    assert installation.kpi("--at", NOW.isoformat()) == expected


def test_header_that_somebody_else_has_set_halts_nothing(installation: Installation) -> None:
    """A mirrored topic and a dead letter that is sent again have such headers."""
    installation.create_topics()
    producer = installation.producer()
    events = [signup(f"c{n}", "2025-03-03") for n in range(20)]
    for n, event in enumerate(events):
        headers = [("tenure-forwarded", b"x"), ("tenure-forwarded", b"customer.signup/0/1/" + b"0" * 32)][: 1 + n % 2]
        wrong = (home_of(event) + 1) % PARTITIONS
        send(producer, installation.topics["signup"], wrong, json.dumps(event).encode(), headers=headers)
    assert producer.flush(30) == 0
    worker = installation.worker()
    installation.until_applied()
    check(installation, events)
    assert worker.get("/readyz")[0] == 200
    assert len(copies_in(installation)) == len(events)


def test_large_record_is_forwarded_whole_and_one_that_cannot_be_is_said_to_be_oversized(
    installation: Installation,
) -> None:
    """Cut to what fits it would be another event, or none."""
    installation.create_topics()
    configure(installation, installation.topics["signup"], "max.message.bytes", "3000000")
    producer = installation.producer()
    noise = b64encode(Random(4).randbytes(1_500_000)).decode()
    # As large as the mixed topic takes uncompressed, and dense; then larger, and dense or not.
    just = signup("c1", "2025-03-03", pad=noise[:1_048_250])
    thin = signup("c2", "2025-03-03", pad="x" * 2_000_000)
    dense = signup("c3", "2025-03-03", pad=noise)
    for event in (just, thin, dense):
        value, wrong = json.dumps(event).encode(), (home_of(event) + 1) % PARTITIONS
        send(producer, installation.topics["signup"], wrong, value, headers=[("trace", b"y" * 100)])
    assert producer.flush(30) == 0
    worker = installation.worker(TENURE_MAX_RECORD_BYTES="8000000")
    installation.until_applied()
    check(installation, [just, thin], oversized=1)
    copies = {record.key(): record.value() for record in copies_in(installation)}
    assert copies == {b"c1": json.dumps(just).encode(), b"c2": json.dumps(thin).encode()}
    (letter,) = installation.records_in(installation.dead_letter_topic)
    headers = headers_of(letter)
    assert headers["tenure-reason"] == b"oversized"
    assert b"max.message.bytes" in (headers["tenure-detail"] or b"")
    assert (letter.value() or b"") == json.dumps(dense).encode()[:TRUNCATED_BYTES]
    assert worker.total("tenure_dead_letters_total", reason="oversized") == 1
    assert worker.get("/readyz")[0] == 200


def test_partitions_may_be_added_under_running_workers_and_over_a_restart(installation: Installation) -> None:
    """Customers stay where they are, so that nothing has to stop; what comes to added partitions goes home."""
    grown = 6
    installation.create_topics()
    producer = installation.producer()
    before = [signup(f"c{n}", "2025-03-03") for n in range(40)]
    for event in before:
        send(producer, installation.topics["signup"], home_of(event), json.dumps(event).encode())
    assert producer.flush(30) == 0
    worker = installation.worker()
    installation.until_applied()
    topics = list(installation.topics.values())
    for added in installation.kafka.admin.create_partitions([NewPartitions(topic, grown) for topic in topics]).values():
        added.result(timeout=30)
    known = installation.kafka.admin.list_topics  # the test's own client learns of them like this alone
    until(
        lambda: all(len(known(topic, timeout=10).topics[topic].partitions) == grown for topic in topics), "the growth"
    )
    installation.partitions = grown
    until(lambda: worker.owned() == set(range(grown)), "the added partitions", seconds=90)
    assert worker.total("tenure_partitions_expected") == grown
    assert worker.total("tenure_partitions_of_customers") == PARTITIONS

    producer = installation.producer()
    after = [cancel(f"c{n}", "2025-04-03") for n in range(40)]
    for event in after[:20]:
        send(producer, installation.topics["cancel"], home_of(event, grown), json.dumps(event).encode())
    for number in range(grown):
        send(producer, installation.topics["events"], number, b"bad")
        send(producer, installation.topics["events"], number, json.dumps(signup("t", "2025-03-03", test=True)).encode())
    assert producer.flush(30) == 0
    installation.until_applied()
    assert worker.process.stop() == 0
    for event in after[20:]:
        send(producer, installation.topics["cancel"], home_of(event, grown), json.dumps(event).encode())
    assert producer.flush(30) == 0
    again = installation.worker()
    installation.until_applied()
    assert "partitions_added" in again.process.output
    check(installation, before + after, tests=grown, malformed_json=grown)
    assert again.get("/readyz")[0] == 200
    strays = [event for event in after if home_of(event, grown) != home_of(event)]
    assert len(copies_in(installation)) == len(strays) > 0
