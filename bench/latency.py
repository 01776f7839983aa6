"""`python -m bench.latency`: the time from an event to its number at /metrics, and the worker's CPU, at given rates.

One worker with shipped settings on a core of its own, real Kafka and Redis. Customers cancel one after another at a
steady rate, and each moves the cancellations of the last day by one. The CPU is taken in a run of its own, in which
/metrics is read as seldom as Prometheus would.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from confluent_kafka import Producer

from bench import machine
from bench.servers import Servers
from bench.subject import Worker
from bench.traffic import Message
from kpis.instants import instant_text
from schemas.instants import DAY_MS
from schemas.topics import DEFAULT_TOPIC_OF_TYPE

RATES: Final = (0, 100, 1_000, 10_000)
SHOWN: Final = re.compile(rb'^tenure_cancellations\{window="1d",dimension="all",value=""\} (\d+)$', re.MULTILINE)
#: Of a run, the part that is left out: connections are made, and caches filled.
WARMING: Final = 0.1
LOOK_SECONDS: Final = 0.004
PATIENCE_SECONDS: Final = 30.0
SENDER_PAUSE_SECONDS: Final = 0.002


class Bench:
    """A stream with one worker, and customers who have not left yet."""

    def __init__(self, servers: Servers, worker: Worker, options: argparse.Namespace) -> None:
        self.servers, self.worker, self.options = servers, worker, options
        self._left = self._signed_up = 0
        self._producer = Producer(
            {"bootstrap.servers": servers.kafka.bootstrap, "partitioner": "murmur2_random", "linger.ms": 1}
        )

    def sign_up(self, customers: int) -> None:
        """Let customers sign up two days ago, and wait until the worker has applied them."""
        at_ms = time.time_ns() // 1_000_000 - 2 * DAY_MS
        first, self._signed_up = self._signed_up, self._signed_up + customers
        self.servers.produce(_signup(number, at_ms) for number in range(first, self._signed_up))
        self._wait_applied()

    def latencies(self, rate: int) -> dict[str, Any]:
        """Return how long events take until they are committed, and until /metrics shows them (ms)."""
        events = int(rate * self.options.seconds)
        sent: list[float] = []
        committed, shown = self.servers.applied(), self._shown()
        with ThreadPoolExecutor(3) as pool:
            sending = pool.submit(self._send, rate, events, sent)
            stored = pool.submit(
                _arrivals, lambda: self.servers.applied() - committed, sent, events, pause=LOOK_SECONDS
            )
            seen = pool.submit(_arrivals, lambda: self._shown() - shown, sent, events, pause=self.options.poll)
            sending.result()
            return {"committed_ms": percentiles(stored.result()), "shown_ms": percentiles(seen.result())}

    def cpu_percent(self, rate: int) -> float:
        """Return the CPU that the worker takes at a rate, of a core (percent); /metrics is read now and then."""
        seconds = self.options.seconds
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._send, rate, int(rate * seconds * (1 + WARMING)), [])
            time.sleep(seconds * WARMING)
            began, before = time.monotonic(), machine.running_seconds(self.worker.process.pid)
            while time.monotonic() < began + seconds - self.options.scrape:
                time.sleep(self.options.scrape)
                self._shown()
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            took = machine.running_seconds(self.worker.process.pid) - before
            found = 100 * took / (time.monotonic() - began)
            sending.result()
        self._wait_applied()
        return round(found, 2)

    def _send(self, rate: int, events: int, sent: list[float]) -> None:
        """Send cancels of customers who are still there, at a steady rate; note when each was handed over."""
        began = time.perf_counter()
        while len(sent) < events:
            due = min(events, int((time.perf_counter() - began) * rate) + 1)
            now_ms = time.time_ns() // 1_000_000
            for _ in range(due - len(sent)):
                topic, key, value, at_ms = _cancel(self._left, now_ms)
                self._producer.produce(topic, value, key, timestamp=at_ms)
                self._left += 1
                sent.append(time.perf_counter())
            self._producer.poll(0)
            time.sleep(SENDER_PAUSE_SECONDS)
        assert self._producer.flush(30) == 0, "Kafka did not take all records"

    def _shown(self) -> int:
        return sum(map(int, SHOWN.findall(self.worker.scrape())))

    def _wait_applied(self) -> None:
        records = sum(self.servers.ends().values())
        self.servers.wait_applied(records, running=lambda: self.worker.process.running, seconds=300)


def _arrivals(count: Callable[[], int], sent: list[float], events: int, *, pause: float) -> list[float]:
    """Return how long each event took until a count had it (seconds); the count is looked at again after a pause."""
    found: list[float] = []
    deadline = time.monotonic() + PATIENCE_SECONDS + events
    while len(found) < events and time.monotonic() < deadline:
        counted, now = count(), time.perf_counter()
        found += [now - at for at in sent[len(found) : counted]]
        time.sleep(pause)
    assert len(found) == events, f"{len(found)} of {events} events arrived"
    return found


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Return percentiles of times, without those of the beginning (ms)."""
    ordered = sorted(seconds[int(len(seconds) * WARMING) :])
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    places = {name: min(len(ordered) - 1, int(len(ordered) * share)) for name, share in shares.items()}
    return {name: round(1000 * ordered[place], 1) for name, place in places.items()}


