"""Tables that are built anew beside a running stream: the same numbers, in more partitions, whoever is killed."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec
import pytest

from kpis.customer.facts import CONVERTIBLE_VERSIONS
from services.installation import PREFIX, TENURE, Installation, WorkerProcess, until
from services.process import StartProcess
from streams.tables import encode_head

AT: Final = ("--at", "2026-03-01", "--by", "plan", "--by", "country")


SIGNUP: Final = {"id": "1", "type": "signup", "customer_id": "c", "time": "2026-02-01T00:00:00Z", "plan": "pro"}


@pytest.fixture(scope="module")
def company() -> list[bytes]:
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

    def __enter__(self) -> Self:
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
            producer.produce(topics["events"], line, key=event.get("customer_id", ""))
            producer.poll(0)
            self._stop.wait(0.002)
        assert producer.flush(30) == 0


def counted_as(installation: Installation, company: list[bytes]) -> None:
    """Assert that the stream has the numbers of a replay of all events, whatever came twice."""
    (expected,) = installation.replay(installation.file_of(company, "whole.ndjson"), *AT)
    (found,) = installation.kpi(*AT)
    for report in (expected, found):
        del report["events"]
    assert found == expected


def stored_heads(installation: Installation) -> list[bytes]:
    """Return the heads of the first generation as they are stored."""
    with installation.redis.client() as client:
        found = client.mget([f"{PREFIX}:{{{number}}}:h" for number in range(4)])
    return [head or b"" for head in found]


def is_held(installation: Installation) -> Callable[[], bool]:
    """Return what tells whether a command holds any partition still."""
    return lambda: any(head.startswith(b"held:") for head in stored_heads(installation))


def is_begun(installation: Installation) -> Callable[[], bool]:
    """Return what tells whether new tables have begun to be filled."""

    def looks() -> bool:
        with installation.redis.client() as client:
            return bool(client.exists(*(f"{PREFIX}:g1:{{{number}}}:h" for number in range(4))))

    return looks


def test_more_partitions_under_traffic_change_no_number(installation: Installation, company: list[bytes]) -> None:
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
    counted_as(installation, company)
    # Three in four customers would be missing: nobody forwarded what lay at home when it was counted.
    for options in ([], ["--yes", "--accept-differences"]):
        refused = installation.run("rebuild", "--from", "kafka", *options)
        assert refused.returncode == 2
        assert "spread over 8 partitions instead of 4" in refused.stderr


def test_workers_that_keep_their_names_share_partitions_that_are_added_just_before(installation: Installation) -> None:
    """Kafka gives whoever comes back under its name what it had before, and nobody had the new ones: for ever."""
    installation.create_topics()
    workers = [installation.worker(TENURE_INSTANCE_ID=name) for name in ("a", "b")]
    installation.publish(installation.file_of([json.dumps(SIGNUP | {"mrr_minor": 100}).encode()]))
    installation.until_applied()
    assert installation.run("topics", "--grow", "--partitions", "8").returncode == 0
    # At once: nobody has noticed yet that there are more, and both begin again with the new tables.
    done = installation.run("rebuild", "--partitions", "8", "--yes")
    assert done.returncode == 0, done.stderr
    until(lambda: sum(len(worker.owned()) for worker in workers) == 8, "all are owned", seconds=60)


def test_a_build_from_kafka_that_is_killed_goes_on_and_counts_every_record_alike(
    installation: Installation, company: list[bytes], start_process: StartProcess
) -> None:
    """The machine it runs on may die: the stream knows nothing of it, and the next try goes on where it was."""
    installation.create_topics()
    installation.worker()
    installation.run("target", "set", "retention", "30d", "90%", "--owner", "ada")
    half = len(company) // 2
    installation.publish(installation.file_of([*company[:half], b"no event"]))
    with Traffic(installation, company[half:]):
        until(lambda: len(installation.heads()) == 4, "all partitions have something", seconds=60)
        command = [TENURE, "rebuild", "--from", "kafka", "--yes", "--as", "ada", "--reason", "to see"]
        killed = start_process(command, installation.environment)
        until(is_begun(installation), "new tables are begun", seconds=60)
        killed.kill()
        done = installation.run(*command[1:], "--json")
        assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["outcome"], found["compared"], found["different_cells"]) == ("switched", "cells", 0)
    assert found["differences"] == []  # counts of records too: what was refused, came twice, or lay elsewhere
    installation.until_applied()
    counted_as(installation, company)
    assert len(installation.records_in(installation.dead_letter_topic)) == sum(
        installation.kpi()[0]["events"]["dead_letters"].values()
    )
    (target,) = json.loads(installation.run("target", "list", "--json").stdout)
    assert (target["kpi"], target["owner"]) == ("retention", "ada")
    earlier = json.loads(installation.run("rebuild", "--json").stdout)["earlier"]
    assert [(each["source"], each["by"], each["reason"]) for each in earlier] == [("kafka", "ada", "to see")]


def test_a_stream_goes_on_that_a_killed_build_had_held(
    installation: Installation, company: list[bytes], start_process: StartProcess
) -> None:
    """Killed in its last second, a build has changed nothing, and the stream waits for it half a minute at most."""
    installation.create_topics()
    first = installation.worker()
    half = len(company) // 2
    installation.publish(installation.file_of(company[:half]))
    installation.until_applied()
    killed = start_process([TENURE, "rebuild", "--yes"], installation.environment)
    until(is_held(installation), "partitions are held", seconds=60)
    killed.kill()
    first.process.kill()
    installation.worker()
    installation.publish(installation.file_of(company[half:]))
    installation.until_applied(seconds=120)
    counted_as(installation, company)
    assert not is_held(installation)()
    done = installation.run("rebuild", "--yes", "--json")
    assert json.loads(done.stdout)["different_cells"] == 0
    installation.until_applied()
    counted_as(installation, company)


@pytest.mark.parametrize("source", ["tables", "kafka"])
def test_tables_of_an_earlier_version_are_made_into_ours_while_events_come(
    source: str, installation: Installation, company: list[bytes], tmp_path: Path
) -> None:
    """The new version's workers wait and say so, are told how to go on, and end with the numbers of all events."""
    version = max(CONVERTIBLE_VERSIONS) if source == "tables" else min(CONVERTIBLE_VERSIONS) - 1
    installation.create_topics()
    worker = installation.worker()
    half = len(company) // 2
    installation.publish(installation.file_of(company[:half]))
    installation.until_applied()
    assert installation.run("snapshot", str(tmp_path / "taken")).returncode == 0
    assert worker.process.stop() == 0
    with installation.redis.client() as client:  # facts in their places, as that version has left them
        client.flushdb()
        assert installation.run("restore", str(tmp_path / "taken")).returncode == 0
        for number, head in installation.heads().items():
            old = msgspec.structs.replace(head, version=version)
            client.set(f"{PREFIX}:{{{number}}}:h", encode_head(old))
            client.delete(f"{PREFIX}:{{{number}}}:w")
            client.rpush(f"{PREFIX}:{{{number}}}:w", b"of another form")
    asked = ["rebuild", *(["--from", "kafka"] if source == "kafka" else []), "--yes"]
    with Traffic(installation, company[half:]):
        worker = installation.worker()
        until(lambda: f"tenure {' '.join(asked)}" in worker.get("/readyz")[1], "it waits, and says what for")
        assert "waiting for Redis since the worker started" in worker.get("/readyz")[1]
        if source == "kafka":
            refused = installation.run("rebuild", "--yes")
            assert (refused.returncode, "--from kafka" in refused.stderr) == (2, True)
        done = installation.run(*asked, "--json")
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["compared"] == "nothing"
    until(has_owned(worker, 4), "it has gone on by itself", seconds=60)
    installation.until_applied()
    counted_as(installation, company)
