"""Series that go on: what is known beforehand of months to come, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from kpis.arrays import Floats
from kpis.population.monthly_levels import SEASONAL, STEADY, Setting, drawn_levels


def drawn(levels: Floats, noise: float = 1e-3, settings: tuple[Setting, ...] = SEASONAL) -> Floats:
    """Return 2,000 draws of the next twelve months of a series whose months are noisy alike."""
    random = np.random.default_rng(1)
    return drawn_levels(levels, np.full(len(levels), noise), 12, 2_000, random, settings)


@pytest.mark.parametrize("settings", [SEASONAL, STEADY])
def test_what_never_changed_is_not_expected_to(settings: tuple[Setting, ...]) -> None:
    """Two years of the same number: the middle is that number, and a year ahead is less sure than a month."""
    levels: Floats = np.full(24, 3.0)
    found = drawn(levels, settings=settings)
    assert np.median(found, 0) == pytest.approx(np.full(12, 3.0), abs=0.03)
    assert found[:, 11].std() > found[:, 0].std()


def test_a_trend_goes_on_and_weakens() -> None:
    """By what it rose in a year it rises in the next, but for a part."""
    middle = np.median(drawn(np.linspace(0, 23 * 0.04, 24)), 0)
    assert 0.24 < middle[-1] - 23 * 0.04 < 0.48
    assert (np.diff(middle) > 0).all()


def test_a_season_comes_again_once_it_was_seen_to() -> None:
    """After three years the next is known; after one its band holds both that it comes again and that it does not."""
    season = 0.4 * np.sin(2 * np.pi * np.arange(48) / 12)
    long, short = drawn(season[:36]), drawn(season[:12])
    assert np.median(long, 0) == pytest.approx(season[36:], abs=0.1)
    assert short.std(0).mean() > 2 * long.std(0).mean()


def test_months_that_are_noisy_beyond_chance_are_expected_to_be_so() -> None:
    """Months that scatter by a fifth, each counted exactly: so does the next one."""
    scatter = np.random.default_rng(3).normal(0, 0.2, 36)
    assert 0.15 < drawn(scatter, 1e-6)[:, 0].std() < 0.3
    assert drawn(np.zeros(36), 1e-6)[:, 0].std() < 0.05


def test_months_of_few_events_say_less_than_their_number() -> None:
    """One odd month among exact ones is an event; among noisy ones it is chance."""
    levels = np.append(np.zeros(23), 0.5)
    exact, noisy = (np.median(drawn(levels, noise)[:, 0]) for noise in (1e-4, 0.25))
    assert exact > 2 * noisy
    assert abs(noisy) < 0.1
