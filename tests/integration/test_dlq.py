"""`tenure dlq list` on a real Kafka: what a worker refused is listed once, with its reason."""

from __future__ import annotations

import json

from confluent_kafka import Producer

from schemas.refusals import Reason, Refusal
from services.installation import Installation
from streams.partition.outbox import DeadLetter
from streams.records import Record


def test_dead_letters_are_listed_each_once_and_the_topic_stays_as_it_is(installation: Installation) -> None:
    """It is the first thing that somebody who is called at night runs."""
    missing = installation.run("dlq", "list")
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)
    assert installation.dead_letter_topic in missing.stderr
    assert installation.run("topics", "--create").returncode == 0
    empty = installation.run("dlq", "list")
    assert (empty.stdout, empty.stderr) == (f"{installation.dead_letter_topic}: 0 dead letters\n", "")
    producer = Producer({"bootstrap.servers": installation.kafka.bootstrap})
    for offset in (1, 2, 2, 3):
        refused = Record("customer.signup", 0, offset, 0, b"c1", b"{", [])
        sent = DeadLetter(refused, Refusal(Reason.MALFORMED_JSON, "not an object"), "").form(0)
        assert sent is not None
        producer.produce(installation.dead_letter_topic, sent.value, sent.key, headers=list(sent.headers))
    producer.produce(installation.dead_letter_topic, b"of somebody else")
    producer.flush(30)
    for _ in range(2):
        found = json.loads(installation.run("dlq", "list", "--json", "--limit", "2").stdout)
        assert (found["dead_letters"], found["repeated"], found["foreign"]) == (3, 1, 1)
        assert found["reasons"] == {"malformed_json": 3}
        assert len(found["latest"]) == 2
    text = installation.run("dlq", "list").stdout
    assert "3  malformed_json" in text
    assert "customer.signup, partition 0, offset 3" in text
