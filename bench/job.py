"""The reference job: a day's events from Kafka through one worker into Redis, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from bench.servers import Servers
from bench.subject import Worker
from bench.traffic import Message

MILLION = 1_000_000
_SLOWEST_PER_SECOND = 1000
"""A worker that applies less is taken for stuck (events a second)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one run of the job.

    Attributes:
        events: Applied between the two readings (count).
        wall_seconds: From the first fetch to the last commit.
        worker_seconds: CPU of the worker process with its threads and children.
        redis_seconds: CPU of Redis.
        startup_seconds: CPU of the worker before there was anything to read; not part of `worker_seconds`.
        peak_memory_bytes: The worker's peak resident set.
        redis_memory_bytes: What Redis uses more than when it was empty.
        customers: With a state (count).
        key_and_state_bytes: Mean memory that Redis needs for a customer's key and state.
        state_bytes: Mean length of a state.
        cells: Counter cells (count).
        cell_bytes: Mean memory that Redis needs for a cell.
        kafka_seconds: CPU of Kafka.
    """

    events: int
    wall_seconds: float
    worker_seconds: float
    redis_seconds: float
    startup_seconds: float
    peak_memory_bytes: int
    redis_memory_bytes: int
    customers: int
    key_and_state_bytes: float
    state_bytes: float
    cells: int
    cell_bytes: float
    kafka_seconds: float

    @property
    def worker_per_million(self) -> float:
        """CPU-seconds of the worker per million events."""
        return self.worker_seconds / self.events * MILLION

    @property
    def redis_per_million(self) -> float:
        """CPU-seconds of Redis per million events."""
        return self.redis_seconds / self.events * MILLION

    @property
    def events_per_second(self) -> float:
        """Events a second of wall time."""
        return self.events / self.wall_seconds


def run_job(servers: Servers, worker: Worker, *, before: Sequence[Message], day: Sequence[Message]) -> Cost:
    """Run the job once on empty servers; the worker is left running, all is applied.

    The worker stands still (SIGSTOP) while the day's records are produced, so that what is measured begins when all
    are there and ends when all are applied.

    Args:
        servers: Fresh from `begin`.
        worker: Started, on these servers.
        before: Records that are applied first and not measured.
        day: Records that are.
    """
    worker.wait_ready()
    startup = worker.cpu_seconds()
    empty_bytes = servers.redis_memory_bytes()
    warm = servers.produce(before)
    servers.wait_applied(warm, running=lambda: worker.process.running, seconds=60 + warm / _SLOWEST_PER_SECOND)
    worker.process.pause()
    events = servers.produce(day)
    kafka_before = servers.kafka_cpu_seconds()
    worker_before, redis_before, began = worker.cpu_seconds(), servers.redis_cpu_seconds(), time.perf_counter()
    worker.process.resume()
    servers.wait_applied(
        warm + events, running=lambda: worker.process.running, seconds=60 + events / _SLOWEST_PER_SECOND
    )
    wall = time.perf_counter() - began
    worker_seconds, redis_seconds = worker.cpu_seconds() - worker_before, servers.redis_cpu_seconds() - redis_before
    kafka_seconds = servers.kafka_cpu_seconds() - kafka_before
    customers, key_and_state_bytes, state_bytes = servers.state_sizes()
    cells, cell_bytes = servers.cell_sizes()
    return Cost(
        events, wall, worker_seconds, redis_seconds, startup, worker.peak_memory_bytes(),
        servers.redis_memory_bytes() - empty_bytes, customers, key_and_state_bytes, state_bytes, cells, cell_bytes,
        kafka_seconds,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Restart:
    """Recovery of a worker that was killed.

    Attributes:
        applied_seconds: From the start of the process to the first commit.
        recovered_seconds: From the start of the process until all counters are in memory.
        cpu_seconds: CPU that the process had taken by then.
    """

    applied_seconds: float
    recovered_seconds: float
    cpu_seconds: float


def run_restart(servers: Servers, worker: Worker, fresh: Sequence[Message]) -> Restart:
    """Kill a worker whose records are all applied, let some more come, and start it again."""
    worker.process.kill()
    covered = servers.applied()
    sent = servers.produce(fresh)
    began = time.perf_counter()
    worker.process.start()
    servers.wait_applied(covered + 1, running=lambda: worker.process.running, seconds=60)
    applied = time.perf_counter() - began
    worker.wait_ready()
    recovered = time.perf_counter() - began
    cpu = worker.cpu_seconds()
    servers.wait_applied(covered + sent, running=lambda: worker.process.running, seconds=60)
    return Restart(applied, recovered, cpu)


def everything(before: Sequence[Message], day: Sequence[Message]) -> bytes:
    """Return all records as the lines of a file."""
    return b"\n".join([message.value for message in chain(before, day)]) + b"\n"
