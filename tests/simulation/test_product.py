"""The product's own workers under crashes, zombies, rebalances and failing tables: a hundred runs, each from one seed.

`python -m tests.simulation.product SEED` repeats a run and prints what happened in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.loop import Deadlock
from tests.simulation.mutants import MUTANTS, planted
from tests.simulation.product import Run

BLOCK = 10
#: A planted bug must be found within so many seeds.
PATIENCE = 40


@pytest.mark.parametrize("first", range(0, 100, BLOCK))
def test_numbers_are_exact_whatever_happens_to_workers_and_tables(first: int) -> None:
    """Exactness under failure is what the design promises; a hundred small disasters look for the exception."""
    wrong = {seed: problems[:5] for seed in range(first, first + BLOCK) if (problems := Run(seed).problems)}
    assert wrong == {}, "\n".join(f"to repeat: {sys.executable} -m tests.simulation.product {seed}" for seed in wrong)


@pytest.mark.parametrize("name", MUTANTS)
def test_planted_bug_is_found(name: str) -> None:
    """A simulation that finds nothing may look at nothing."""
    with planted(name):
        assert any(_goes_wrong(seed) for seed in range(PATIENCE))


def _goes_wrong(seed: int) -> bool:
    try:
        return bool(Run(seed).problems)
    except (Deadlock, LookupError):  # no end, or tables of which no report can be made
        return True


def test_one_seed_gives_one_trace_under_any_hash_seed() -> None:
    """A failing seed must fail again on another machine, or its cause cannot be found."""
    here = [Run(seed).simulation.digest() for seed in (1, 2)]
    assert len(set(here)) == 2
    for hash_seed in ("1", "777"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, "-m", "tests.simulation.product", "2", "1"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        there = [line.rpartition(" ")[2] for line in done.stdout.splitlines() if line.startswith("seed ")]
        assert there[::-1] == here
