"""Lifetimes by hand and against lifelines, an implementation that others wrote."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, date, datetime
from random import Random

import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

from kpis.population.lifetime import Durations, Lifetime, durations, survival
from schemas.instants import milliseconds
from tests.recount.short_events import Event, cancel, change, signup
from tests.unit.kpis.stretches import HOUR_MS, stretches_of
from tests.unit.test_telco import TABLE, events, stays

T_MS = milliseconds(datetime(2026, 3, 1, tzinfo=UTC))
LIVES: dict[str, tuple[list[Event], tuple[dict[int, int], dict[int, int]]]] = {
    "nobody": ([], ({}, {})),
    "open since ten days": ([signup("c", "2026-02-19")], ({}, {10: 1})),
    "not yet a whole day": ([signup("c", "2026-02-28T00:00:00.001Z")], ({}, {0: 1})),
    "a signup at T has not happened": ([signup("c", "2026-03-01")], ({}, {})),
    "a cancel before T is a death": ([signup("c", "2026-02-01"), cancel("c", "2026-02-28")], ({27: 1}, {})),
    "a cancel at T has not happened": ([signup("c", "2026-02-01"), cancel("c", "2026-03-01")], ({}, {28: 1})),
    "days are whole ones": ([signup("c", "2026-02-01"), cancel("c", "2026-02-02T23:59:59.999Z")], ({1: 1}, {})),
    "gone within the day": ([signup("c", "2026-02-01"), cancel("c", "2026-02-01T01:00:00Z")], ({0: 1}, {})),
    "what interrupts within one bucket ends none": (
        [signup("c", "2026-02-01"), cancel("c", "2026-02-10T10:00:00Z"), signup("c", "2026-02-10T10:59:59.999Z")],
        ({}, {28: 1}),
    ),
    "what interrupts over the end of a bucket ends one": (
        [signup("c", "2026-02-01"), cancel("c", "2026-02-10T10:59:59.999Z"), signup("c", "2026-02-10T11:00:00Z")],
        ({9: 1}, {18: 1}),
    ),
    "a trial is no stay": (
        [signup("c", "2026-02-01", trial=True), change("c", "2026-02-15"), change("c", "2026-02-20", "team", 9)],
        ({}, {14: 1}),
    ),
    "another subscription goes on": (
        [signup("c", "2026-02-01"), signup("c", "2026-02-05", subscription_id="b"), cancel("c", "2026-02-10")],
        ({}, {28: 1}),
    ),
    "each stay counts for itself": (
        [signup("c", "2026-01-01"), cancel("c", "2026-01-11"), signup("c", "2026-02-01"), signup("c", "2026-02-02")],
        ({10: 1}, {28: 1}),
    ),
}


@pytest.mark.parametrize(("told", "expected"), LIVES.values(), ids=LIVES)
def test_durations_hold_what_was_counted_by_hand(
    told: list[Event], expected: tuple[dict[int, int], dict[int, int]]
) -> None:
    """An episode is a death or censored, and lasts so many whole days."""
    assert durations(stretches_of(told), at_ms=T_MS, bucket_ms=HOUR_MS) == {"": expected}


def test_a_segment_s_durations_are_those_of_its_customers() -> None:
    """All that a customer ever does counts where the first signup counts."""
    told = [
        signup("c", "2026-01-01", "basic"),
        cancel("c", "2026-01-11"),
        signup("c", "2026-02-01", "pro"),
        signup("d", "2026-02-20", "pro"),
    ]
    found = durations(stretches_of(told, partitions=3), at_ms=T_MS, bucket_ms=HOUR_MS, dimension="plan")
    assert found == {"basic": ({10: 1}, {28: 1}), "pro": ({}, {9: 1})}


def test_the_curve_of_a_textbook_holds() -> None:
    """Freireich's trial of 6-MP, weeks of remission: the example that the method is taught with."""
    # Source: Freireich et al. (1963), Blood 21, 699-716; Cox and Oakes (1984), Analysis of Survival Data, estimate it.
    deaths = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
    censored = {6: 1, 9: 1, 10: 1, 11: 1, 17: 1, 19: 1, 20: 1, 25: 1, 32: 2, 34: 1, 35: 1}
    curve = survival(Durations(deaths, censored))
    found = {point.days: f"{point.survival:.3f}" for point in curve.points if point.deaths}
    assert found == {6: "0.857", 7: "0.807", 10: "0.753", 13: "0.690", 16: "0.627", 22: "0.538", 23: "0.448"}
    assert curve.median_days() == 23
    assert [point.at_risk for point in curve.points][:4] == [21, 17, 16, 15]


