"""Cohorts, lifetimes, reasons and features of small logs, by hand.

Definitions: section 5.
"""

from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from itertools import starmap

import pytest
from lifelines import KaplanMeierFitter

from tests.recount.cohorts import cohort_rows
from tests.recount.customers import read
from tests.recount.instants import instant_ms
from tests.recount.lifetime import (
    Episode,
    curve,
    episodes_of,
    interval,
    lifetimes,
    median_days,
    restricted_mean_days,
    survival,
)
from tests.recount.options import DEFAULTS, Options
from tests.recount.reasons import largest, reasons
from tests.recount.short_events import Event, T, activity, cancel, change, pause, signup, survey

PAUSED_ARE_LOST = Options(paused_customers="lost")


def episodes(log: list[Event], options: Options = DEFAULTS, at: datetime = T) -> list[Episode]:
    """Return the episodes of the customer `a`."""
    return episodes_of(read(log, options).customers["a"].timeline, instant_ms(at))


# Cohorts.


def test_a_cohort_is_who_was_first_active_in_its_month() -> None:
    """Not who signed up: a trial that converts in January is of January."""
    log = [
        signup("a", "2025-12-20", trial=True),
        change("a", "2026-01-03"),
        signup("b", "2025-12-10"),
        cancel("b", "2026-01-05"),
    ]
    log += [
        signup("c", "2025-12-11", mrr_minor=1_000),
        change("c", "2026-01-02", mrr_minor=1_500),
        signup("d", "2026-01-20", "free", 0),
    ]
    rows = cohort_rows(read(log, DEFAULTS), T, "month")
    assert [(row.cohort, row.period, row.size, row.matured, row.active) for row in rows] == [
        ("2025-12", 0, 2, None, None),
        ("2025-12", 1, 2, 2, 1),
        ("2026-01", 0, 1, None, None),
    ]
    assert [(row.mrr_start, row.mrr_net, row.mrr_gross) for row in rows] == [
        (5_900, None, None),
        (5_900, 1_500, 1_000),
        (4_900, None, None),
    ]


def test_a_row_is_of_those_whose_period_is_over_by_t() -> None:
    """One that is over at T itself counts, and the state then is that after all facts before it."""
    log = [signup("a", "2026-01-01"), cancel("a", "2026-02-01"), signup("b", "2026-01-01T00:00:00.001Z")]
    rows = cohort_rows(read(log, DEFAULTS), T, "month")
    assert [(row.period, row.size, row.matured, row.active, row.share) for row in rows] == [
        (0, 2, None, None, None),
        (1, 2, 1, 1, 1.0),
    ]


def test_revenue_of_a_cohort_begins_at_the_end_of_the_bucket_in_which_it_was_first_active() -> None:
    """What a customer chooses within the first hour is its start."""
    log = [signup("a", "2025-12-10T10:00:00Z", mrr_minor=1_000), change("a", "2025-12-10T10:59:00Z", mrr_minor=3_000)]
    log += [
        signup("b", "2025-12-10T10:00:00Z"),
        cancel("b", "2025-12-10T10:30:00Z"),
        signup("b", "2025-12-20", mrr_minor=700),
    ]
    (start, later) = cohort_rows(read(log, DEFAULTS), T, "month")
    assert (start.size, start.mrr_start) == (2, 3_000)
    assert (later.active, later.mrr_net, later.mrr_gross) == (2, 3_700, 3_000)


def test_months_clip_to_their_last_day_and_hours_that_do_not_exist_take_fold_0() -> None:
    """31 January and two months are 31 March, whatever February was; 02:30 of 29 March does not exist in Berlin."""
    zone = Options(business_time_zone="Europe/Berlin")
    log = [
        signup("a", "2026-01-31T11:00:00Z"),
        cancel("a", "2026-02-28T12:00:00Z"),
        signup("a", "2026-03-31T09:59:59.999Z"),
    ]
    rows = cohort_rows(read(log, zone), datetime(2026, 3, 31, 10, tzinfo=UTC), "month")
    assert [row.active for row in rows] == [None, 1, 1]
    odd = [signup("a", "2026-02-28T01:30:00Z", country="DE"), signup("b", "2026-03-01T01:30:00Z")]
    weeks = cohort_rows(read(odd, zone), datetime(2026, 3, 29, 1, tzinfo=UTC), "week")
    assert [row.cohort for row in weeks if row.period == 0] == ["2026-W09"]
    assert [(row.period, row.matured) for row in weeks][-1] == (4, 1)
    assert cohort_rows(read(odd[1:], zone), datetime(2026, 3, 29, 2, tzinfo=UTC), "week")[-1].period == 4