def _signup(number: int, at_ms: int) -> Message:
    paid = '"plan":"pro","mrr_minor":1900,"currency":"USD","country":"DE","channel":"ads"'
    return _message("signup", number, at_ms, paid)


def _cancel(number: int, at_ms: int) -> Message:
    return _message("cancel", number, at_ms, '"reason":"price","involuntary":false')


def _message(kind: str, number: int, at_ms: int, members: str) -> Message:
    customer = f"customer-{number:08d}"
    head = f'"id":"{kind}-{number:012d}","source":"app","type":"{kind}","customer_id":"{customer}"'
    value = f'{{{head},"time":"{instant_text(at_ms)}",{members}}}'
    return Message(DEFAULT_TOPIC_OF_TYPE[kind], customer.encode(), value.encode(), at_ms)


def _line(found: dict[str, Any]) -> str:
    times = [f"{found[name]['p50']} / {found[name]['p99']}" if name in found else "–" for name in _TIMES]
    return f"| {found['rate']:,} | {times[0]} | {times[1]} | {found['cpu_percent']} |"


_TIMES: Final = ("committed_ms", "shown_ms")
_TITLE: Final = "| events/s | committed, p50 / p99 (ms) | at /metrics, p50 / p99 (ms) | CPU (% of a core) |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES, help="events a second (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run (default: 10)")
    parser.add_argument("--poll", type=float, default=0.01, help="between two looks at /metrics (default: 0.01 s)")
    parser.add_argument("--scrape", type=float, default=5.0, help="the same where CPU is taken (default: 5 s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    return parser.parse_args()


def main() -> None:
    """Measure, and print what was measured."""
    options = _options()
    core, described = machine.give_way(), machine.description()
    found: list[dict[str, Any]] = []
    with Servers("none") as servers:
        servers.begin()
        with Worker(servers, core=core, session_timeout_seconds="10") as worker:
            worker.wait_ready()
            bench = Bench(servers, worker, options)
            for rate in options.rates:
                bench.sign_up(int(rate * options.seconds * (2 + WARMING)))
                figures = bench.latencies(rate) if rate else {}
                found.append({"rate": rate, **figures, "cpu_percent": bench.cpu_percent(rate)})
                print(_line(found[-1]), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"machine": described, "runs": found}, indent=1))
    else:
        print("\n".join([described, "", _TITLE, "| --- | --- | --- | --- |", *map(_line, found)]))


if __name__ == "__main__":
    main()
