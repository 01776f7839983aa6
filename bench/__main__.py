"""`python -m bench`: the reference job, its peers and its side figures, in one run; README.md says what they mean."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import machine
from bench.figures import Figures
from bench.job import Cost, everything, run_job, run_restart
from bench.peers import FAUST_TOPIC, run_peer
from bench.servers import PARTITIONS, Servers
from bench.subject import Worker, command_json
from bench.traffic import ACTIVITY, HOUR_MS, LIFECYCLE, SIXTY, Message, Mix, Traffic
from kpis.instants import instant_text

FRESH_RECORDS: Final = 1000
"""Records that a restarted worker finds."""
FAUST_RECORDS: Final = 50_000
SCRAPES: Final = 50
PEERS: Final = {"raw": "aiokafka, read", "decoded": "aiokafka, read and decode", "faust": "Faust agent with a table"}


class Run:
    """One run: `figures` fills up step by step."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.core = machine.give_way()
        # The day ends with the running hour's start, so that all counts are live ones.
        self.end_ms = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS
        self.figures = Figures(machine.description(), vars(options))

    def say(self, text: str) -> None:
        """Tell whoever waits how far it is."""
        print(text, file=sys.stderr, flush=True)

    def messages(self, mix: Mix) -> tuple[list[Message], list[Message]]:
        """Return what comes before the day and in it."""
        options = self.options
        traffic = Traffic(
            mix, events=options.events, customers=options.customers, end_ms=self.end_ms, seed=options.seed
        )
        return list(traffic.before()), list(traffic.day())

    def mix(self, mix: Mix) -> None:
        """Run the job of a mix, round by round; the peers after the lifecycle mix, on its records."""
        before, day = self.messages(mix)
        bytes_per_event = sum(len(message.value) for message in day) / len(day)
        self.say(f"{mix.name}: {len(day):,} events of {bytes_per_event:.0f} bytes after {len(before):,}")
        for number in range(self.options.rounds):
            with Servers(self.options.compression) as servers:
                servers.begin()
                with Worker(servers, core=self.core) as worker:
                    cost = run_job(servers, worker, before=before, day=day)
                    self.figures.costs.setdefault(mix.name, []).append(cost)
                    self.say(_line(f"{mix.name} {number + 1}/{self.options.rounds}", cost))
                    if mix is LIFECYCLE and number == 0:
                        self.verify(servers, worker, before, day)
                    if number == self.options.rounds - 1:
                        name = f"{len(before) + len(day):,} events, {cost.customers:,} customers"
                        self.figures.restarts[name] = run_restart(servers, worker, day[:FRESH_RECORDS])
                if mix is LIFECYCLE:
                    self.peers(servers, day, last=number == self.options.rounds - 1)

    def peers(self, servers: Servers, day: Sequence[Message], *, last: bool) -> None:
        """Run the peers on the same topics; Faust, which is slow, once and on a sample."""
        for kind in ("raw", "decoded"):
            self.figures.peers.setdefault(PEERS[kind], []).append(
                run_peer(servers, kind, core=self.core, records=len(day))
            )
        if last:
            servers.kafka.create_topics([FAUST_TOPIC], PARTITIONS)
            sent = servers.produce(message._replace(topic=FAUST_TOPIC) for message in day[:FAUST_RECORDS])
            self.figures.peers[PEERS["faust"]] = [run_peer(servers, "faust", core=self.core, records=sent)]
        for name, rounds in self.figures.peers.items():
            self.say(f"  {name}: {rounds[-1].per_million:.2f} CPU-s/M")

    def verify(self, servers: Servers, worker: Worker, before: Sequence[Message], day: Sequence[Message]) -> None:
        """Compare what the worker counted with a replay of the same events."""
        if not self.options.verify:
            return
        file = Path(servers.folder / "events.ndjson")
        file.write_bytes(everything(before, day))
        at = ("--at", instant_text(self.end_ms), "--by", "plan", "--by", "country", "--by", "channel")
        self.figures.agrees = command_json(worker, "kpi", *at) == command_json(worker, "replay", str(file), *at)
        self.say(f"  kpi and replay agree: {self.figures.agrees}")

    def large(self) -> None:
        """Run the job with ten times the customers and sixty segments; time scrapes and a restart there."""
        options = self.options
        traffic = Traffic(
            ACTIVITY, events=options.events // 5, customers=10 * options.customers, end_ms=self.end_ms, segments=SIXTY
        )
        with Servers(options.compression) as servers:
            servers.begin()
            with Worker(servers, core=self.core) as worker:
                cost = run_job(servers, worker, before=list(traffic.before()), day=(day := list(traffic.day())))
                self.say(_line("large", cost))
                self.figures.large = cost
                self.figures.scrape_bytes = len(worker.scrape())
                self.figures.scrape_segments = sum(len(values) for values in SIXTY)
                self.figures.scrape_seconds = [worker.scrape_seconds() for _ in range(SCRAPES)]
                name = f"{10 * options.customers + len(day):,} events, {cost.customers:,} customers"
                self.figures.restarts[name] = run_restart(servers, worker, day[:FRESH_RECORDS])


def _line(name: str, cost: Cost) -> str:
    return (
        f"{name}: worker {cost.worker_per_million:.2f} and Redis {cost.redis_per_million:.2f} CPU-s/M, "
        f"{cost.events_per_second:,.0f} events/s, start-up {cost.startup_seconds:.2f} CPU-s"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events of the measured day (default: 1000000)")
    parser.add_argument("--customers", type=int, default=100_000, help="customers (default: 100000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each mix; medians are shown (default: 3)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: 1)")
    parser.add_argument(
        "--compression", default="lz4", choices=["none", "gzip", "lz4", "zstd"], help="of the records (default: lz4)"
    )
    parser.add_argument("--quick", action="store_true", help="one round of a tenth: a first look, not a figure")
    parser.add_argument("--verify", action="store_true", help="compare `tenure kpi` with `tenure replay` of the events")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.events, options.customers = 1, options.events // 10, options.customers // 10
    return options


def main() -> None:
    """Measure, and print what was measured; exit status 1 where a target was missed."""
    options = _options()
    run = Run(options)
    run.mix(LIFECYCLE)
    run.mix(ACTIVITY)
    run.large()
    print(json.dumps(run.figures.as_json(), indent=1) if options.json else run.figures.table())
    run.say("beside Kafka Streams, Flink and Bytewax: make rivals")
    missed = run.figures.missed()
    for text in missed:
        run.say(f"missed: {text}")
    sys.exit(1 if missed and not options.quick else 0)


if __name__ == "__main__":
    main()
