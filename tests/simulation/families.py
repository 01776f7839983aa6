"""The kinds of simulated runs, and what may come of one."""

from __future__ import annotations

from typing import Final, NamedTuple

from streams.errors import TenureError
from tests.simulation.asking import AskingRun
from tests.simulation.forgetting import ForgettingRun
from tests.simulation.loop import Deadlock
from tests.simulation.losing import LosingRun
from tests.simulation.observed import ObservedRun
from tests.simulation.plan import Plan
from tests.simulation.product import Run
from tests.simulation.rebuilding import RebuildingRun

RUNS: Final[dict[str, type[Run]]] = {
    "usual": Run,
    "losing": LosingRun,
    "forgetting": ForgettingRun,
    "rebuilding": RebuildingRun,
    "asking": AskingRun,
    "observed": ObservedRun,
}


class Outcome(NamedTuple):
    """What came of a run: what was wrong with it, nothing being well, and how much time has passed in it (virtual)."""

    problems: list[str]
    virtual_seconds: float


def run_of(plan: Plan) -> Run:
    """Run a plan to its end."""
    return RUNS[plan.kind](plan)


def outcome_of(plan: Plan) -> Outcome:
    """Run a plan, and say what was wrong; a run without an end, or tables that cannot be read, are wrong too."""
    try:
        run = run_of(plan)
    except (Deadlock, TenureError, LookupError, ValueError, TypeError, AssertionError) as error:
        return Outcome([f"{type(error).__name__}: {error}"], 0.0)
    return Outcome(run.problems, run.virtual_seconds)
