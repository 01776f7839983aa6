"""The figures of the rivals' job: what each run took, their medians, and the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Final

_MIB: Final = 1024 * 1024
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Cost of one run.

    Attributes:
        events: Counted (count).
        cpu_seconds: CPU of the process from the first event until all is stored.
        wall_seconds: From the first event to the last.
        startup_seconds: CPU of the process before the first event; not part of `cpu_seconds`.
        peak_bytes: The process's peak resident set.
        kafka_seconds: CPU of Kafka meanwhile.
        redis_seconds: CPU of Redis meanwhile, where there is one.
        redis_bytes: Memory of Redis for it, at the end.
    """

    events: int
    cpu_seconds: float
    wall_seconds: float
    startup_seconds: float
    peak_bytes: int
    kafka_seconds: float
    redis_seconds: float = 0.0
    redis_bytes: int = 0

    @property
    def per_million(self) -> float:
        """CPU-seconds of the process per million events."""
        return self.cpu_seconds / self.events * _MILLION


@dataclass(slots=True)
class Figures:
    """Measurements of one run, by rival each round's outcome, and what differed from the recount."""

    machine: str
    options: dict[str, Any]
    versions: dict[str, str]
    loads: list[float] = field(default_factory=list)
    """Load average at each round's start."""
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    differing: dict[str, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return everything, and the medians that the table shows."""
        return {**asdict(self), "medians": {name: medians(rounds) for name, rounds in self.outcomes.items()}}

    def text(self) -> str:
        """Return what a reader wants to know, as Markdown."""
        loads = ", ".join(f"{load:.1f}" for load in self.loads)
        lines = [f"{self.machine}; at the rounds' starts {loads}", "", *table(self.as_json())]
        for name, texts in self.differing.items():
            lines += ["", f"{name} did not count right: {'; '.join(texts[:10])}"]
        return "\n".join(lines)


_TITLE: Final = "| | version | CPU-s/M | Redis CPU-s/M | Kafka CPU-s/M | start-up CPU-s | wall s | peak MiB (+ Redis) |"


def table(found: Mapping[str, Any]) -> list[str]:
    """Return the medians of what `as_json` gave, as the lines of a table in Markdown."""
    lines = [_TITLE, "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, row in found["medians"].items():
        redis, beside = (f"{row['redis']:.1f}", f" + {row['redis_mib']:.0f}") if row["redis"] else ("–", "")
        lines.append(
            f"| {name} | {found['versions'][name]} | {row['cpu']:.1f} | {redis} | {row['kafka']:.1f} "
            f"| {row['startup_seconds']:.1f} | {row['wall_seconds']:.1f} | {row['peak_mib']:.0f}{beside} |"
        )
    return lines


def medians(rounds: Sequence[Outcome]) -> dict[str, float]:
    """Return the medians of the rounds; `cpu`, `redis` and `kafka` are CPU-seconds per million events."""
    return {
        "cpu": median(each.per_million for each in rounds),
        "redis": median(each.redis_seconds / each.events * _MILLION for each in rounds),
        "kafka": median(each.kafka_seconds / each.events * _MILLION for each in rounds),
        "startup_seconds": median(each.startup_seconds for each in rounds),
        "wall_seconds": median(each.wall_seconds for each in rounds),
        "peak_mib": median(each.peak_bytes for each in rounds) / _MIB,
        "redis_mib": median(each.redis_bytes for each in rounds) / _MIB,
    }
