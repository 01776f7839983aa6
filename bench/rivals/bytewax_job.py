"""The rivals' job in Bytewax: BOOTSTRAP TOPIC EVENTS FOLDER; a snapshot into SQLite every 10 s.

Runs in build/rivals/bytewax, the environment that tools/install-rivals makes; of this repository it imports `rules`
alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
import msgspec
from bytewax._bytewax import run_main
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir

from bench.rivals.rules import COUNTERS, Cells, Change, Customer, apply

SNAPSHOT_SECONDS = 10


class Event(msgspec.Struct):
    """An event, as far as the job reads it."""

    type: str
    time: str
    customer_id: str
    plan: str = ""
    mrr_minor: int = 0


class Counted(DynamicSink[Any]):
    """The end of the flow: the latest counters of each cell, and the times of the first and the last event."""

    def __init__(self) -> None:
        self.cells: Cells = {}
        self.events = 0
        self.first = self.last = self.first_cpu = 0.0

    def build(self, *_: object) -> StatelessSinkPartition[Any]:
        """Return its only partition."""
        return _Part(self)


class _Part(StatelessSinkPartition[Any]):
    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    def write_batch(self, items: list[tuple[str, list[int]]]) -> None:
        self._counted.cells.update(items)
        self._counted.events += len(items)
        self._counted.last = time.perf_counter()


def cpu_seconds() -> float:
    """Return the CPU time of this process (seconds)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def flow(bootstrap: str, topic: str, counted: Counted) -> Dataflow:
    """Return the job; it ends where the topic does."""
    decode = msgspec.json.Decoder(Event).decode

    def read(message: Any) -> tuple[str, Event]:
        if not counted.first:
            counted.first, counted.first_cpu = time.perf_counter(), cpu_seconds()
        event = decode(message.value)
        return event.customer_id, event

    def follow(customer: Customer | None, event: Event) -> tuple[Customer, Change]:
        return apply(event.type, event.time, event.plan, event.mrr_minor, customer or Customer())

    def count(counters: list[int] | None, change: Change) -> tuple[list[int], list[int]]:
        counters = [0] * len(COUNTERS) if counters is None else list(counters)
        change.add_to(counters)
        return counters, counters

    job = Dataflow("rival")
    events = op.map("read", op.input("events", job, KafkaSource([bootstrap], [topic], tail=False)), read)
    changes = op.stateful_map("customers", events, follow)
    by_cell = op.map("cell", changes, lambda change: (change[1].cell, change[1]))
    op.output("out", op.stateful_map("cells", by_cell, count), counted)
    return job


def main() -> None:
    """Run the job, and print what it took and counted as a line of JSON."""
    bootstrap, topic, _, folder = sys.argv[1:]
    init_db_dir(Path(folder), 1)
    counted = Counted()
    run_main(
        flow(bootstrap, topic, counted),
        epoch_interval=timedelta(seconds=SNAPSHOT_SECONDS),
        recovery_config=RecoveryConfig(folder),
    )
    found = {
        "events": counted.events,
        "cpu_seconds": cpu_seconds() - counted.first_cpu,
        "wall_seconds": counted.last - counted.first,
        "startup_seconds": counted.first_cpu,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "cells": counted.cells,
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
