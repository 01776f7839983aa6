"""`make chaos`: a hundred faults on real servers under events, exact in the end, with the recovery time of each."""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from services.process import NotReadyError
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.redis_faults import FAULTS_OF_REDIS
from tests.chaos.scene import Scene
from tests.chaos.stores import KINDS

PAUSE_SECONDS: Final = 1.0


class Recovered(NamedTuple):
    """A fault that is over: how long it was, and how long all took to be as if it had not been (seconds)."""

    name: str
    broken_seconds: float
    recovery_seconds: float


def schedule(seed: int, count: int, kind: str) -> list[Fault]:
    """Return the faults of a run, in order: each kind of fault once, before any of them comes again."""
    random, chosen = Random(seed), list[Fault]()
    possible = [fault for fault in (*FAULTS, *FAULTS_OF_REDIS) if kind in fault.kinds]
    while len(chosen) < count:
        again = [fault for fault in possible if chosen.count(fault) < fault.times]
        chosen += random.sample(again, len(again))
    return chosen[:count]


def run(scene: Scene, faults: list[Fault], *, minutes: float = math.inf) -> list[Recovered]:
    """Break and mend one thing after another, and print each; those are left out that begin after some minutes."""
    done = []
    ends = time.monotonic() + 60 * minutes
    for number, fault in enumerate(faults, 1):
        if time.monotonic() > ends:
            break
        time.sleep(PAUSE_SECONDS)
        breaking, began = fault.breaking(scene), time.monotonic()
        what = next(breaking)
        time.sleep(fault.seconds)
        next(breaking, None)
        mended = time.monotonic()
        scene.until_recovered()
        recovered = Recovered(fault.name, mended - began, time.monotonic() - mended)
        done.append(recovered)
        print(
            f"{number:4}  {fault.name}: {what}; broken for {recovered.broken_seconds:.1f} s, "
            f"recovered after {recovered.recovery_seconds:.1f} s",
            flush=True,
        )
    return done


def table(done: list[Recovered]) -> str:
    """Return what each kind of fault took to recover from, as lines of a table in Markdown."""
    by_name: dict[str, list[Recovered]] = defaultdict(list)
    for recovered in done:
        by_name[recovered.name].append(recovered)
    lines = ["| fault | times | broken (s) | recovered after (s) | at most |", "| --- | --- | --- | --- | --- |"]
    for name, found in by_name.items():
        broken = statistics.median(each.broken_seconds for each in found)
        times = [each.recovery_seconds for each in found]
        lines.append(f"| {name} | {len(found)} | {broken:.1f} | {statistics.median(times):.1f} | {max(times):.1f} |")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description=__doc__)
    parser.add_argument("--redis", choices=KINDS, default="cluster", help="the kind of Redis (%(default)s)")
    parser.add_argument("--faults", type=int, default=100, help="how many (%(default)s)")
    parser.add_argument("--rate", type=int, default=5_000, help="events a second (%(default)s)")
    parser.add_argument("--seed", type=int, default=20_261_130, help="of the schedule and the events (%(default)s)")
    parser.add_argument("--minutes", type=float, default=math.inf, help="no fault begins later; without it all do")
    parser.add_argument("--only", default="", help="only faults whose name has these words")
    return parser.parse_args()


def main() -> int:
    """Run it; 1 where a number is another one, or something did not recover."""
    asked = arguments()
    faults = schedule(asked.seed, asked.faults, asked.redis)
    if asked.only:
        faults = [fault for fault in (*FAULTS, *FAULTS_OF_REDIS) if asked.only in fault.name] * asked.faults
    print(f"seed {asked.seed}: {len(faults)} faults, Redis {asked.redis}, {asked.rate} events/s", flush=True)
    for number, fault in enumerate(faults, 1):
        print(f"{number:4}  {fault.name}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        Scene(Path(folder), kind=asked.redis, seed=asked.seed, rate=asked.rate) as scene,
    ):
        try:
            done = run(scene, faults, minutes=asked.minutes)
            records, a_second = scene.check()
        except (NotReadyError, AssertionError):
            print(*scene.state(), sep="\n", file=sys.stderr)
            raise
    print(f"\n{table(done)}\n\nexact: {records:,} records, {a_second:,.0f} a second, {len(done)} faults")
    return 0


if __name__ == "__main__":
    sys.exit(main())