def test_cohorts_are_named_by_local_months_and_iso_weeks() -> None:
    """The last hours of a year in UTC are the next year in Tokyo, and the week belongs to the year of its Thursday."""
    log = [signup("a", "2025-12-31T15:00:00Z")]
    tokyo = read(log, Options(business_time_zone="Asia/Tokyo"))
    assert cohort_rows(tokyo, T, "month")[0].cohort == "2026-01"
    assert cohort_rows(read(log, DEFAULTS), T, "month")[0].cohort == "2025-12"
    assert cohort_rows(read(log, DEFAULTS), T, "week")[0].cohort == "2026-W01"


def test_cohorts_by_a_dimension_stay_where_customers_began() -> None:
    """For the plan that is the one with which they count as new."""
    log = [signup("a", "2025-12-10T10:00:00Z", "mini", country="PT"), change("a", "2025-12-10T10:30:00Z", "pro")]
    book = read([*log, change("a", "2025-12-20", "team")], DEFAULTS)
    assert {(row.dimension, row.value) for row in cohort_rows(book, T, "month", "plan")} == {("plan", "pro")}
    assert {(row.dimension, row.value) for row in cohort_rows(book, T, "month", "country")} == {("country", "PT")}


# Lifetime.


def test_an_episode_lasts_whole_days_from_its_first_fact_to_its_last() -> None:
    """Who comes back begins another one, which is censored as of T."""
    log = [
        signup("a", "2025-12-10T10:00:00Z"),
        cancel("a", "2025-12-12T09:59:59.999Z"),
        signup("a", "2026-01-31T00:00:00.001Z"),
    ]
    assert episodes(log) == [Episode(1, ended=True), Episode(0, ended=False)]
    assert episodes(log, at=datetime(2025, 12, 12, 9, tzinfo=UTC)) == [Episode(1, ended=False)]


def test_an_interruption_within_a_bucket_ends_no_episode() -> None:
    """Neither in its middle nor in its first bucket; in its last one it ends with the fact that ended it last."""
    log = [
        signup("a", "2025-12-10T10:00:00Z"),
        cancel("a", "2025-12-10T10:20:00Z"),
        signup("a", "2025-12-10T10:40:00Z"),
    ]
    log += [cancel("a", "2025-12-20T10:20:00Z"), signup("a", "2025-12-20T10:40:00Z")]
    log += [
        cancel("a", "2025-12-30T10:10:00Z"),
        signup("a", "2025-12-30T10:15:00Z"),
        cancel("a", "2025-12-30T10:30:00Z"),
    ]
    assert episodes(log) == [Episode(20, ended=True)]


def test_who_comes_and_goes_within_a_bucket_dies_after_0_days() -> None:
    """It was a customer all the same."""
    log = [signup("a", "2025-12-10T10:00:00Z"), cancel("a", "2025-12-10T10:59:00Z")]
    assert episodes(log) == [Episode(0, ended=True)]


def test_a_pause_ends_an_episode_only_where_paused_customers_are_lost() -> None:
    """An episode is one of activity, and the setting says what that is."""
    log = [signup("a", "2025-12-10"), pause("a", "2025-12-20")]
    assert episodes(log) == [Episode(53, ended=False)]
    assert episodes(log, PAUSED_ARE_LOST) == [Episode(10, ended=True)]


def test_survival_takes_deaths_before_censorings() -> None:
    """Who is censored on a day was at risk on it: 1 − 1/5, times 1 − 1/3."""
    found = list(starmap(Episode, [(2, True), (2, False), (5, True), (7, False), (9, False)]))
    assert [survival(found, days) for days in (1, 2, 5, 9)] == [1, Fraction(4, 5), Fraction(8, 15), Fraction(8, 15)]
    assert restricted_mean_days(found) == 2 + 3 * Fraction(4, 5) + 4 * Fraction(8, 15)
    assert median_days(found) is None
    assert median_days([*found, Episode(7, ended=True)]) == 7


