"""The example of an agent of one's own, beside the agents of the product, on the embedded log."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from streams.batching.batches import Batch, BatchSchema
from streams.embedded.log import Log
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.settings.settings import Settings
from tenure.files.replay import until_applied
from tenure.worker.composition import Worker, build_worker
from tests.docs.pages import ROOT, blocks_of

SCRIPT = ROOT / "examples" / "countries" / "countries.py"
PARTITIONS = 2
#: as many as fill the queue of an agent several times over
ROUNDS = 40


def add_countries() -> Callable[[Worker], None]:
    """Return what the example adds its agent with."""
    spec = importlib.util.spec_from_file_location("countries", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[Worker], None] = module.add_countries
    return found


@asynccontextmanager
async def worker_with(name: str, extend: Callable[[Worker], None]) -> AsyncIterator[tuple[Worker, Log]]:
    """Start a worker on a log of its own, with an agent more."""
    log = Log(PARTITIONS)
    CLUSTERS[name] = Cluster(log)
    worker = build_worker(Settings(), broker=f"embedded://{name}", tables=MemoryTables(), partitions=PARTITIONS)
    extend(worker)
    await worker.app.start()
    try:
        yield worker, log
    finally:
        await worker.app.stop()
        await worker.stream.close()
        del CLUSTERS[name]


def signup(number: int, country: str) -> tuple[bytes, bytes]:
    """Return key and value of a customer's signup."""
    event = {"id": f"s{number}", "type": "signup", "customer_id": f"c{number}", "time": "2025-02-03T10:00:00Z"}
    value = {**event, "plan": "pro", "mrr_minor": 4900, "country": country}
    return f"c{number}".encode(), json.dumps(value).encode()


async def fed(worker: Worker, log: Log, rounds: int) -> int:
    """Append signups, a few a batch, and wait until they are applied; return how many customers there are."""
    for number in range(rounds):
        key, value = signup(number, "PT" if number % 4 else "DE")
        log.append("customer.signup" if number % 2 else "customer.events", key, value, timestamp_ms=1_740_000_000_000)
        if number % 8 == 0:
            await until_applied(worker, log)
    await until_applied(worker, log)
    return sum(partition.head.applied for partition in worker.stream.partitions.values())


def sample(worker: Worker, country: str) -> Any:
    """Return what the example's metric shows of a country."""
    return worker.meters.registry.get_sample_value("acme_events_total", {"country": country})


async def test_example_counts_events_by_country_beside_the_numbers_of_the_product() -> None:
    """An agent that takes batches away from the product's, or is fed no batches, is no extension."""
    async with worker_with("countries", add_countries()) as (worker, log):
        assert await fed(worker, log, ROUNDS) == ROUNDS
        while sample(worker, "PT") != ROUNDS * 3 / 4:
            await worker.app.sleep(0.002)
        assert sample(worker, "DE") == ROUNDS / 4
        assert b'acme_events_total{country="PT"} 30.0' in worker.meters.exposition()


async def test_agent_of_ones_own_that_raises_changes_no_number_of_the_product() -> None:
    """The page promises it: a fault of an extension costs the extension."""
    seen: list[Batch] = []

    def add_faulty(worker: Worker) -> None:
        topics = worker.app.topic(*worker.context.topics, schema=BatchSchema())

        @worker.app.agent(topics, name="acme.faulty")  # type: ignore[untyped-decorator]
        async def faulty(batches: AsyncIterator[Batch]) -> None:
            async for batch in batches:
                seen.append(batch)
                if len(seen) == 1:
                    raise ValueError(batch)

    async with worker_with("faulty", add_faulty) as (worker, log):
        assert await fed(worker, log, ROUNDS) == ROUNDS
        while sum(map(len, seen)) < ROUNDS:
            await worker.app.sleep(0.002)
        assert not worker.stream.halted
        assert worker.app.crash_reason is None


def test_example_that_cannot_listen_ends_with_2_and_one_line() -> None:
    """A second worker on one machine takes the port of the first: that is for its user to change, not a fault."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
        surroundings |= {"TENURE_METRICS_PORT": port, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, str(SCRIPT)], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"tenure: TENURE_METRICS_PORT is {port}: ")
    assert done.stderr.count("\n") == 1


def test_page_shows_the_example_as_it_is() -> None:
    """What is copied from the page is what these tests have run."""
    shown = [block.text for block in blocks_of(Path("docs/extending.md")) if block.language == "python"]
    assert shown == [SCRIPT.read_text(encoding="utf-8").rstrip("\n")]
