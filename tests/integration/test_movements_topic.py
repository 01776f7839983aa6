"""The topic of movements: what it holds under each key is what there is, after late events and after a kill."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.installation import TENURE, Installation
from services.process import StartProcess
from tests.recount.short_events import cancel, change, signup


@pytest.fixture
def running(installation: Installation) -> Installation:
    """A stream that has counted some customers."""
    installation.create_topics()
    installation.worker()
    events = [signup(f"c-{n}", "2026-01-05", "pro", 4900, country="PT") for n in range(30)]
    publish(installation, [*events, *(change(f"c-{n}", "2026-02-01", "team", 9900) for n in range(5))])
    return installation


def publish(stream: Installation, events: list[dict[str, Any]]) -> None:
    """Send events, and wait until they are counted."""
    stream.publish(stream.file_of(json.dumps(event).encode() for event in events))
    stream.until_applied()


def export(stream: Installation) -> dict[str, int]:
    """Export, and return how many records were sent."""
    result = stream.run("export", "--to", "kafka", "--json")
    assert result.returncode == 0, result.stderr
    rows: dict[str, int] = json.loads(result.stdout)["rows"]
    return rows


def held(stream: Installation) -> dict[str, dict[str, Any]]:
    """Return the last record of each key that has a value, read by another client."""
    found: dict[str, dict[str, Any]] = {}
    for record in stream.records_in(stream.movement_topic):
        key, value = record.key(), record.value()
        assert key is not None
        found.pop(key.decode(), None)
        if value is not None:
            found[key.decode()] = json.loads(value)
    return found


def counted(stream: Installation) -> list[list[Any]]:
    """Return the movements as SQL has them."""
    query = "SELECT customer_id, kind, mrr_change, plan_after FROM movements ORDER BY ALL"
    result = stream.run("sql", query, "--limit", "100000", "--json")
    assert result.returncode == 0, result.stderr
    rows: list[list[Any]] = json.loads(result.stdout)["rows"]
    return rows


def check(stream: Installation) -> None:
    """Assert that the topic holds what there is."""
    members = ("customer_id", "kind", "mrr_change", "plan_after")
    assert sorted([each[name] for name in members] for each in held(stream).values()) == counted(stream)


def test_topic_holds_what_there_is_after_late_events_and_a_kill(
    running: Installation, start_process: StartProcess
) -> None:
    """Whoever reads it from the beginning and keeps the last of each key has the movements."""
    assert export(running) == {"movements": 35, "tombstones": 0}
    assert export(running) == {"movements": 0, "tombstones": 0}
    check(running)
    partitions = {(each["customer_id"], each["id"]) for each in held(running).values()}
    assert len(partitions) == 35
    publish(running, [cancel("c-0", "2026-01-20"), signup("c-99", "2026-01-06", "pro", 100)])
    process = start_process([TENURE, "export", "--to", "kafka"], running.environment)
    process.kill()
    sent = export(running)
    assert sent["movements"] <= 2
    assert sent["tombstones"] <= 1
    check(running)
    kinds = {each["kind"] for each in held(running).values() if each["customer_id"] == "c-0"}
    assert kinds == {"new", "cancellation"}


def test_topic_of_others_is_left_as_it_is(running: Installation) -> None:
    """An export takes back what is not a movement of its stream: of another's that would be everything."""
    assert export(running)["movements"] == 35
    file = running.run("export", "--to", "kafka", "--file", "any.ndjson")
    assert (file.returncode, "--to kafka and --file" in file.stderr) == (2, True)
    before = running.ends([running.movement_topic])
    producer = running.producer()
    producer.produce(running.movement_topic, b"{}", key=b"mine", partition=2)
    producer.flush()
    refused = running.run("export", "--to", "kafka")
    assert refused.returncode == 2
    assert f"{running.movement_topic} holds at partition 2, offset" in refused.stderr
    after = running.ends([running.movement_topic])
    assert sum(after.values()) == sum(before.values()) + 1
