"""`python -m bench.page`: how long it takes from an event to the page, and from its revocation to the page's end.

A worker with shipped settings, real Kafka, Redis, Prometheus, Alertmanager; the shipped rules and configuration with
the durations that `services.paging` shortens. What that is with the shipped durations is computed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, Self

from confluent_kafka import Producer

from bench import machine
from services.installation import Installation, until
from services.kafka import Kafka
from services.paging import FACTOR, INTERVAL_SECONDS, Paging, shipped_page
from services.process import Process
from services.redis import Redis
from services.subscribers import Event, Subscribers, records, taken_back

LEAVING: Final = 60
ALERT: Final = "ChurnSpike"
#: Of an interval, on average: until the next scrape, until the KPIs are evaluated, until the alerts' group is.
LOOKS: Final = 1.5
MOST_LOOKS: Final = 3.0


class Bench:
    """All parts, and a company whose customers leave and come back; use it in a `with` statement."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._chance = random.Random(1)

    def __enter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="bench-")))
        for name in ("kafka", "redis"):
            (self.folder / name).mkdir()
        kafka, redis = Kafka(self.folder / "kafka"), Redis(self.folder / "redis")
        for server in (kafka, redis):
            self._stack.callback(server.kill)
            server.start()
        self.installation = Installation(kafka, redis, "bench.", self._start, self.folder)
        del self.installation.environment["TENURE_METRICS_REFRESH_SECONDS"]
        self.installation.create_topics()
        worker = self.installation.worker()
        self.company = Subscribers(_now())
        self.installation.publish(self.installation.file_of(self.company.past()))
        worker.process.wait_until(self.installation.is_applied, seconds=60.0, what="the past is applied")
        until(lambda: worker.total("tenure_customers_active", dimension="all") > 0, "counts")
        self.paging = self._stack.enter_context(Paging(self.folder / "paging", worker.port))
        until(lambda: self.paging.value("stream:churn_spike:zscore") is not None, "a score")
        self._producer = Producer(
            {"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random", "log_level": 0}
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def round(self, number: int) -> tuple[float, float]:
        """Return the time from the events to the page, and from their revocation to the page's end (seconds)."""
        time.sleep(self._chance.uniform(0, INTERVAL_SECONDS))  # or each round began with the same look of Prometheus
        gone = self.company.leave(LEAVING, _now())
        published = self._send(gone)
        paged = self.paging.next_page(ALERT, seen=number, seconds=60.0).received_at_seconds
        revoked = self._send(taken_back(gone, _now()))
        over = self.paging.next_page(ALERT, "resolved", seen=number, seconds=60.0).received_at_seconds
        until(lambda: self.paging.alerts('area="kpi"') == [], "quiet")
        # It remembers the group for half a minute, and then waits by group_interval instead of group_wait.
        self.paging.alertmanager.process.kill()
        self.paging.alertmanager.start()
        return paged - published, over - revoked

    def _send(self, events: Sequence[Event]) -> float:
        began = time.monotonic()
        for event, record in zip(events, records(events), strict=True):
            self._producer.produce(self.installation.topics["cancel"], record, event["customer_id"].encode())
        assert self._producer.flush(30) == 0, "Kafka did not take all records"
        return began

    def _start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
        process = Process(command, log=self.folder / "worker.log", environment=environment)
        self._stack.callback(process.kill)
        process.start()
        return process


def computed(seconds: float, waits: Mapping[str, float], looks: float) -> float:
    """Return what a time would be with the shipped durations (seconds).

    Args:
        seconds: As measured.
        waits: Which of the shipped durations it holds, and what share of each.
        looks: Intervals of Prometheus that it holds.
    """
    shipped = shipped_page()
    factors = {"group_wait": INTERVAL_SECONDS / shipped["evaluation_interval"]}
    longer = sum(share * shipped[name] * (1 - factors.get(name, FACTOR)) for name, share in waits.items())
    return seconds + longer + looks * (shipped["scrape_interval"] - INTERVAL_SECONDS)


def figures(paged: Sequence[float], over: Sequence[float]) -> dict[str, float | list[float]]:
    """Return all that was found, in seconds."""
    page = {"for": 1.0, "group_wait": 1.0}
    end = {"keep_firing_for": 1.0, "group_interval": 0.5}
    latest = {"keep_firing_for": 1.0, "group_interval": 1.0}
    return {
        "event_to_page": [round(seconds, 2) for seconds in paged],
        "revocation_to_end": [round(seconds, 2) for seconds in over],
        "event_to_page_median": round(median(paged), 2),
        "revocation_to_end_median": round(median(over), 2),
        "event_to_page_shipped": round(computed(median(paged), page, LOOKS)),
        "event_to_page_shipped_most": round(computed(max(paged), page, MOST_LOOKS)),
        "revocation_to_end_shipped": round(computed(median(over), end, LOOKS)),
        "revocation_to_end_shipped_most": round(computed(max(over), latest, MOST_LOOKS)),
    }


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _table(found: Mapping[str, float | list[float]]) -> str:
    lines = [f"{machine.description()}; intervals of {INTERVAL_SECONDS} s, durations times 1/{1 / FACTOR:.0f}", ""]
    for name, what in (("event_to_page", "event to page"), ("revocation_to_end", "revocation to the page's end")):
        rounds = found[name]
        assert isinstance(rounds, list)
        shipped, most = found[f"{name}_shipped"], found[f"{name}_shipped_most"]
        lines.append(
            f"{what}: median {found[f'{name}_median']} s of {len(rounds)} ({min(rounds)} to {max(rounds)});"
            f" with shipped durations {shipped} s, at most about {most} s"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=8, choices=range(1, 9), help="spikes and their ends, 1 to 8 (default: 8)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    options = parser.parse_args()
    times = []
    with Bench() as bench:
        for number in range(options.rounds):
            times.append(bench.round(number))
            print(
                f"round {number + 1}: page {times[-1][0]:.2f} s, end {times[-1][1]:.2f} s", file=sys.stderr, flush=True
            )
    found = figures(*zip(*times, strict=True))
    print(json.dumps(found, indent=1) if options.json else _table(found))


if __name__ == "__main__":
    main()
