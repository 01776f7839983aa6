"""A thousand runs of the product under faults, each from one seed; bugs that they must find; how a failing one repeats.

`python -m tests.simulation SEED` repeats a run and prints what happened in it.
"""

from __future__ import annotations

import inspect
import os
import shlex
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.simulation.families import RUNS, outcome_of, run_of
from tests.simulation.mutants import MUTANTS, planted
from tests.simulation.plan import FAMILIES, SEEDS, Plan, numbers_of
from tests.simulation.shrinking import smallest

BLOCK = 25
#: A planted bug must be found within so many of those runs in which it can be.
PATIENCE = 60


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_numbers_are_exact_whatever_happens_to_workers_tables_and_log(first: int) -> None:
    """Exactness under failure is what the design promises; a thousand small disasters look for the exception."""
    found = {seed: outcome_of(Plan(seed)).problems[:5] for seed in range(first, first + BLOCK)}
    wrong = {seed: problems for seed, problems in found.items() if problems}
    assert wrong == {}, "\n".join(f"to repeat: {sys.executable} -m tests.simulation {seed} --shrink" for seed in wrong)


@pytest.mark.parametrize("name", MUTANTS)
def test_planted_bug_is_found(name: str) -> None:
    """A simulation that finds nothing may look at nothing."""
    with planted(name) as mutant:
        assert any(outcome_of(plan).problems for plan in islice(mutant.plans(SEEDS), PATIENCE))


@pytest.mark.parametrize("name", MUTANTS)
def test_planted_bug_is_called_as_what_it_replaces(name: str) -> None:
    """One that no longer fits would fail at its first call, and be found for that."""
    mutant = MUTANTS[name]
    parameters = inspect.signature(getattr(mutant.owner, mutant.name)).parameters.values()
    by_name = {each.name: None for each in parameters if each.kind is each.KEYWORD_ONLY}
    bound = inspect.signature(mutant.wrong).bind(*[None] * (len(parameters) - len(by_name)), **by_name)
    assert len(bound.args) + len(bound.kwargs) == len(parameters)


def test_bugs_are_planted_in_each_kind_of_run() -> None:
    """A kind of run that looks at nothing would go unnoticed among the others."""
    assert {mutant.family for mutant in MUTANTS.values()} == RUNS.keys() == FAMILIES.keys()


def test_one_seed_gives_one_trace_under_any_hash_seed() -> None:
    """A failing seed must fail again on another machine, or its cause cannot be found."""
    seeds = {family: str(number) for number, family in enumerate(RUNS, 1)}
    here = {family: run_of(Plan(int(seed), family=family)).simulation.digest() for family, seed in seeds.items()}
    assert len(set(here.values())) == len(seeds)
    for family, seed in seeds.items():
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, "-m", "tests.simulation", seed, "--family", family]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        (line,) = (line for line in done.stdout.splitlines() if line.startswith(f"{family} run "))
        assert line.rpartition(" ")[2] == here[family], line


def test_failing_plan_is_made_smaller_until_nothing_can_be_left_out() -> None:
    """Three records and two faults are read in minutes, a hundred records and five faults are not."""

    def fails(plan: Plan) -> bool:
        return bool(outcome_of(plan).problems)

    with planted("a successor that does not read the redo log") as mutant:
        whole = next(plan for plan in mutant.plans(SEEDS) if fails(plan))
        small = smallest(whole, fails)
        words = shlex.split(small.arguments)
        again = Plan(int(words[0]), numbers_of(words[2]), numbers_of(words[4]))
        assert (words[1], words[3]) == ("--records", "--faults")
        assert again == small
        assert fails(again)
        for left_out in small.records or ():
            assert not fails(small.with_records((small.records or frozenset()) - {left_out}))
    assert len(small.records or ()) < len(whole.log.records) // 4
    assert not fails(small)


def test_smaller_plan_sends_what_the_whole_one_sent() -> None:
    """Were times drawn anew for fewer records, the failure would be another, or none."""
    whole = Plan(3)
    some = {sending.number for sending in whole.sendings()[::3]}
    fewer = whole.with_records(some).with_faults({0})
    assert fewer.sendings() == [sending for sending in whole.sendings() if sending.number in some]
    assert fewer.planned_faults() == [fault for fault in whole.planned_faults() if fault.number == 0]


def test_night_says_how_many_failed_and_how_fast_it_was() -> None:
    """Nobody reads a night's log to its end: what counts is its last two lines, and how it ended."""
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "2", "--first", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    counted, speed = done.stdout.splitlines()[-2:]
    assert counted.startswith("2 seeds (")
    assert counted.endswith("): 0 failed")
    assert " hours simulated in " in speed
