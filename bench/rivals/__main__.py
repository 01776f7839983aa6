"""`python -m bench.rivals`: the worker beside Kafka Streams, Flink and Bytewax on the same records, all on one core.

docs/benchmarks.md says what the figures mean; tools/install-rivals brings the rivals. One that is absent is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any, Final

from bench import machine
from bench.job import run_job
from bench.rivals import counts
from bench.rivals.figures import Figures, Outcome
from bench.rivals.processes import RIVALS, TOPIC, Rival, RivalError, java_version, run_rival
from bench.rivals.rules import COUNTERS, Cells, netted_totals, recount, totals_of
from bench.servers import Servers
from bench.subject import Worker, command_json
from bench.traffic import HOUR_MS, LIFECYCLE, Traffic
from kpis.instants import instant_text

DAYS: Final = 90
OURS: Final = "Tenure"
WINDOW: Final = f"{DAYS}d"


class Run:
    """One run: `figures` fills up rival by rival."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.core = machine.give_way()
        self.rivals = [rival for rival in RIVALS if self._is_there(rival)]
        self.end_ms = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS
        traffic = Traffic(
            LIFECYCLE, events=options.events, customers=options.customers, end_ms=self.end_ms, seed=options.seed,
            days=DAYS, orderly=True,
        )  # fmt: skip
        self.records = [message._replace(topic=TOPIC) for message in traffic.day()]
        self.expected = recount(message.value for message in self.records)
        self.expected_totals = netted_totals(message.value for message in self.records)
        versions = {OURS: "this tree", **{rival.name: rival.version for rival in self.rivals}}
        self.report: dict[str, Any] = {}
        self.figures = Figures(f"{java_version()}, {machine.description()}", vars(options), versions)

    def _is_there(self, rival: Rival) -> bool:
        if not rival.installed:
            _say(f"{rival.name} is absent: tools/install-rivals brings it")
        return rival.installed

    def round(self) -> None:
        """Produce the records once, and let each count them."""
        self.figures.loads.append(os.getloadavg()[0])
        with Servers("lz4", partitions=1) as servers:
            servers.begin()
            self._ours(servers)
            for rival in self.rivals:
                try:
                    outcome, cells = run_rival(servers, rival, core=self.core, records=len(self.records))
                except RivalError as error:
                    self.figures.differing.setdefault(rival.name, []).append(str(error))
                    _say(str(error))
                else:
                    self._take(rival.name, outcome, self._differing(rival, cells))

    def _ours(self, servers: Servers) -> None:
        with Worker(servers, core=self.core) as worker:
            cost = run_job(servers, worker, before=[], day=self.records)
            report = command_json(worker, "kpi", "--at", instant_text(self.end_ms))[0]
        outcome = Outcome(
            cost.events, cost.worker_seconds, cost.wall_seconds, cost.startup_seconds, cost.peak_memory_bytes,
            cost.kafka_seconds, cost.redis_seconds, cost.redis_memory_bytes,
        )  # fmt: skip
        self.report = report
        counted = totals_of(report, WINDOW)
        differing = [
            f"{name} {ours} instead of {right}"
            for name, ours, right in zip(COUNTERS, counted, self.expected_totals, strict=True)
            if ours != right
        ]
        self._take(OURS, outcome, differing)

    def _differing(self, rival: Rival, cells: Cells) -> list[str]:
        if not rival.all_counts:
            return _differing(cells, self.expected)
        hours = {int(hour): values for hour, values in cells.items()}
        return counts.differing(self.report, counts.windows_of(hours, self.end_ms // HOUR_MS))

    def _take(self, name: str, outcome: Outcome, differing: list[str]) -> None:
        if outcome.events != len(self.records):
            differing = [f"{outcome.events:,} events instead of {len(self.records):,}", *differing]
        self.figures.outcomes.setdefault(name, []).append(outcome)
        if differing:
            self.figures.differing.setdefault(name, []).extend(differing)
        right = f"DIFFERS: {'; '.join(differing[:3])}" if differing else "equals the recount"
        _say(f"{name}: {outcome.per_million:.2f} CPU-s/M in {outcome.wall_seconds:.1f} s; {right}")


def _differing(cells: Cells, expected: Cells) -> list[str]:
    keys = sorted(cells.keys() | expected.keys())
    return [
        f"{key}: {cells.get(key)} instead of {expected.get(key)}" for key in keys if cells.get(key) != expected.get(key)
    ]


def _say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, and print what was measured; exit status 1 where somebody counted wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.rivals", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the 90 days (default: 1000000)")
    parser.add_argument("--customers", type=int, default=100_000, help="customers (default: 100000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; medians are shown (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    run = Run(options)
    for number in range(options.rounds):
        _say(f"round {number + 1} of {options.rounds}")
        run.round()
    print(json.dumps(run.figures.as_json(), indent=1) if options.json else run.figures.text())
    sys.exit(1 if run.figures.differing else 0)


if __name__ == "__main__":
    main()
