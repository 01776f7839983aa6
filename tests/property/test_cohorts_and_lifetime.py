"""Cohorts and lifetimes are exactly what the definitions say, whatever arrived in whatever order.

The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis.customer.state import decode
from kpis.instants import instant_of
from kpis.population.episodes import StretchCollector, Stretches
from kpis.population.lifetime import Durations, survival
from kpis.population.local_time import local_time
from schemas.documents.document import plain
from schemas.instants import milliseconds
from tenure.reports.cohorts import cohort_report, tables_of
from tenure.reports.lifetime import lifetime_report
from tests.property.any_order import INSTANTS, Arrival, arrivals_of
from tests.property.cases import bounded, differences
from tests.property.folding import Folded
from tests.recount.cohorts import cohort_rows
from tests.recount.customers import read
from tests.recount.lifetime import Episode, curve, lifetimes
from tests.recount.test_any_order import BY

ZONES = ("UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe")
DIMENSIONS = st.sampled_from((None, *BY))
PERIODS = st.sampled_from(("month", "week"))
#: Boundaries of buckets in the years around the logs, whatever the bucket and the zone.
ANY_INSTANT = st.one_of(
    st.sampled_from(INSTANTS), st.integers(-4000, 9000).map(lambda hours: INSTANTS[0] + timedelta(hours=hours))
)


def stretches_of(folded: Folded) -> list[Stretches]:
    """Return when the customers of all partitions were active, taken in two slices each."""
    found = []
    for names, states in zip(folded.names, folded.states, strict=True):
        collector = StretchCollector(names, bucket_ms=folded.windows.bucket_ms, what=folded.what)
        customers = [decode(state) for state in states.values()]
        collector.take(customers[::2])
        collector.take(customers[1::2])
        found.append(collector.stretches())
    return found


def in_zone(arrival: Arrival, zone: str) -> Arrival:
    """Return an arrival in another business time zone, with buckets that divide its offsets."""
    return arrival._replace(options=replace(arrival.options, business_time_zone=zone, bucket_minutes=15))


def rows_of(stretches: list[Stretches], at: datetime, period: str, by: str | None, zone: str) -> list[dict[str, Any]]:
    """Return the rows of a report of cohorts, of all customers or of a dimension, as `cohort_rows` has them."""
    report = cohort_report(
        stretches, at_ms=milliseconds(at), period=period, by=() if by is None else (by,), time_zone=zone, currency="USD"
    )
    rows: list[dict[str, Any]] = []
    for dimension, value, table in tables_of(report):
        if dimension != (by or ""):
            continue
        for cohort in table.cohorts:
            start = {"dimension": dimension, "value": value, "cohort": cohort.cohort, "size": cohort.size}
            empty = dict.fromkeys(("matured", "active", "share", "mrr_net", "mrr_gross"))
            rows.append({**start, "period": 0, **empty, "mrr_start": cohort.mrr_start})
            rows += [{**start, **plain(period)} for period in cohort.periods]
    return rows


@bounded(200)
@given(arrivals_of(), ANY_INSTANT, PERIODS, DIMENSIONS, st.sampled_from(ZONES))
def test_every_cohort_equals_a_naive_recount(
    arrival: Arrival, at: datetime, period: Literal["month", "week"], by: str | None, zone: str
) -> None:
    """Sums by numpy and sums by hand have nothing in common but the definition."""
    arrival = in_zone(arrival, zone)
    ours = rows_of(stretches_of(arrival.folded()), at, period, by, zone)
    expected = [asdict(row) for row in cohort_rows(read(arrival.log, arrival.options), at, period, by)]
    assert not differences(ours, expected)


@bounded(200)
@given(arrivals_of(), ANY_INSTANT, DIMENSIONS)
def test_every_lifetime_equals_a_naive_recount(arrival: Arrival, at: datetime, by: str | None) -> None:
    """The curve is only as right as the episodes that it is drawn from."""
    folded = arrival.folded()
    report = lifetime_report(
        stretches_of(folded),
        at_ms=milliseconds(at),
        bucket_ms=folded.windows.bucket_ms,
        by=() if by is None else (by,),
    )
    ours = {"": plain(report.all)} if by is None else plain(report)["segments"][by]
    expected = lifetimes(read(arrival.log, arrival.options), at, by)
    assert set(ours) == set(expected)
    for value, found in ours.items():
        check_curve(found, expected[value])


def check_curve(ours: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare two curves: counts exactly, what is made of logarithms to nine digits."""
    assert ours.keys() == expected.keys()
    rows = [(ours, expected)]
    for name in ("survival", "points"):
        rows += zip(ours[name], expected[name], strict=True)
    for one, other in rows:
        check_numbers(one, other)


def check_numbers(ours: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compare numbers by name; what does not exist is None on both sides."""
    for name, number in expected.items():
        if isinstance(number, float):
            assert ours[name] == pytest.approx(number, rel=1e-9), name
        elif not isinstance(number, list):
            assert ours[name] == number, name


@bounded(60)
@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=40))
def test_the_curve_equals_one_computed_day_by_day_in_fractions(drawn: list[tuple[int, bool]]) -> None:
    """Deaths before censorings, and a median at exactly one half, are where estimates go wrong by one."""
    episodes = [Episode(days, ended) for days, ended in drawn]
    found = Durations(*({n: sum(e == (n, ended) for e in episodes) for n in range(41)} for ended in (True, False)))
    ours, expected = survival(found), curve(episodes)
    assert (ours.median_days(), ours.longest_days) == (expected["median_days"], expected["longest_days"])
    assert ours.restricted_mean_days() == pytest.approx(expected["restricted_mean_days"], rel=1e-12)
    points = expected["points"]
    assert isinstance(points, list)
    for point, right in zip(ours.points, points, strict=True):
        low, high = point.interval or (None, None)
        check_numbers({**point._asdict(), "share": point.survival, "low": low, "high": high}, right)


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
