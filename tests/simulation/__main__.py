"""Simulated runs from the command line.

python -m tests.simulation 17                                   repeats the run of a seed, and prints what happened
python -m tests.simulation 17 --shrink                          looks for the smallest plan that still fails
python -m tests.simulation 17 --records 3,8-11 --faults 0,2     repeats such a plan
python -m tests.simulation --seeds 100000                       tries many seeds, on all cores
"""

from __future__ import annotations

import argparse
import sys

from tests.simulation.families import RUNS, outcome_of, run_of
from tests.simulation.nights import try_seeds
from tests.simulation.plan import SEEDS, Plan, numbers_of
from tests.simulation.shrinking import smallest


def _show(plan: Plan) -> int:
    """Run a plan, and print all that happened."""
    run = run_of(plan)
    for fact in run.simulation.trace:
        sys.stdout.write(f"{fact[0]:9.3f}  {' '.join(map(str, fact[1:]))}\n"[:300])
    verdict = "\n".join(run.problems[:20]) or "well"
    digest = run.simulation.digest()
    sys.stdout.write(f"{plan.kind} run {plan.arguments}: {len(run.produced)} records, digest {digest}\n{verdict}\n")
    return 1 if run.problems else 0


def main() -> int:
    """Do what is asked for; 1 where a run fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int, nargs="*", help="seeds to repeat")
    parser.add_argument("--records", type=numbers_of, help="send these records alone")
    parser.add_argument("--faults", type=numbers_of, help="have these faults alone")
    parser.add_argument("--family", choices=list(RUNS), default="", help="runs of this kind")
    parser.add_argument("--shrink", action="store_true", help="look for the smallest plan that still fails")
    parser.add_argument("--seeds", type=int, help="try so many seeds")
    parser.add_argument("--first", type=int, default=SEEDS, help="the first of them")
    asked = parser.parse_args()
    if asked.seeds:
        return try_seeds(asked.first, asked.seeds, asked.family)
    wrong = 0
    for seed in asked.seed:
        plan = Plan(seed, asked.records, asked.faults, asked.family)
        if asked.shrink:
            plan = smallest(plan, lambda smaller: bool(outcome_of(smaller).problems))
            sys.stdout.write(f"python -m tests.simulation {plan.arguments}\n")
        wrong |= _show(plan)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
