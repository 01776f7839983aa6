"""A topic of another system on a real Kafka: its events count once, whoever is killed, and when."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, TopicPartition

from schemas.decoding.adapted import HEADER_ADAPTED
from services.installation import Installation, headers_of, until
from streams.batching.partitioner import partition_of

CUSTOMERS: Final = 30
BEGAN: Final = 1_767_607_200  # 2026-01-05T10:00:00Z
AT: Final = ("--at", "2026-02-01")
#: logs lie in the past or the future of this machine's clock
ANY_TIME: Final = {"TENURE_FUTURE_TOLERANCE_SECONDS": str(86_400 * 366)}
#: `tenure worker` that dies once Kafka has acknowledged events, before their records' positions are committed
DIES_AFTER_SENDING: Final = """
import os, signal
from streams.translation.foreign_log import KafkaForeignLog
from tenure.cli import main

async def die(self, positions):
    os.kill(os.getpid(), signal.SIGKILL)

KafkaForeignLog.commit = die
main()
"""


def stripe_event(number: int, kind: str, created: int) -> bytes:
    """Return an event of Stripe about a customer's subscription."""
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    price = {
        "id": "price_pro",
        "object": "price",
        "billing_scheme": "per_unit",
        "unit_amount": 4900,
        "currency": "usd",
        "recurring": recurring,
    }
    item = {"id": f"si_{number}", "object": "subscription_item", "quantity": 1, "price": price}
    subscription = {
        "id": f"sub_{number}",
        "object": "subscription",
        "customer": f"cus_{number}",
        "created": BEGAN,
        "start_date": BEGAN,
        "currency": "usd",
        "status": "canceled" if kind.endswith("deleted") else "active",
        "items": {"object": "list", "data": [item]},
    }
    if kind.endswith("deleted"):
        subscription |= {"canceled_at": created, "ended_at": created}
    event = {"id": f"evt_{number}_{kind}", "object": "event", "type": kind, "created": created, "livemode": True}
    return json.dumps({**event, "data": {"object": subscription}}).encode()


def archive() -> list[bytes | None]:
    """Return records of Stripe: signups, some of whom leave, with a record in between that is none, and a tombstone."""
    records: list[bytes | None] = []
    for number in range(CUSTOMERS):
        records.append(stripe_event(number, "customer.subscription.created", BEGAN + number))
        if number % 3 == 0:
            records.append(stripe_event(number, "customer.subscription.deleted", BEGAN + 86_400 + number))
    records.insert(7, b"{torn")
    records.insert(11, None)
    records.insert(20, json.dumps({"id": "evt_p", "object": "event", "type": "product.created"}).encode())
    return records


@pytest.fixture
def topic(installation: Installation) -> Iterator[str]:
    """A topic of another system with the archive, on two partitions."""
    name = f"{installation.prefix}stripe"
    installation.kafka.create_topics([name], 2)
    installation.create_topics()
    installation.environment |= {"TENURE_ADAPTER_TOPICS": f"{name}=stripe", **ANY_TIME}
    producer = installation.producer()
    for number, value in enumerate(archive()):
        producer.produce(name, value, key=b"k", partition=number % 2)
    assert producer.flush(30) == 0
    yield name
    for deleted in installation.kafka.admin.delete_topics([name]).values():
        deleted.result(timeout=30)


def committed(installation: Installation, topic: str) -> int:
    """Return how many records the translators have committed."""
    group = f"{installation.environment['TENURE_GROUP']}-adapters"
    consumer = Consumer({"bootstrap.servers": installation.kafka.bootstrap, "group.id": group})
    try:
        found = consumer.committed([TopicPartition(topic, n) for n in range(2)], timeout=30)
        return sum(max(0, tp.offset) for tp in found)
    finally:
        consumer.close()


def of_customers(report: dict[str, Any]) -> dict[str, Any]:
    """Return what a report says of customers, without how often events came."""
    return {name: report[name] for name in ("totals", "windows")}


