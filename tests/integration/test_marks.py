"""`tenure mark` on a real Kafka: counted once however often it is sent, corrected, in reports and on boards."""

from __future__ import annotations

import json
from typing import Any

from services.installation import Installation, WorkerProcess, until

EXPORTED = "tenure_mark_timestamp_seconds"


def sent(stream: Installation, *arguments: str) -> dict[str, Any]:
    """Send a mark, and return what the command prints."""
    result = stream.run("mark", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def listed(stream: Installation) -> list[tuple[str, str, str]]:
    """Return kind, title and instant of each mark that `tenure marks` prints."""
    result = stream.run("marks", "--json")
    assert result.returncode == 0, result.stderr
    return [(each["kind"], each["title"], each["at"]) for each in json.loads(result.stdout)["marks"]]


def exported(worker: WorkerProcess) -> dict[tuple[str, str], float]:
    """Return the marks that a worker exports."""
    return {(each.labels["kind"], each.labels["title"]): each.value for each in worker.metrics(EXPORTED)}


def test_mark_is_counted_once_and_stands_where_it_happened(installation: Installation) -> None:
    """A release script that runs twice marks one release; a title that was wrong is corrected by its id."""
    early = installation.run("mark", "Release 2")
    assert early.returncode == 2
    assert "tenure topics --create" in early.stderr
    installation.create_topics()
    worker = installation.worker()
    arguments = ("Prices rise", "--kind", "price", "--at", "2026-03-01T12:00:00Z")
    first = sent(installation, *arguments)
    assert sent(installation, *arguments) == first
    installation.until_applied()
    assert listed(installation) == [("price", "Prices rise", "2026-03-01T12:00:00Z")]
    sent(installation, "Prices rise by 12 %", *arguments[1:], "--corrects", first["id"])
    installation.until_applied()
    assert listed(installation) == [("price", "Prices rise by 12 %", "2026-03-01T12:00:00Z")]
    (record, *_) = installation.records_in(installation.topics["marks"])
    assert (record.key(), json.loads(record.value() or b"")["title"]) == (b"", "Prices rise")
    assert worker.process.stop() == 0
    again = installation.worker()  # it looks at all customers as soon as it starts, and then once a minute
    until(lambda: exported(again) == {("price", "Prices rise by 12 %"): 1_772_366_400.0}, "the mark")
