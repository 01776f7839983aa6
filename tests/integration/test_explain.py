"""`tenure explain` of a running stream: the events of a number, read again from a real Kafka."""

from __future__ import annotations

import json
from typing import Any

from confluent_kafka import TopicPartition

from services.installation import Installation
from tests.recount.golden import golden_log
from tests.recount.short_events import cancel, signup

AT = "2026-03-01"


def explained(installation: Installation, *arguments: str, **settings: str) -> Any:
    """Return what `tenure explain --json` prints."""
    result = installation.run("explain", *arguments, "--at", AT, "--json", **settings)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def events_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all events of the members of a part."""
    return [event for member in part["members"] for reason in member["reasons"] for event in reason["events"]]


def test_members_come_with_the_ids_that_kafka_holds_until_it_no_longer_does(installation: Installation) -> None:
    """The state keeps only where a record lies: the id is Kafka's, and is missed when Kafka deletes it."""
    installation.create_topics()
    file = installation.file_of([json.dumps(event).encode() for event in golden_log()])
    installation.publish(file)
    installation.worker()
    installation.until_applied()
    (part,) = explained(installation, "customers_lost")["parts"]
    ids = {event["id"] for event in golden_log()}
    events = events_of(part)
    assert (part["sum"], part["counted"], len(events)) == (10, 10, 20)
    assert all(event["id"] in ids and event["topic"] in installation.topics.values() for event in events)
    for event in events:
        place = TopicPartition(event["topic"], event["partition"], event["offset"])
        (record,) = [
            record
            for record in installation.records_in(event["topic"])
            if (record.partition(), record.offset()) == (place.partition, place.offset)
        ]
        assert json.loads(record.value() or b"")["id"] == event["id"]
    topic = installation.topics["signup"]
    ends = [TopicPartition(topic, number, -1) for number in range(installation.partitions)]
    for deleted in installation.kafka.admin.delete_records(ends).values():
        deleted.result()
    (part,) = explained(installation, "customers_lost")["parts"]
    notes = {(event["topic"], event["id"] is None, event.get("note")) for event in events_of(part)}
    assert notes == {
        (topic, True, "record no longer in Kafka"),
        (installation.topics["cancel"], False, None),
    }
    (part,) = explained(installation, "customers_lost", TENURE_KAFKA_BOOTSTRAP="127.0.0.1:1")["parts"]
    assert {event.get("note") for event in events_of(part)} == {"Kafka does not answer"}


def test_a_forwarded_record_is_found_where_it_was_forwarded_to(installation: Installation) -> None:
    """Its first place is on a partition that knows nothing of the customer."""
    installation.create_topics()
    producer = installation.producer()
    event = signup("somebody", "2026-02-10")
    for number in range(installation.partitions):
        producer.produce(installation.topics["signup"], json.dumps(event).encode(), key=b"", partition=number)
    producer.produce(
        installation.topics["cancel"], json.dumps(cancel("somebody", "2026-02-20")).encode(), key=b"somebody"
    )
    producer.flush()
    installation.worker()
    installation.until_applied()
    (part,) = explained(installation, "cancellations_of_new")["parts"]
    assert [found["id"] for found in events_of(part)] == [cancel("somebody", "2026-02-20")["id"]]
    (part,) = explained(installation, "customers_new")["parts"]
    assert [found["id"] for found in events_of(part)] == [event["id"]]