def test_translator_that_is_killed_before_it_commits_changes_no_number(
    installation: Installation, topic: str, tmp_path: Path
) -> None:
    """What it sent comes again under the same ids; the record that is none is a dead letter, and stops nothing."""
    environment = {**installation.environment, "TENURE_METRICS_PORT": "0"}
    killed = installation._start_process([sys.executable, "-c", DIES_AFTER_SENDING, "worker"], environment)
    assert killed.wait(seconds=90) == -9
    assert committed(installation, topic) == 0
    worker = installation.worker()
    until(lambda: committed(installation, topic) == len(archive()), "a translation", seconds=90)
    installation.until_applied()
    (report,) = installation.kpi(*AT)
    assert report["events"]["duplicate"] > 0, "nothing was sent twice: the test shows nothing"
    file = tmp_path / "archive.ndjson"
    file.write_bytes(b"\n".join(value for value in archive() if value is not None))
    (replayed,) = installation.replay(file, "--as", "stripe", *AT)
    assert of_customers(report) == of_customers(replayed)
    assert report["totals"]["customers_active"] == CUSTOMERS - CUSTOMERS // 3
    assert report["events"]["dead_letters"]["malformed_json"] >= 1
    assert worker.total("tenure_adapted_total", outcome="refused") == 1
    assert worker.total("tenure_adapted_total", outcome="ignored") == 2
    until(lambda: worker.total("tenure_adapter_lag_records") == 0, "no lag")
    assert worker.process.stop() == 0
    for record in installation.records_in(installation.topics["signup"]):
        assert record.partition() == partition_of(record.key() or b"", installation.partitions)
        assert (headers_of(record)[HEADER_ADAPTED] or b"").startswith(f"stripe/{topic}/".encode())


def test_worker_refuses_adapters_that_cannot_work(installation: Installation, topic: str, tmp_path: Path) -> None:
    """At its start and in one line: a topic that is misspelt would never be read, and nobody would know."""
    options = tmp_path / "adapters.toml"
    options.write_text("[stripe]\nplan = 1\n", encoding="utf-8")
    for settings, said in (
        (
            {"TENURE_ADAPTER_TOPICS": f"{topic}=strype"},
            "names 'strype': there is no such adapter; did you mean stripe?",
        ),
        ({"TENURE_ADAPTER_TOPICS": f"{topic}x=stripe"}, f"Kafka does not have {topic}x"),
        ({"TENURE_ADAPTER_OPTIONS": str(options)}, "[stripe] plan: there is no such option; did you mean plans?"),
        ({"TENURE_ADAPTER_OPTIONS": "no.toml"}, "no.toml: it cannot be read"),
        ({"TENURE_ADAPTER_TOPICS": f"{installation.topics['cancel']}=stripe"}, "every purpose needs its own"),
    ):
        result = installation.run("worker", **settings, TENURE_METRICS_PORT="0")
        assert result.returncode == 2
        assert said in result.stderr
        assert result.stderr.splitlines()[-1].startswith("tenure: ")


def test_file_that_is_published_as_another_systems_counts_as_its_topic_does(
    installation: Installation, tmp_path: Path
) -> None:
    """One truth about records, whichever way they come; what is not understood is a dead letter that says why."""
    installation.environment |= ANY_TIME
    installation.create_topics()
    installation.worker()
    file = tmp_path / "archive.ndjson"
    file.write_bytes(b"\n".join(value for value in archive() if value is not None))
    result = installation.run("publish", str(file), "--as", "stripe", "--json")
    assert result.returncode == 1
    summary = json.loads(result.stdout)
    assert summary["sent"] == {"cancel": CUSTOMERS // 3, "signup": CUSTOMERS}
    assert summary["malformed"] == 1
    assert summary["translation"]["ignored"] == {"product.created": 1}
    assert "line 8: stripe: the record is not JSON" in result.stderr
    installation.until_applied()
    (report,), (replayed,) = installation.kpi(*AT), installation.replay(file, "--as", "stripe", *AT)
    assert of_customers(report) == of_customers(replayed)
    (letter,) = installation.records_in(installation.dead_letter_topic)
    headers = headers_of(letter)
    assert (letter.value(), headers["tenure-adapter"]) == (b"{torn", b"stripe")
    assert (headers["tenure-detail"] or b"").startswith(b"stripe: the record is not JSON")
