"""Cases for property tests: a seed each, so that a failure prints one short line that repeats it.

Hypothesis chooses the seeds, the same ones each time, and does not make them smaller: another seed is another log.
`smallest` leaves out records instead. PROPERTY_EFFORT=20 in the environment tries twenty times as many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.logs.logs import Log, generate, rearranged, smallest_failing
from tests.logs.shapes import EVERYTHING, FIRST_SLICE, FIRST_WEEKS, LIFECYCLES, Shape

EFFORT: Final = int(os.environ.get("PROPERTY_EFFORT", "1"))
SHAPES: Final[Mapping[str, Shape]] = {
    "first slice": FIRST_SLICE,
    "everything": EVERYTHING,
    "first weeks": FIRST_WEEKS,
    "lifecycles": LIFECYCLES,
}


def bounded(examples: int) -> settings:
    """Return settings of a test that tries so many examples, the same ones at each run."""
    return settings(
        max_examples=examples * EFFORT,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True)
class Case:
    """A nasty log in some order of arrival, some records several times, and how it is folded.

    Attributes:
        shape: A name of SHAPES.
        seed: All randomness of the case.
        events: Regular events (count).
        batch: Records of a batch (count).
        partitions: Partitions that customers are spread over (count).
        short_cuts: Whether the fold may take them.
    """

    shape: str
    seed: int
    events: int
    batch: int = 50
    partitions: int = 1
    short_cuts: bool = True

    def log(self) -> Log:
        """Return the log, its records as they arrive."""
        return self.arriving(self.written(), "arrival")

    def written(self) -> Log:
        """Return the log in the order of its writing, without further repetition."""
        shape = SHAPES[self.shape]
        random = Random(f"{self.seed}/log")
        customers = random.randint(1, shape.customers)
        return generate(random, replace(shape, events=self.events, customers=customers))

    def arriving(self, log: Log, way: str) -> Log:
        """Return the log as it arrives in another order; `way` names the order."""
        return replace(log, records=tuple(rearranged(log.records, self.random(way))))

    def random(self, purpose: str) -> Random:
        """Return a source of randomness for a purpose."""
        return Random(f"{self.seed}/{purpose}")


def cases(*shapes: str, most_events: int = 60) -> st.SearchStrategy[Case]:
    """Return a strategy of cases of these shapes."""
    return st.builds(
        Case,
        shape=st.sampled_from(shapes),
        seed=st.integers(0, 2**32 - 1),
        events=st.integers(most_events // 4, most_events),
        batch=st.sampled_from((1, 2, 7, 50, 1000)),
        partitions=st.integers(1, 3),
        short_cuts=st.sampled_from((True, True, True, False)),
    )


def check_log(case: Case, log: Log, wrong: Callable[[Log], Sequence[str]]) -> None:
    """Fail, with the fewest records that still fail, where `wrong` says what is wrong with a log; nothing is well.

    Raises:
        AssertionError: The case, the records that are left, in the order of arrival, and what is wrong with them.
    """
    if not wrong(log):
        return
    small = smallest_failing(log, lambda smaller: bool(wrong(smaller)))
    found = wrong(small)
    lines = [str(case), str(small.options), "records as they arrive:", *map(repr, small.records), "wrong:", *found[:20]]
    raise AssertionError("\n".join(lines))


def differences(ours: object, expected: object, path: str = "") -> list[str]:
    """Return where two reports differ, in words; none where they are equal."""
    if isinstance(ours, dict) and isinstance(expected, dict):
        return [
            line
            for name in sorted({*ours, *expected})
            for line in differences(ours.get(name, "absent"), expected.get(name, "absent"), f"{path}/{name}")
        ]
    if isinstance(ours, list) and isinstance(expected, list) and len(ours) == len(expected):
        pairs = enumerate(zip(ours, expected, strict=True))
        return [line for place, (one, other) in pairs for line in differences(one, other, f"{path}/{place}")]
    if ours == expected and type(ours) is type(expected):
        return []
    return [f"{path}: {ours!r}, expected {expected!r}"[:300]]
