"""The content of the live screen at one moment: plain values that the demo fills in.

No rendering here, and no counting: the report comes from the same code as `tenure kpi --json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kpis.population.summary import PopulationSummary
    from schemas.documents.report import Report


@dataclass(frozen=True)
class Notice:
    """Something worth telling: a price rise, a spike of churn.

    Args:
        at: The simulated instant, aware.
        text: One line, at most some 100 characters.
        warning: Whether somebody should act.
    """

    at: datetime
    text: str
    warning: bool = False


@dataclass(frozen=True)
class Health:
    """Health of the stream itself, since the demo began.

    Args:
        applied: Events that count (count).
        duplicates: Events that came again (count).
        late: Events that restated a bucket which was over (count).
        dead_letters: Records that were refused (count by reason).
        commit_ms: How long a commit to Redis takes (ms, median of the last ones); None before the first.
        lag_records: Records that wait to be applied (count).
        identities_violated: Conservation checks that failed (count): 0, or something is wrong.
        partitions: Partitions owned (count).
        restarts: Times that the stream was killed and came back (count).
    """

    applied: int = 0
    duplicates: int = 0
    late: int = 0
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    commit_ms: float | None = None
    lag_records: int = 0
    identities_violated: int = 0
    partitions: int = 0
    restarts: int = 0


@dataclass(frozen=True)
class DemoView:
    """The content of the demo's screen at one moment.

    Args:
        report: The numbers, by plan, industry and company size.
        simulated_now: The instant that the company lives in, aware.
        speed: Simulated seconds a second.
        events_per_second: How fast events are applied now.
        metrics_url: Where /metrics is served, or None where it is not.
        health: How the stream is doing.
        notices: What was noteworthy, oldest first; the last few are shown.
        population: What the last look at all customers found; None before the first.
    """

    report: Report
    simulated_now: datetime
    speed: float
    events_per_second: float
    metrics_url: str | None
    health: Health
    notices: Sequence[Notice] = ()
    population: PopulationSummary | None = None