def test_a_curve_without_episodes_has_no_numbers() -> None:
    """Nobody stays no time at all: what does not exist is not 0."""
    curve = survival(Durations({}, {0: 0}))
    assert (curve.points, curve.longest_days) == ((), None)
    assert (curve.median_days(), curve.restricted_mean_days(), curve.at(0)) == (None, None, None)


def test_beyond_the_longest_stay_nothing_is_known_unless_nobody_is_left() -> None:
    """A curve that is drawn on from its last point says that nobody leaves any more."""
    going_on, over = survival(Durations({5: 1}, {10: 1})), survival(Durations({5: 1, 10: 1}, {}))
    for curve, later in ((going_on, None), (over, 0.0)):
        shares = [None if point is None else point.survival for point in map(curve.at, (0, 4, 5, 9, 11, 365))]
        assert shares == [1.0, 1.0, 0.5, 0.5, later, later]


def test_there_is_no_interval_where_nobody_has_left_or_nobody_is_left() -> None:
    """Three customers who stay so far are no proof that all do."""
    curve = survival(Durations({3: 1, 9: 1}, {1: 1}))
    assert [point.interval is None for point in curve.points] == [True, False, True]


def test_half_is_reached_to_the_last_digit() -> None:
    """A product of rounded factors may miss one half, and with it the median, by the last digit."""
    for size in range(2, 400, 2):
        curve = survival(Durations(dict.fromkeys(range(size // 2), 1), {size: size // 2}))
        assert curve.median_days() == size // 2 - 1, size


def check_against_lifelines(lasted: list[int], ended: list[bool]) -> Lifetime:
    """Compare a whole curve and all that is derived from it with lifelines, and return ours."""
    pairs = list(zip(lasted, ended, strict=True))
    deaths, censored = Counter(d for d, e in pairs if e), Counter(d for d, e in pairs if not e)
    ours, theirs = survival(Durations(deaths, censored)), KaplanMeierFitter().fit(lasted, ended)
    days = [point.days for point in ours.points]
    shares = theirs.survival_function_at_times(days).tolist()
    assert [point.survival for point in ours.points] == pytest.approx(shares, abs=1e-9)
    table = theirs.event_table.loc[days, ["at_risk", "observed", "censored"]].to_numpy().tolist()
    assert [[point.at_risk, point.deaths, point.censored] for point in ours.points] == table
    bounds = theirs.confidence_interval_.loc[days].to_numpy().tolist()
    held = [(point.interval, bound) for point, bound in zip(ours.points, bounds, strict=True) if point.interval]
    assert [list(interval) for interval, _ in held] == [pytest.approx(bound, abs=1e-9) for _, bound in held]
    median = ours.median_days()
    assert (math.inf if median is None else median) == theirs.median_survival_time_
    mean = restricted_mean_survival_time(theirs, t=max(lasted))
    assert ours.restricted_mean_days() == pytest.approx(mean, rel=1e-9)
    return ours


def test_the_telco_customers_stay_as_long_as_lifelines_says() -> None:
    """The way from events over states to the curve, against one that begins at the rows of the table."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    episodes = stretches_of([dict(event) for event in events(date(2026, 1, 1))])
    (found,) = durations(episodes, at_ms=milliseconds(at), bucket_ms=HOUR_MS).values()
    rows = stays(TABLE, date(2026, 1, 1))
    lasted = [((stay.until or at) - stay.since).days for stay in rows]
    ours = check_against_lifelines(lasted, [stay.until is not None for stay in rows])
    assert survival(found) == ours
    assert (found.episodes, sum(found.deaths.values())) == (7043, 1869)


@pytest.mark.parametrize("seed", range(12))
def test_random_stays_have_the_curve_that_lifelines_finds(seed: int) -> None:
    """Ties, stays of no day and curves that end at 0 are where implementations differ."""
    random = Random(seed)
    size, longest = random.choice([1, 2, 5, 30, 500]), random.choice([3, 40, 800])
    lasted = [min(longest, int(random.expovariate(2 / longest))) for _ in range(size)]
    ended = [random.random() < random.choice([0.2, 0.9]) for _ in range(size)]
    assert check_against_lifelines(lasted, ended).longest_days == max(lasted)
