"""Segments against targets: the chance of a miss, and the step-up over all of them, beside a plain recomputation."""

from __future__ import annotations

import math
import random

import pytest

from monitoring import segments
from monitoring.alerts import thresholds
from tests.monitoring.score_cases import of_plans

START, TARGET = 400, 0.03


def chance_of(lost: int) -> float:
    """Return how probable so many lost, or more, are where the target is kept; 1 where they are too few to say."""
    if lost < thresholds.LEAST_LOSSES:
        return 1.0
    expected = START * TARGET
    score = 1.5 * (math.cbrt(lost - 0.5) ** 2 - math.cbrt(expected) ** 2) / expected ** (1 / 6) / math.sqrt(1 - TARGET)
    return math.erfc(score / math.sqrt(2)) / 2 if score > 0 else 1.0


@pytest.mark.parametrize(("start", "target"), [(400, 0.03), (60, 0.2), (5000, 0.01), (300, 0.6)])
def test_chance_of_a_miss_is_about_that_of_the_binomial_distribution_and_not_less(start: int, target: float) -> None:
    """Few of many are skewed: the plain normal distribution would tell twice as many by chance."""
    for surprise in (2.5, 3.5):
        lost = math.ceil(start * target + surprise * math.sqrt(start * target * (1 - target)))
        exact = sum(
            math.exp(
                math.lgamma(start + 1)
                - math.lgamma(k + 1)
                - math.lgamma(start - k + 1)
                + k * math.log(target)
                + (start - k) * math.log1p(-target)
            )
            for k in range(lost, start + 1)
        )
        expected = start * target
        above = math.cbrt(lost - 0.5) ** 2 - math.cbrt(expected) ** 2
        score = 1.5 * above / expected ** (1 / 6) / math.sqrt(1 - target)
        assert 0.8 <= math.erfc(score / math.sqrt(2)) / 2 / exact <= 2.5


def told(chances: list[float]) -> set[int]:
    """Return which tests Benjamini and Hochberg (1995) reject, by the procedure of the paper."""
    ranked = sorted(range(len(chances)), key=chances.__getitem__)
    last = 0
    for rank, number in enumerate(ranked, 1):
        if chances[number] <= rank * thresholds.FALSE_DISCOVERIES / len(chances):
            last = rank
    return set(ranked[:last])


@pytest.mark.parametrize("seed", range(3))
def test_rules_tell_the_segments_that_the_procedure_of_the_paper_tells(seed: int) -> None:
    """A third of the plans really miss; the rest are as good as their target."""
    draws = random.Random(seed)
    rates = [0.055 if number % 3 == 0 else TARGET for number in range(24)]
    lost = [sum(draws.random() < rate for _ in range(START)) for rate in rates]
    chances = [chance_of(count) for count in lost]
    scenario = of_plans(lost, START, TARGET)
    found = scenario.values(segments.CHANCE, 5)
    expected = {f"plan churn_standard p{number:02} 30d": chance for number, chance in enumerate(chances)}
    assert found == pytest.approx(expected, abs=1e-6)
    firing = scenario.values(f"{segments.CHANCE} <= on () group_left () {segments.LIMIT}", 5)
    assert {int(labels.split()[2][1:]) for labels in firing} == told(chances)


def test_forty_segments_that_keep_their_targets_are_told_in_one_of_twenty_draws_at_most() -> None:
    """Whoever looks at forty plans sees two of them miss at 95 % each, every day."""
    draws = random.Random(9)
    false = 0
    for _ in range(400):
        lost = [sum(draws.random() < TARGET for _ in range(START)) for _ in range(40)]
        false += bool(told([chance_of(count) for count in lost]))
    assert false <= 400 * thresholds.FALSE_DISCOVERIES
