"""Tables that are built anew beside a running stream: the same numbers, in more partitions, whoever is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from services.installation import TENURE, Installation, WorkerProcess, until

AT: Final = ("--at", "2026-03-01", "--by", "plan", "--by", "country")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The events of a company that does not exist."""
    made = subprocess.run(
        [TENURE, "company", "--days", "60", "--customers", "150", "--seed", "11", "--end", "2026-03-01"],
        capture_output=True,
        check=True,
    )
    return made.stdout.splitlines()


def has_owned(worker: WorkerProcess, partitions: int) -> Callable[[], bool]:
    """Return what tells whether a worker owns so many partitions."""
    return lambda: len(worker.owned()) == partitions


class Traffic:
    """Events that are sent one by one while something else goes on."""

    def __init__(self, installation: Installation, lines: list[bytes]) -> None:
        """Send them, by customer, until the block ends; then the rest at once."""
        self._installation, self._lines = installation, lines
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        producer = self._installation.producer(partitioner="murmur2_random")
        topics = self._installation.topics
        for line in self._lines:
            event = json.loads(line)
            producer.produce(topics["events"], line, key=event["customer_id"])
            producer.poll(0)
            self._stop.wait(0.002)
        assert producer.flush(30) == 0


def numbers(installation: Installation) -> dict[str, Any]:
    """Return the report of the stream, without what counts records that were read twice."""
    (report,) = installation.kpi(*AT)
    return report


def test_more_partitions_under_traffic_change_no_number(
    installation: Installation, company: list[bytes]
) -> None:
    """Growth is what a stream is built anew for: events go on coming, and no worker is restarted by hand."""
    installation.create_topics()
    half = len(company) // 2
    worker = installation.worker()
    installation.publish(installation.file_of(company[:half]))
    installation.until_applied()
    planned = installation.run("rebuild", "--partitions", "8")
    assert planned.returncode == 2
    assert "tenure topics --grow --partitions 8" in planned.stderr
    with Traffic(installation, company[half:]):
        assert installation.run("topics", "--grow", "--partitions", "8").returncode in (0, 1)
        planned = installation.run("rebuild", "--partitions", "8")
        assert "dry run" in planned.stdout
        done = installation.run("rebuild", "--partitions", "8", "--yes", "--json")
        assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["outcome"], found["compared"], found["different_cells"]) == ("switched", "cells", 0)
    until(has_owned(worker, 8), "eight partitions are owned", seconds=60)
    installation.partitions = 8
    installation.kafka.admin.list_topics(timeout=10)  # it remembers how many partitions there were
    installation.until_applied()
    whole = installation.file_of(company, "whole.ndjson")
    (expected,), found = installation.replay(whole, *AT), numbers(installation)
    for report in (expected, found):
        del report["events"]
    assert found == expected
