"""The figures of a run, as one table for readers and one JSON object for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Final

from bench.job import Cost, Restart
from bench.peers import Peer
from bench.sizes import state_bytes

_MIB: Final = 1024 * 1024
_SIZES: Final = ("", "customers", "key+state B", "state B", "cells", "B/cell", "Redis MiB", "worker MiB")
WORKER_TARGET: Final = 12.0
"""CPU-seconds of the worker per million events of the lifecycle mix, at most."""
REDIS_TARGET: Final = 3.0
RESTART_TARGET_SECONDS: Final = 5.0
SCRAPE_TARGET_SECONDS: Final = 0.05


@dataclass(slots=True)
class Figures:
    """Measurements of one run.

    Attributes:
        machine: Where.
        options: Of the command line.
        costs: Of every round, by mix.
        peers: Of every round, by kind.
        large: The job with ten times as many customers.
        restarts: By what the worker came back to.
        scrape_seconds: Of every scrape at `scrape_segments` segments.
        scrape_segments: Values of all dimensions that are exported by name (count).
        scrape_bytes: Length of the answer.
        agrees: Whether `tenure kpi` and `tenure replay` of the same events said the same; None where nobody looked.
    """

    machine: str
    options: dict[str, Any]
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    peers: dict[str, list[Peer]] = field(default_factory=dict)
    large: Cost | None = None
    restarts: dict[str, Restart] = field(default_factory=dict)
    scrape_seconds: list[float] = field(default_factory=list)
    scrape_segments: int = 0
    scrape_bytes: int = 0
    agrees: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """Return everything, and the medians that the table shows."""
        medians = {name: _medians(costs) for name, costs in self.costs.items()}
        peers = {name: median(peer.per_million for peer in rounds) for name, rounds in self.peers.items()}
        return {**asdict(self), "medians": {**medians, "peers_cpu_seconds_per_million": peers}}

    def table(self) -> str:
        """Return what a reader wants to know."""
        lines = [self.machine, ", ".join(f"{name} {value}" for name, value in self.options.items()), ""]
        lines += _columns(self._speed(), ("", "CPU-s/M worker", "CPU-s/M Redis", "events/s", "of target"))
        lines += ["", *_columns(self._sizes(), _SIZES)]
        lines += ["", "a customer's state by its subscriptions: " + _in_words(state_bytes())]
        lines += [
            "",
            *_columns(self._restarts(), ("restart after SIGKILL", "applies after s", "counters after s", "CPU-s")),
        ]
        if self.scrape_seconds:
            took = (
                f"median {median(self.scrape_seconds) * 1000:.1f} ms, longest {max(self.scrape_seconds) * 1000:.1f} ms"
            )
            lines += ["", f"scrape of /metrics, {self.scrape_segments} segments, {self.scrape_bytes:,} bytes: {took}"]
        if self.agrees is not None:
            lines += ["", f"tenure kpi {'equals' if self.agrees else 'DIFFERS FROM'} tenure replay of the same events"]
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """Return the targets that the run missed, in words."""
        found = []
        if "lifecycle" in self.costs:
            shown = _medians(self.costs["lifecycle"])
            if shown["worker_per_million"] > WORKER_TARGET:
                found.append(f"worker above {WORKER_TARGET} CPU-seconds per million events")
            if shown["redis_per_million"] > REDIS_TARGET:
                found.append(f"Redis above {REDIS_TARGET} CPU-seconds per million events")
        if any(restart.applied_seconds > RESTART_TARGET_SECONDS for restart in self.restarts.values()):
            found.append(f"a restart took more than {RESTART_TARGET_SECONDS} s")
        if self.scrape_seconds and median(self.scrape_seconds) > SCRAPE_TARGET_SECONDS:
            found.append(f"a scrape takes more than {SCRAPE_TARGET_SECONDS * 1000:.0f} ms")
        if self.agrees is False:
            found.append("kpi and replay differ")
        return found

    def _speed(self) -> Iterable[Sequence[str]]:
        for name, costs in self.costs.items():
            m = _medians(costs)
            worker, redis, rate = m["worker_per_million"], m["redis_per_million"], m["events_per_second"]
            of_target = f"{worker / WORKER_TARGET:.0%} / {redis / REDIS_TARGET:.0%}"
            yield f"tenure, {name} mix", f"{worker:.2f}", f"{redis:.2f}", f"{rate:,.0f}", of_target
        ours = _medians(self.costs["lifecycle"])["worker_per_million"] if "lifecycle" in self.costs else None
        for name, rounds in self.peers.items():
            cost, rate = median(p.per_million for p in rounds), median(p.events_per_second for p in rounds)
            ratio = "" if ours is None else f"tenure is {ours / cost:.2f} × this"
            yield name, f"{cost:.2f}", "–", f"{rate:,.0f}", ratio

    def _sizes(self) -> Iterable[Sequence[str]]:
        rows = [(f"{name} mix", costs[-1]) for name, costs in self.costs.items()]
        if self.large is not None:
            rows.append(("ten times the customers", self.large))
        for name, cost in rows:
            yield (
                name,
                f"{cost.customers:,}",
                f"{cost.key_and_state_bytes:.0f}",
                f"{cost.state_bytes:.0f}",
                f"{cost.cells:,}",
                f"{cost.cell_bytes:.0f}",
                f"{cost.redis_memory_bytes / _MIB:.0f}",
                f"{cost.peak_memory_bytes / _MIB:.0f}",
            )

    def _restarts(self) -> Iterable[Sequence[str]]:
        for name, restart in self.restarts.items():
            figures = (restart.applied_seconds, restart.recovered_seconds, restart.cpu_seconds)
            yield name, *(f"{figure:.2f}" for figure in figures)


def _medians(costs: Sequence[Cost]) -> dict[str, float]:
    names = ("worker_per_million", "redis_per_million", "events_per_second", "startup_seconds", "peak_memory_bytes")
    return {name: median(getattr(cost, name) for cost in costs) for name in names}


def _columns(rows: Iterable[Sequence[str]], head: Sequence[str]) -> list[str]:
    """Return rows as lines: the first column to the left, the others to the right."""
    table = [head, *rows]
    first, *others = [max(len(row[n]) for row in table) for n in range(len(head))]
    return ["  ".join([row[0].ljust(first), *map(str.rjust, row[1:], others)]).rstrip() for row in table]


def _in_words(sizes: Mapping[int, int]) -> str:
    return ", ".join(f"{count} of them {size} bytes" for count, size in sizes.items())
