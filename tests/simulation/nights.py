"""Many seeds on all cores, as for a night: which fail, with the smallest plan that does, and how fast it went."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import Final, NamedTuple

from tests.simulation.families import outcome_of
from tests.simulation.plan import Plan
from tests.simulation.shrinking import smallest

_BLOCK: Final = 20
_SAID_SECONDS: Final = 60.0


class _Tried(NamedTuple):
    """What came of some seeds: their number, virtual and CPU seconds, and by failing seed what was wrong first."""

    kinds: Counter[str]
    virtual_seconds: float
    cpu_seconds: float
    wrong: dict[int, str]


def _try_block(first: int, count: int, family: str) -> _Tried:
    began, virtual_seconds, wrong, kinds = time.process_time(), 0.0, dict[int, str](), Counter[str]()
    for seed in range(first, first + count):
        plan = Plan(seed, family=family)
        problems, seconds = outcome_of(plan)
        kinds[plan.kind] += 1
        virtual_seconds += seconds
        if problems:
            wrong[seed] = problems[0]
    return _Tried(kinds, virtual_seconds, time.process_time() - began, wrong)


def try_seeds(first: int, count: int, family: str) -> int:
    """Try seeds on all cores; print each that fails with its smallest plan, and how fast it went."""
    blocks = [(at, min(_BLOCK, first + count - at), family) for at in range(first, first + count, _BLOCK)]
    done, kinds, virtual_seconds, cpu_seconds, said = 0, Counter[str](), 0.0, 0.0, time.monotonic()
    wrong: dict[int, str] = {}
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=50) as pool:
        for tried in pool.imap_unordered(_try, blocks):
            done += tried.kinds.total()
            kinds += tried.kinds
            virtual_seconds += tried.virtual_seconds
            cpu_seconds += tried.cpu_seconds
            wrong |= tried.wrong
            for seed, problem in tried.wrong.items():
                _say(f"seed {seed}: {problem}")
            if time.monotonic() - said > _SAID_SECONDS:
                said = time.monotonic()
                _say(f"{done} of {count}: {_speed(virtual_seconds, cpu_seconds)}")
    for seed in sorted(wrong)[:5]:
        small = smallest(Plan(seed, family=family), lambda plan: bool(outcome_of(plan).problems))
        _say(f"smallest plan of seed {seed}: python -m tests.simulation {small.arguments}")
    _say(f"{done} seeds ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}): {len(wrong)} failed")
    _say(_speed(virtual_seconds, cpu_seconds))
    return 1 if wrong else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _try(block: tuple[int, int, str]) -> _Tried:
    return _try_block(*block)


def _speed(virtual_seconds: float, cpu_seconds: float) -> str:
    per_hour = virtual_seconds / max(cpu_seconds, 1e-9)
    return f"{virtual_seconds / 3600:,.1f} hours simulated in {cpu_seconds:,.0f} CPU-s: {per_hour:,.0f} an hour"