def test_survival_and_intervals_are_those_of_lifelines() -> None:
    """An implementation that many use agrees to the last digits, also with many ties."""
    found = list(starmap(Episode, [(day * 7 % 40, day % 3 > 0) for day in range(1, 90)]))
    fitter = KaplanMeierFitter().fit([each.days for each in found], [each.ended for each in found])
    bounds = fitter.confidence_interval_
    for days in (1, 7, 20, 30):
        low, high = interval(found, days) or (0.0, 0.0)
        assert float(survival(found, days)) == pytest.approx(fitter.predict(days), rel=1e-12)
        assert (low, high) == pytest.approx(tuple(bounds.loc[days]), rel=1e-9)
    assert median_days(found) == fitter.median_survival_time_


def test_a_curve_has_no_share_beyond_the_longest_episode_unless_all_have_ended() -> None:
    """Nobody has been seen for so long; and where S is 0 or 1 there is no interval."""
    absent = {"share": None, "low": None, "high": None}
    certain = {"low": None, "high": None}
    going_on = curve([Episode(10, ended=False), Episode(8, ended=False)])
    assert going_on["survival"] == [
        {"days": 7, "share": 1.0} | certain,
        *({"days": days} | absent for days in (30, 90, 365)),
    ]
    ended = curve([Episode(10, ended=True)])
    assert ended["survival"] == [
        {"days": 7, "share": 1.0} | certain,
        *({"days": days, "share": 0.0} | certain for days in (30, 90, 365)),
    ]
    assert (ended["median_days"], ended["restricted_mean_days"], ended["deaths"]) == (10, 10.0, 1)
    assert (curve([])["median_days"], curve([])["restricted_mean_days"], curve([])["longest_days"]) == (
        None,
        None,
        None,
    )


def test_lifetimes_by_a_dimension_stay_where_customers_began() -> None:
    """Who moved to another plan stays in the curve of the first one."""
    log = [signup("a", "2025-12-10", "p"), change("a", "2025-12-20", "q", 9_900), signup("b", "2025-12-10", "q")]
    found = lifetimes(read(log, DEFAULTS), T, "plan")
    assert {value: each["episodes"] for value, each in found.items()} == {"p": 1, "q": 1}
    assert lifetimes(read([], DEFAULTS), T)[""]["episodes"] == 0


# Reasons and features.


def test_cancellations_are_counted_by_their_reasons() -> None:
    """Those of the window, by reason and by the plan before; voluntary and involuntary apart."""
    log = [signup(name, "2025-12-10", name) for name in "abc"]
    log += [
        cancel("a", "2026-01-09", reason="Too expensive"),
        cancel("b", "2026-01-09", involuntary=True),
        pause("c", "2026-01-09"),
    ]
    book = read(log, PAUSED_ARE_LOST)
    found = Counter({"too_expensive": 1, "unspecified": 1, "paused": 1})
    assert reasons(book, T, "month", "cancellations") == {"": found}
    assert reasons(book, T, "month", "cancellations", involuntary=True) == {"": Counter({"unspecified": 1})}
    assert reasons(book, T, "month", "cancellations", "plan")["c"] == Counter({"paused": 1})
    assert reasons(book, T, "1d", "cancellations") == {}


def test_answers_are_counted_by_reason_and_engaged_customers_by_feature() -> None:
    """A customer counts once for each feature that it used, if it is active at the end."""
    log = [
        signup("a", "2025-12-10"),
        survey("a", "2026-01-09", score=3, reason="bugs"),
        survey("a", "2026-01-10", score=3),
    ]
    log += [survey("a", "2026-01-11", status="sent", reason="bugs"), activity("b", "2026-01-09", feature="export")]
    log += [activity("a", day, feature="export") for day in ("2026-01-09", "2026-01-10", "2025-12-31")]
    log += [activity("a", "2026-01-12"), activity("a", "2025-12-30", feature="search")]
    book = read(log, DEFAULTS)
    assert reasons(book, T, "month", "survey_answers") == {"": Counter({"bugs": 1, "none": 1})}
    assert reasons(book, T, "month", "features") == {"": Counter({"export": 1, "none": 1})}


def test_twenty_are_named_and_the_rest_is_other() -> None:
    """Equal counts go by their slugs, so that the list does not depend on the order of arrival."""
    counts = Counter({f"r{number:02}": 1 for number in reversed(range(24))}) + Counter({"r23": 1, "r22": 2})
    named = largest(counts)
    assert list(named)[:3] == ["r22", "r23", "r00"]
    assert (len(named), named["other"], sum(named.values())) == (21, 4, counts.total())
    assert "other" not in largest(Counter({"a": 1}))
