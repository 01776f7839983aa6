"""Hypothesis strategies of nasty logs and of the ways in which they may arrive.

Definitions: docs/definitions.md, section 1 (any permutation, any repetition).
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from tests.oracle.logs import EVERYTHING, Log, Shape, generate, rearranged


def logs(shape: Shape = EVERYTHING) -> st.SearchStrategy[Log]:
    """Return a strategy of logs with up to `shape.events` regular events.

    Hypothesis makes the seed and the size smaller; `logs.smallest_failing` leaves out single records.
    """
    sizes = st.integers(0, shape.events)
    customers = st.integers(1, shape.customers)
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(
        lambda seed, events, count: generate(Random(seed), replace(shape, events=events, customers=count)),
        seeds,
        sizes,
        customers,
    )


def arrivals(records: Sequence[bytes]) -> st.SearchStrategy[list[bytes]]:
    """Return a strategy of permutations of the records with repetitions; each record arrives at least once."""
    return st.integers(0, 2**32 - 1).map(lambda seed: rearranged(records, Random(seed)))
