"""Who makes the summary, and when: the owner of partition 0 that Kafka still knows, and not too often."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kpis.counting.cells import EMPTY
from kpis.customer.facts import STATE_VERSION
from schemas.instants import milliseconds
from streams.clock import ManualClock
from streams.embedded.tables import MemoryTables
from streams.errors import TablesUnavailable
from streams.settings.settings import Settings
from streams.tables import Commit, Head, encode_head
from tenure.worker import population
from tenure.worker.population import PopulationExporter
from tests.property.folding import Folded
from tests.recount.options import DEFAULTS
from tests.recount.short_events import Event, cancel, signup

PARTITIONS = 3
SESSION_SECONDS = 10.0


class Tables(MemoryTables):
    """Tables that may be away; how often customers are looked at is counted."""

    away = False
    scans = 0

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """Yield all customers."""
        self.scans += 1
        if self.away:
            raise TablesUnavailable("Redis", "planted")
        async for found in super().scan_states(partitions):
            yield found


class World:
    """A worker that believes whatever the test says."""

    def __init__(self, *, least_pause_seconds: float = 60.0) -> None:
        """Own partitions 0 and 2 of three, with nobody in them, on 1 April 2026."""
        self.tables = Tables()
        self.owned = {0, 2}
        self.complete = {0, 2}
        self.heartbeat_age_seconds = 0.0
        self.behind = False
        self._folded = Folded(DEFAULTS, partitions=PARTITIONS)
        self._commits = 0
        self._heads: list[bytes | None] = [None] * PARTITIONS
        stream = SimpleNamespace(
            partitions=self.owned,
            live=SimpleNamespace(complete=self.complete.issuperset),
            is_behind=lambda: self.behind,
            consumer=lambda: SimpleNamespace(last_heartbeat_age_seconds=lambda: self.heartbeat_age_seconds),
        )
        worker: Any = SimpleNamespace(
            stream=stream,
            context=SimpleNamespace(tables=self.tables, partitions=PARTITIONS, windows=self._folded.windows),
        )
        settings = Settings(session_timeout_seconds=SESSION_SECONDS)
        clock = ManualClock(milliseconds(datetime(2026, 4, 1, tzinfo=UTC)))
        self.portraying = PopulationExporter(worker, settings, clock, least_pause_seconds=least_pause_seconds)

    async def tell(self, *events: Event) -> None:
        """Fold events and commit them, to the partitions of their customers."""
        self._folded.batch([json.dumps(event).encode() for event in events])
        self._commits += 1
        for number in range(PARTITIONS):
            head = encode_head(Head(STATE_VERSION, commits=self._commits))
            names = self._folded.names[number].take_new()
            commit = Commit(self._heads[number], head, dict(self._folded.states[number]), EMPTY, names)
            await self.tables.commit(number, commit)
            self._heads[number] = head

    def sizes(self) -> dict[str, float]:
        """Return the cohorts' sizes that are shown."""
        families = text_string_to_metric_families(self.portraying.exposition.decode())
        return {
            sample.labels["cohort"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "tenure_cohort_customers" and sample.labels["age"] == "00"
        }


async def test_the_summary_shows_the_customers_of_all_partitions() -> None:
    """It does not add up: one worker shows all of it, whoever owns the other partitions."""
    world = World()
    await world.tell(
        *(signup(f"c{n}", "2026-01-05") for n in range(600)), *(signup(f"d{n}", "2026-02-05") for n in (1, 2))
    )
    await world.tell(cancel("c1", "2026-01-09"))
    await world.portraying.look()
    assert world.sizes() == {"2026-01": 600, "2026-02": 2}
    assert world.tables.scans == 1


async def test_only_who_owns_partition_0_and_has_recovered_it_shows_a_summary() -> None:
    """Two workers that show the same customers make a dashboard show the sum of both."""
    world = World()
    await world.tell(signup("c", "2026-01-05"))
    world.complete.discard(0)
    await world.portraying.look()
    assert (world.tables.scans, world.portraying.exposition) == (0, b"")
    world.complete.add(0)
    world.owned.discard(0)
    await world.portraying.look()
    assert (world.tables.scans, world.portraying.exposition) == (0, b"")
    world.owned.add(0)
    await world.portraying.look()
    assert world.sizes() == {"2026-01": 1}
    world.owned.discard(0)
    await world.portraying.look()
    assert world.portraying.exposition == b""


async def test_a_worker_that_kafka_has_not_heard_from_shows_no_summary() -> None:
    """Partition 0 may be another's by then, who shows it as well."""
    world = World()
    await world.portraying.look()
    assert world.portraying.exposition != b""
    world.heartbeat_age_seconds = SESSION_SECONDS + 1
    await world.portraying.look()
    assert (world.tables.scans, world.portraying.exposition) == (1, b"")
    world.heartbeat_age_seconds = 0
    await world.portraying.look()
    assert (world.tables.scans, world.portraying.exposition != b"") == (2, True)


async def test_a_scan_takes_its_time_while_the_stream_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load of history is what the core is wanted for; afterwards the summary is."""
    world, slept, reads = World(), list[float](), itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(reads)))  # each step takes a second

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        world.behind = False

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await world.tell(*(signup(f"c{n}", "2026-01-05") for n in range(600)))
    world.behind = True
    await world.portraying.look()
    assert slept[0] == population.TIME_OVER_CPU - 1
    assert set(slept[1:]) == {3.0}
    assert world.sizes() == {"2026-01": 600}


async def test_a_partition_that_goes_away_during_the_scan_ends_it() -> None:
    """What is shown after a scan must be ours when it ends, not when it began."""
    world = World()
    await world.tell(*(signup(f"c{n}", "2026-01-05") for n in range(2_000)))
    looking = asyncio.create_task(world.portraying.look())
    while not world.tables.scans:
        await asyncio.sleep(0)
    world.owned.discard(0)
    await looking
    assert world.portraying.exposition == b""
    world.owned.add(0)
    while not world.portraying.exposition:  # at once, but for what the half scan has cost
        await world.portraying.look()
        await asyncio.sleep(0.01)
    assert world.sizes() == {"2026-01": 2_000}


async def test_the_next_look_waits_for_its_time() -> None:
    """A scan reads every customer: too many of them would take the core from the stream."""
    world = World(least_pause_seconds=3600)
    await world.portraying.look()
    await world.tell(signup("c", "2026-01-05"))
    await world.portraying.look()
    assert (world.tables.scans, world.sizes()) == (1, {})


async def test_a_redis_that_is_away_leaves_the_last_summary_with_its_time() -> None:
    """Its own timestamp says how old it is; a hole would look like a company without customers."""
    world = World(least_pause_seconds=0)
    await world.tell(signup("c", "2026-01-05"))
    await world.portraying.look()
    await world.tell(signup("d", "2026-01-05"))
    world.tables.away = True
    world.portraying._again_at = 0.0
    await world.portraying.look()
    assert (world.tables.scans, world.sizes()) == (2, {"2026-01": 1})


async def test_a_stream_at_rest_is_not_looked_at_again() -> None:
    """Nothing else would cost as much where nothing happens."""
    world = World(least_pause_seconds=0)
    await world.tell(signup("c", "2026-01-05"))
    for _ in range(3):
        world.portraying._again_at = 0.0
        await world.portraying.look()
    assert (world.tables.scans, world.sizes()) == (1, {"2026-01": 1})
    await world.tell(signup("d", "2026-01-05"))
    world.portraying._again_at = 0.0
    await world.portraying.look()
    assert (world.tables.scans, world.sizes()) == (2, {"2026-01": 2})
