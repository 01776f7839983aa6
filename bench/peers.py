"""Peers that the product is compared with, a process each: `python -m bench.peers KIND BOOTSTRAP RECORDS`.

`raw` reads the reference job's topics with aiokafka; `decoded` decodes each record with msgspec too; `faust` counts
events by customer in a plain Faust agent with a table, record by record, as Faust's documentation shows it. Each prints
its CPU and wall time as JSON, measured from the first record to the last.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Union

import faust
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.servers import PARTITIONS, TOPICS, Servers
from schemas.events import EVENT_TYPES

FAUST_TOPIC: Final = "bench.faust"
_READ_RECORDS: Final = 5000
_READ_TIMEOUT_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Peer:
    """Cost of a peer for `events` events (seconds of CPU, seconds of wall time)."""

    events: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def per_million(self) -> float:
        """CPU-seconds per million events."""
        return self.cpu_seconds / self.events * 1_000_000

    @property
    def events_per_second(self) -> float:
        """Events a second of wall time."""
        return self.events / self.wall_seconds


def run_peer(servers: Servers, kind: str, *, core: int, records: int) -> Peer:
    """Run a peer on the measured core until it has read so many records."""
    command = [sys.executable, "-m", "bench.peers", kind, servers.kafka.bootstrap, str(records)]
    done = subprocess.run(["taskset", "--cpu-list", str(core), *command], check=True, capture_output=True, timeout=600)
    return Peer(**json.loads(done.stdout.splitlines()[-1]))


class _Meter:
    """CPU of this process and wall time, from the first record on."""

    def __init__(self) -> None:
        self.events = 0
        self._cpu_seconds = self._began = 0.0

    def begin(self) -> None:
        self._cpu_seconds, self._began = _own_cpu_seconds(), time.perf_counter()

    def end(self) -> None:
        """Print what was measured."""
        cpu, wall = _own_cpu_seconds() - self._cpu_seconds, time.perf_counter() - self._began
        print(json.dumps({"events": self.events, "cpu_seconds": cpu, "wall_seconds": wall}), flush=True)


def _own_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _read(bootstrap: str, records: int, *, decode: bool) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    read = msgspec.json.Decoder[Any](Union[EVENT_TYPES]).decode  # noqa: UP007 - built at run time
    meter = _Meter()
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)])
        meter.begin()
        while meter.events < records:
            found = await consumer.getmany(timeout_ms=_READ_TIMEOUT_MS, max_records=_READ_RECORDS)
            for batch in found.values():
                meter.events += len(batch)
                if decode:
                    for record in batch:
                        read(record.value)
        meter.end()
    finally:
        await consumer.stop()


def _count_with_faust(bootstrap: str, records: int) -> None:
    class Event(faust.Record, serializer="json"):  # type: ignore[misc, call-arg]  # mypy does not follow Faust
        id: str
        type: str
        customer_id: str
        time: str

    folder = Path(tempfile.mkdtemp(prefix="bench-faust-"))
    app = faust.App(
        "bench-faust", broker=f"kafka://{bootstrap}", datadir=str(folder), store="memory://", web_enabled=False,
        topic_partitions=PARTITIONS, consumer_auto_offset_reset="earliest",
    )  # fmt: skip
    counts = app.Table("counts", default=int, partitions=PARTITIONS)
    meter = _Meter()

    @app.agent(app.topic(FAUST_TOPIC, value_type=Event))  # type: ignore[untyped-decorator]
    async def count(events: faust.StreamT[Event]) -> None:
        async for event in events:
            if not meter.events:
                meter.begin()
            counts[event.customer_id] += 1
            meter.events += 1
            if meter.events == records:
                meter.end()
                done.set()

    async def run() -> None:
        await app.start()
        await done.wait()
        await app.stop()

    done = asyncio.Event()
    asyncio.run(run())


def main() -> None:
    """Run the peer that the arguments name."""
    kind, bootstrap, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == "faust":
        _count_with_faust(bootstrap, records)
    else:
        asyncio.run(_read(bootstrap, records, decode=kind == "decoded"))


if __name__ == "__main__":
    main()
