"""`python -m bench.hostile`: what producers cost that name everything anew, or one customer who does everything.

Each case runs through the agents on the embedded log into a Redis of its own, in a process of its own, beside the same
events with few names. Not a benchmark of speed: it shows what is bounded. Its figures: bench/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from bench import machine
from bench.embedded import embedded_stream
from streams.redis.tables import RedisTables
from streams.settings.settings import Settings
from streams.tables import decode_head
from streams.tasks import cancel_and_wait
from tenure.files.reader import FileRecord
from tenure.worker.composition import Worker

PREFIX: Final = "hostile"
PARTITIONS: Final = 4
#: Of the one customer.
FACTS: Final = 100_000
CUSTOMERS: Final = 50_000
_MIB: Final = 1024 * 1024
Members = dict[str, object]


def _signups(count: int) -> Iterator[Members]:
    for number in range(min(CUSTOMERS, count)):
        yield {"type": "signup", "id": f"s{number}", "customer_id": f"c{number}", "plan": "pro", "mrr_minor": 4900}


def _events(count: int, event: Callable[[int], Members]) -> Iterator[Members]:
    """Yield signups, and then events of their customers in turn."""
    yield from _signups(count)
    for number in range(count):
        yield {"id": f"e{number}", "customer_id": f"c{number % min(CUSTOMERS, count)}", **event(number)}


def _of_one(count: int) -> Iterator[Members]:
    """Yield the life of one customer, who changes the plan again and again."""
    yield {"type": "signup", "id": "s", "customer_id": "c", "plan": "pro", "mrr_minor": 1}
    for number in range(count):
        yield {"type": "upgrade", "id": f"e{number}", "customer_id": "c", "plan": "pro", "mrr_minor": 1 + number % 7}


CASES: Final[dict[str, Callable[[int], Iterator[Members]]]] = {
    "few names": lambda count: _events(count, lambda n: {"type": "upgrade", "plan": f"p{n % 5}", "mrr_minor": 1900}),
    "plans": lambda count: _events(count, lambda n: {"type": "upgrade", "plan": f"plan {n}", "mrr_minor": 1900}),
    "reasons": lambda count: _events(count, lambda n: {"type": "cancel", "reason": f"reason_{n}"}),
    "features": lambda count: _events(count, lambda n: {"type": "activity", "feature": f"feature_{n}"}),
    "sources": lambda count: _events(count, lambda n: {"type": "renewal", "outcome": "renewed", "source": f"s{n}"}),
    "one customer": lambda count: _of_one(min(count, FACTS)),
    "one customer, all facts kept": lambda count: _of_one(min(count, FACTS)),
}
"""Producers, by what they make up."""


def records(case: str, count: int) -> Iterator[FileRecord]:
    """Yield the records of a case; the events of a customer are in the order of their times."""
    members = CASES[case](count)
    start = 1_704_067_200  # 2024-01-01
    for number, event in enumerate(members, 1):
        text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + number * 8))
        yield FileRecord(number, json.dumps({**event, "time": text}, separators=(",", ":")).encode())


async def measure(case: str, count: int) -> list[Any]:
    """Return events, what became of them, CPU-seconds, and memory of the worker and of Redis (bytes)."""
    settings = Settings(max_facts_per_customer=1_000_000) if case.endswith("kept") else Settings()
    async with embedded_stream(PREFIX, partitions=PARTITIONS) as stream:
        async with stream.worker(settings) as worker:
            agreeing = asyncio.create_task(_agree_on_feeds(worker, stream.tables))
            await stream.apply(worker, records(case, count), settings)
            found = [await stream.tables.read_head(number) for number in range(PARTITIONS)]
            refused = sum(sum(decode_head(head).dead_letters.values()) for head in found if head)
            await cancel_and_wait([agreeing])
        used = (await stream.client.info("memory"))["used_memory"]
    return [
        sum(1 for _ in CASES[case](count)),
        refused,
        os.times().user + os.times().system,
        machine.peak_memory_bytes(os.getpid()),
        used,
    ]


async def _agree_on_feeds(worker: Worker, tables: RedisTables) -> None:
    """Agree on names of feeds every second, as a worker with metrics does: until then every source waits."""
    while True:
        await worker.stream.feeds.agree(tables, worker.stream.partitions, partitions=PARTITIONS)
        worker.stream.feeds.taken(time.monotonic())
        await asyncio.sleep(1.0)


def main() -> None:
    """Measure each case in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="of each case (%(default)s)")
    parser.add_argument("--case", choices=CASES, help="one of them, in this process")
    options = parser.parse_args()
    if options.case:
        events, refused, seconds, memory, stored = asyncio.run(measure(options.case, options.events))
        print(
            f"| {options.case} | {events:,} | {refused:,} | {seconds:.0f} | {seconds * 1e6 / events:.0f} | "
            f"{memory / _MIB:.0f} | {stored / _MIB:.0f} |"
        )
        return
    print("| new in each event | events | refused | CPU-s | a million | worker, MiB | Redis, MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for case in CASES:
        command = [sys.executable, "-m", "bench.hostile", "--events", str(options.events), "--case", case]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
