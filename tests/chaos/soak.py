"""`make soak`: hours of events at half the rate of `make chaos`, a kill a minute, and memory that stays flat.

One worker is never killed: its memory is looked at. Customers come again and again, and new ones come: states and
counts grow in Redis, and not in a worker, once its cache is full.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Final

from services.installation import WorkerProcess, until
from services.process import NotReadyError
from tests.chaos.scene import Scene

CACHED_CUSTOMERS: Final = 2_000
#: A worker has loaded and grown what it needs after this share of a run.
SETTLED_SHARE: Final = 0.4
GROWTH_MOST: Final = 1.25
_MIB: Final = 1024 * 1024


def memory_bytes(worker: WorkerProcess) -> int:
    """Return what a worker's process holds in memory (bytes)."""
    pages = int(Path(f"/proc/{worker.process.pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def kill_one(scene: Scene, random: Random) -> str:
    """Kill a worker, not the first, or Redis, and have it back; return who it was."""
    number = random.randrange(1, len(scene.workers) + 1)
    if number < len(scene.workers):
        scene.workers[number].process.kill()
        scene.workers[number].process.start()
        return f"worker {number}"
    group = random.choice(scene.stores.groups)
    scene.stores.primary(group).restart()
    return "Redis"


def soak(scene: Scene, *, minutes: float, every_seconds: float) -> list[int]:
    """Kill somebody every so often until the time is over; return the first worker's memory over time (bytes)."""
    random, sizes = Random(scene.seed), list[int]()
    ends = time.monotonic() + 60 * minutes
    kill_at = time.monotonic() + every_seconds
    while time.monotonic() < ends:
        time.sleep(1.0)
        sizes.append(memory_bytes(scene.workers[0]))
        if time.monotonic() >= kill_at:
            who = kill_one(scene, random)
            began = time.monotonic()
            scene.until_recovered()
            print(
                f"{who} killed; recovered after {time.monotonic() - began:.1f} s; {sizes[-1] / _MIB:.0f} MiB, "
                f"{scene.sender.count:,} records",
                flush=True,
            )
            kill_at += every_seconds
    return sizes


def growth_of(sizes: list[int]) -> float:
    """Return how much memory grew from the middle of a run to its end, as a factor of medians."""
    settled = sizes[int(len(sizes) * SETTLED_SHARE) :]
    third = max(len(settled) // 3, 1)
    return statistics.median(settled[-third:]) / statistics.median(settled[:third])


def main() -> int:
    """Run it; 1 where a number is another one, or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0, help="how long (%(default)s)")
    parser.add_argument("--rate", type=int, default=2_500, help="events a second (%(default)s)")
    parser.add_argument("--every", type=float, default=60.0, help="seconds between kills (%(default)s)")
    parser.add_argument("--redis", choices=("alone", "sentinel", "cluster"), default="cluster")
    parser.add_argument("--seed", type=int, default=20_261_130, help="of all chance (%(default)s)")
    asked = parser.parse_args()
    print(f"seed {asked.seed}: {asked.minutes:g} minutes, {asked.rate} events/s", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        Scene(
            Path(folder),
            kind=asked.redis,
            seed=asked.seed,
            rate=asked.rate,
            settings={"TENURE_STATE_CACHE_CUSTOMERS": str(CACHED_CUSTOMERS)},
        ) as scene,
    ):
        try:
            sizes = soak(scene, minutes=asked.minutes, every_seconds=asked.every)
            until(scene.is_owned, "an owner for each partition", seconds=120)
            records, a_second = scene.check()
        except (NotReadyError, AssertionError):
            print(*scene.state(), sep="\n", file=sys.stderr)
            raise
    growth = growth_of(sizes)
    print(f"exact: {records:,} records, {a_second:,.0f} a second; memory at the end {growth:.2f} of that in the middle")
    return 0 if growth <= GROWTH_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
