"""Types of the catalogue: counts, formulas over counts, and ratios of two formulas.

Pure types, and the division of two sums; the KPIs themselves stand in `schemas.catalogue.counts` and
`schemas.catalogue.ratios`.
Definitions: docs/definitions.md, section Ratios.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "tenure_"

Kind = Literal["stock", "window"]
Unit = Literal["customers", "subscriptions", "movements", "facts", "surveys", "minor units"]
SegmentPlan = Literal[
    "plan at T", "start plan", "the fact's plan", "plan before", "plan after", "plan at the time",
    "the subscription's own", "the subscription's own, after", "the subscription's own, before", "none",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """A sum over customers, which adds up over partitions, workers and segment values.

    Attributes:
        name: As in reports; the metric is `tenure_` and this.
        unit: What is counted; money is in minor units of the default currency.
        kind: `stock` has a value as of T; `window` has one for each window [T - d, T).
        meaning: As of T, in one sentence.
        segment_plan: Which plan decides in segments by plan.
        fed_by: The event types that can change it.
    """

    name: str
    unit: Unit
    kind: Kind
    meaning: str
    segment_plan: SegmentPlan
    fed_by: tuple[str, ...]

    @property
    def metric(self) -> str:
        """The name in the exposition."""
        return PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Formula:
    """A sum of counts with signs.

    Attributes:
        terms: Sign (+1 or -1) and name of each count.
    """

    terms: tuple[tuple[int, str], ...]

    def evaluate(self, counts: Mapping[str, int]) -> int:
        """Return the sum over the given counts, which must hold every name of the formula."""
        return sum(sign * counts[name] for sign, name in self.terms)

    def __str__(self) -> str:
        text = "".join(f" {'+' if sign > 0 else '−'} {name}" for sign, name in self.terms)
        return text.removeprefix(" + ").strip()


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of two formulas; absent, never 0 or 1, where the denominator is 0.

    Attributes:
        name: Unique, as in recording rules.
        path: Where it stands in the report's `ratios` (or, of a stock, in `totals`).
        kind: Whether it exists for each window or as of T.
        numerator: Over counts of the same window.
        denominator: As the numerator.
        unit: `ratio`, or what it is a quotient of.
        lowest: The smallest value it can have; None if there is none.
        highest: The largest value it can have; None if there is none.
        title: For people.
        meaning: What it says, in one or two sentences.
        why: What it is for, and whose definition it is.
        article: The article that asks for it; None where none does.
        is_proportion: Whether it counts customers out of customers, so that a Wilson interval applies.
        higher_is_better: The side that a target is missed on is the other one.
    """

    name: str
    path: tuple[str, ...]
    numerator: Formula
    denominator: Formula
    title: str
    meaning: str
    why: str
    article: str | None = None
    kind: Kind = "window"
    unit: str = "ratio"
    lowest: float | None = 0.0
    highest: float | None = 1.0
    is_proportion: bool = False
    higher_is_better: bool = True

    @property
    def is_score(self) -> bool:
        """True where people write it from −100 to 100, though it is counted from −1 to 1."""
        return self.lowest == -1.0 and self.highest == 1.0

    def evaluate(self, counts: Mapping[str, int]) -> float | None:
        """Return the quotient, correctly rounded; None where the denominator is 0: no data is not zero."""
        denominator = self.denominator.evaluate(counts)
        return self.numerator.evaluate(counts) / denominator if denominator else None

    @property
    def counts(self) -> tuple[str, ...]:
        """The names of the counts that it is made of, each once."""
        return tuple(dict.fromkeys(name for _, name in (*self.numerator.terms, *self.denominator.terms)))


def sum_of(*names: str) -> Formula:
    """Return the formula of a sum; a name that begins with `-` is taken away."""
    return Formula(tuple((-1, name[1:]) if name.startswith("-") else (1, name) for name in names))


def evaluate(ratios: Iterable[Ratio], counts: Mapping[str, int]) -> dict[str, object]:
    """Return the values of ratios, nested by their paths.

    Args:
        ratios: Those wanted, all of one kind.
        counts: The counts of one window, and the stocks as of the same T.

    Returns:
        Numbers, or None where there is no sample; `{"retention": 0.9, "churn": {"standard": 0.1, ...}, ...}`.
    """
    values: dict[str, object] = {}
    for ratio in ratios:
        place = values
        for step in ratio.path[:-1]:
            nested = place.setdefault(step, {})
            assert isinstance(nested, dict)
            place = nested
        place[ratio.path[-1]] = ratio.evaluate(counts)
    return values
