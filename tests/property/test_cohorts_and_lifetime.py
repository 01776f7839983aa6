"""Cohorts and lifetimes are exactly what the definitions say, whatever arrived in whatever order.

The other side is `tests.oracle`, which shares no code with the product.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis.customer.state import decode
from kpis.instants import instant_of
from kpis.population.cohorts import PERIODS, Cohort, cohorts
from kpis.population.episodes import EpisodeCollector, Episodes
from kpis.population.lifetime import Durations, Lifetime, durations, survival
from kpis.population.local_time import local_time
from schemas.instants import milliseconds
from tests.oracle import cohorts as oracle_cohorts
from tests.oracle import lifetimes as oracle_lifetimes
from tests.oracle.logs import Log
from tests.property.cases import Case, bounded, cases, check_log, differences
from tests.property.folding import Folded

ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
SHAPES = ("first slice", "everything", "first weeks")


def episodes_of(folded: Folded) -> list[Episodes]:
    """Return the episodes of all partitions, taken in two slices each."""
    found = []
    for names, states in zip(folded.names, folded.states, strict=True):
        gathering = EpisodeCollector(names)
        customers = [decode(state) for state in states.values()]
        gathering.take(customers[::2])
        gathering.take(customers[1::2])
        found.append(gathering.episodes())
    return found


def lives_of_log(case: Case, log: Log) -> list[Episodes]:
    """Fold a log and return the episodes of its customers."""
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    folded.batches(log.records, case.batch)
    return episodes_of(folded)


def written_out(tables: dict[str, list[Cohort]]) -> dict[str, object]:
    """Return tables as plain objects; the order of cohorts is checked on the way."""
    for table in tables.values():
        assert [cohort.name for cohort in table] == sorted(cohort.name for cohort in table)
    return {
        value: {c.name: {"size": c.size, "lived": list(c.matured), "there": list(c.active)} for c in table}
        for value, table in tables.items()
    }


def expected_cohorts(log: Log, at: datetime, period: str, by: str | None) -> dict[str, object]:
    """Return the oracle's tables in the same form."""
    tables = oracle_cohorts.cohort_rows(log.records, at=at, period=period, by=by, options=log.options)
    return {
        value: {
            name: {"size": row.size, "lived": list(row.lived.values()), "there": list(row.there.values())}
            for name, row in table.items()
        }
        for value, table in tables.items()
    }


def instants_of(case: Case, log: Log) -> list[datetime]:
    """Return instants to ask for: those of the log, and a boundary somewhere in the year around its end."""
    hour = case.random("at").randrange(-4000, 4000)
    return [*log.at[-2:], log.at[-1] + timedelta(hours=hour)]


def _wrong_cohorts(case: Case, log: Log) -> list[str]:
    episodes = lives_of_log(case, log)
    clock = local_time(log.options.time_zone)
    wrong: list[str] = []
    for at in instants_of(case, log):
        for by in (None, *log.by):
            period = case.random(f"{at}{by}").choice(PERIODS)
            ours = cohorts(episodes, at_ms=milliseconds(at), clock=clock, period=period, dimension=by)
            expected = expected_cohorts(log, at, period, by)
            wrong += differences(written_out(ours), expected, f"{at} {period} {by}")
    return wrong


@bounded(40)
@given(cases(*SHAPES))
def test_every_cohort_equals_a_naive_recount(case: Case) -> None:
    """Sums by numpy and sums by hand have nothing in common but the definition."""
    check_log(case, case.log(), lambda log: _wrong_cohorts(case, log))


def _wrong_durations(case: Case, log: Log) -> list[str]:
    episodes = lives_of_log(case, log)
    wrong: list[str] = []
    for at in instants_of(case, log):
        for by in (None, *log.by):
            ours = durations(episodes, at_ms=milliseconds(at), dimension=by)
            stays = oracle_lifetimes.stays(log.records, at=at, by=by, options=log.options)
            expected = {value: oracle_lifetimes.counts_of(found) for value, found in stays.items()}
            plain = {value: (dict(found.deaths), dict(found.censored)) for value, found in ours.items()}
            if plain != expected:
                wrong.append(f"{at} {by}: {plain}, expected {expected}")
    return wrong


@bounded(40)
@given(cases(*SHAPES))
def test_every_duration_equals_a_naive_recount(case: Case) -> None:
    """The curve is only as right as the episodes that it is drawn from."""
    check_log(case, case.log(), lambda log: _wrong_durations(case, log))


@bounded(60)
@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=40))
def test_the_curve_equals_one_computed_day_by_day_in_fractions(drawn: list[tuple[int, bool]]) -> None:
    """Deaths before censorings, and a median at exactly one half, are where estimates go wrong by one."""
    stays = [oracle_lifetimes.Stay(days, ended) for days, ended in drawn]
    ours = survival(Durations(*oracle_lifetimes.counts_of(stays)))
    assert ours.median_days() == oracle_lifetimes.median(stays)
    mean = oracle_lifetimes.restricted_mean(stays)
    assert mean is not None
    assert ours.restricted_mean_days() == pytest.approx(float(mean), rel=1e-12)
    assert ours.longest_days == max(days for days, _ in drawn)
    for point in ours.points:
        assert point.survival == float(oracle_lifetimes.survival_at(stays, point.days))
        expected = oracle_lifetimes.interval_at(stays, point.days)
        if expected is None:
            assert point.interval is None
        else:
            assert point.interval == pytest.approx(expected, rel=1e-9)
            assert 0 <= expected[0] <= point.survival <= expected[1] <= 1
    _check_days(ours, stays)


def _check_days(ours: Lifetime, stays: list[oracle_lifetimes.Stay]) -> None:
    longest = max(stay.days for stay in stays)
    for days in range(longest + 3):
        point, expected = ours.at(days), float(oracle_lifetimes.survival_at(stays, days))
        if days > longest and expected:
            assert point is None
        else:
            assert point is not None
            assert point.survival == expected


@bounded(30)
@given(st.sampled_from(ZONES), st.integers(0, 2**32))
def test_the_clock_on_the_wall_and_back_agree_with_the_standard_library(zone: str, seed: int) -> None:
    """An hour that is left out or comes twice decides whether a period has passed."""
    random = Random(seed)
    clock = local_time(zone)
    near = random.choice(clock._changes.tolist() or [0])
    at_ms = [near + random.randrange(-90_000_000, 90_000_000) for _ in range(20)] + [near, near - 1]
    at_ms = [instant for instant in at_ms if instant > milliseconds(datetime(1999, 1, 3, tzinfo=UTC))]
    walls = clock.wall(np.array(at_ms, np.int64)).tolist()
    naive = [datetime(1970, 1, 1) + timedelta(milliseconds=wall) for wall in walls]  # noqa: DTZ001 - a clock's face
    assert naive == [instant_of(instant).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for instant in at_ms]
    shifted = [face + timedelta(minutes=random.randrange(-90, 90)) for face in naive]
    faces = [(face - datetime(1970, 1, 1)) // timedelta(milliseconds=1) for face in shifted]  # noqa: DTZ001 - as above
    back = clock.instant(np.array(faces, np.int64)).tolist()
    assert back == [milliseconds(face.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)) for face in shifted]
