"""Two streams over the same topics with other partition counts, as when tables are built anew for more partitions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from schemas.decoding import rules
from schemas.documents.document import plain
from schemas.instants import milliseconds
from schemas.refusals import HEADER_FORWARDED
from streams.embedded.log import Log
from streams.embedded.tables import MemoryTables
from streams.embedded.transport import CLUSTERS, Cluster
from streams.partition.added import partitions_in_use
from streams.records import TP
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.stored.mark import claim_tables
from tenure.stored.reading import report_of
from tenure.worker.composition import Worker, build_worker
from tests.recount.report import recount
from tests.recount.short_events import cancel, signup

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
THERE: Final = 4
"""Partitions that the topics have."""


def settings_of(name: str) -> Settings:
    """Return the settings of a stream."""
    return Settings(group=name, redis_prefix=name)


class Side:
    """One stream: a worker and its tables."""

    def __init__(self, name: str, counted_with: int, cluster: str) -> None:
        self.settings, self.tables, self.counted_with, self._cluster = (
            settings_of(name),
            MemoryTables(),
            counted_with,
            cluster,
        )
        self.mark: StreamMark | None = None

    async def start(self) -> None:
        """Begin with as many partitions as there were at its first start."""
        await claim_tables(self.settings, self.tables, partitions=self.counted_with)
        self.mark = await claim_tables(self.settings, self.tables, partitions=THERE)
        assert self.mark.partitions == self.counted_with
        self.worker: Worker = build_worker(
            self.settings,
            broker=f"embedded://{self._cluster}",
            tables=self.tables,
            partitions=self.mark.partitions,
            stream_id=self.mark.id,
            latest_ms=rules.LATEST_MS,
        )
        await self.worker.app.start()

    async def report(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what it counts, and its counts of events."""
        assert self.mark is not None
        partitions = await partitions_in_use(self.tables, self.mark)
        (found,) = plain(await report_of(self.settings, self.tables, partitions=partitions, at_ms=[milliseconds(NOW)]))
        return found, found.pop("events")

    def forwarded(self) -> int:
        """Return how many records it has forwarded."""
        return sum(partition.head.forwarded for partition in self.worker.stream.partitions.values())


@asynccontextmanager
async def running(log: Log, *sides: Side) -> AsyncIterator[None]:
    """Run workers until they have applied all that is in the log."""
    for side in sides:
        await side.start()
    try:
        while not all(len(side.worker.stream.partitions) == THERE for side in sides) or any(
            side.worker.lag_records() for side in sides
        ):
            assert sum(len_of(log, topic) for topic in sides[0].settings.input_topics) < 10_000, "it never ends"
            await asyncio.sleep(0.002)
        yield
    finally:
        for side in sides:
            await side.worker.app.stop()
            await side.worker.stream.close()


def len_of(log: Log, topic: str) -> int:
    """Return how many records a topic has."""
    return sum(log.partition(TP(topic, number)).end for number in range(log.partitions(topic)))


async def test_streams_with_other_partition_counts_count_the_same_and_come_to_rest() -> None:
    """Each sends home what the other has sent home: in circles for ever, if neither knew its own copies."""
    random, log = Random(5), Log(THERE)
    CLUSTERS["side-by-side"] = Cluster(log, now_ms=lambda: 0)
    events = [signup(f"c{n}", f"2025-{1 + n % 12:02}-03", mrr_minor=n) for n in range(60)]
    events += [cancel(f"c{n}", "2025-12-24") for n in range(0, 60, 3)]
    values = [json.dumps(event).encode() for event in events]
    values += [json.dumps(signup(f"t{n}", "2025-03-03", test=True)).encode() for n in range(8)] + [b"bad"] * 8
    topics = settings_of("old").input_topics
    for topic in topics:
        log.create_topic(topic)
    for value in values:
        headers = random.choice(
            [(), ((HEADER_FORWARDED, b"x"),), ((HEADER_FORWARDED, b"a/0/1"), (HEADER_FORWARDED, b""))]
        )
        log.append(
            random.choice(topics), b"k", value, timestamp_ms=0, partition=random.randrange(THERE), headers=headers
        )
    old, new = Side("old", 2, "side-by-side"), Side("new", THERE, "side-by-side")
    expected = recount(values, at=[NOW])[0]
    due: Any = expected.pop("events")
    async with running(log, old, new):
        written = sum(len_of(log, topic) for topic in topics)
        assert written <= 4 * len(values)
        for side in (old, new):
            found, fates = await side.report()
            assert found == expected
            assert fates["dead_letters"] == due["dead_letters"]
            assert (fates["test"], fates["applied"]) == (8, len(events))
            kept = sum(fates[fate] for fate in ("applied", "duplicate", "test")) + 8
            assert kept == written - side.forwarded()
    del CLUSTERS["side-by-side"]


async def test_partitions_that_topics_got_later_are_in_the_report() -> None:
    """Dead letters and tests that lie there are in no other head; readers must know of it."""
    log = Log(THERE)
    CLUSTERS["grown"] = Cluster(log, now_ms=lambda: 0)
    side = Side("grown", 2, "grown")
    for topic in side.settings.input_topics:
        log.create_topic(topic)
    for number in range(THERE):
        for value in (b"bad", json.dumps(signup("t", "2025-03-03", test=True)).encode()):
            log.append(side.settings.topics["events"], b"k", value, timestamp_ms=0, partition=number)
        value = json.dumps(signup(f"c{number}", "2025-03-03")).encode()
        log.append(side.settings.topics["signup"], b"k", value, timestamp_ms=0, partition=number)
    async with running(log, side):
        _, fates = await side.report()
        assert (fates["applied"], fates["test"]) == (THERE, THERE)
        assert side.worker.stream.partitions_there() == THERE
        assert fates["dead_letters"]["malformed_json"] == THERE
    del CLUSTERS["grown"]
