"""Companies in which nothing goes with staying, and how many of them are told of something all the same.

python -m tests.unit.kpis.population.null_companies --first 100000 --count 100 --customers 400 --half-life 90
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import NamedTuple

from kpis.customer.state import decode
from kpis.population.comparison import FALSE_DISCOVERIES
from kpis.population.traits import TraitScan
from schemas.instants import DAY_MS
from tests.recount.short_events import Event
from tests.unit.kpis.population.invented import company, folded_company

FIRST_MS = 1_735_689_600_000


class Told(NamedTuple):
    """The seeds of companies that are told of something."""

    #: by Benjamini and Hochberg's procedure alone
    by_rate: list[int]
    #: by the report
    reported: list[int]


def scanned(events: list[Event], days: int = 400) -> TraitScan:
    """Return what goes with staying of some events, as of so many days after the beginning of 2025."""
    folded = folded_company(events)
    scan = TraitScan(at_ms=FIRST_MS + days * DAY_MS, bucket_ms=folded.windows.bucket_ms, what=folded.what)
    for state in folded.states[0].values():
        scan.take(folded.names[0], decode(state))
    return scan


def told(seeds: Iterable[int], *, customers: int, half_life_days: float) -> Told:
    """Return which of some companies without any effect are told of something.

    Args:
        seeds: Of each company.
        customers: Who ever signs up (count).
        half_life_days: After so many days half of them have left.
    """
    found = Told([], [])
    for seed in seeds:
        effects = scanned(company(seed, customers=customers, half_life_days=half_life_days)).effects()
        if any(effect.adjusted_p <= FALSE_DISCOVERIES for effect in effects):
            found.by_rate.append(seed)
        if any(effect.is_reported for effect in effects):
            found.reported.append(seed)
    return found


def main() -> None:
    """Print both numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("first", 1), ("count", 100), ("customers", 400), ("half-life", 90)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.count)
    found = told(seeds, customers=asked.customers, half_life_days=asked.half_life)
    print(f"told of something, of {asked.count} companies without effects: {len(found.reported)} {found.reported}")  # noqa: T201
    print(f"by a false discovery rate of {FALSE_DISCOVERIES} alone: {len(found.by_rate)} {found.by_rate}")  # noqa: T201


if __name__ == "__main__":
    main()
