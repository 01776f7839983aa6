"""Spells after answers are what the definitions say, whatever arrived in whatever order.

The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kpis.customer.state import decode
from kpis.population.feedback_scan import FeedbackScan
from kpis.population.lifetime import durations
from kpis.population.stays import past_until
from schemas.documents.document import plain
from schemas.instants import DAY_MS, milliseconds
from tenure.reports.feedback import kinds_of
from tests.property.any_order import INSTANTS, Arrival, arrivals_of
from tests.property.cases import bounded
from tests.property.folding import Folded
from tests.property.test_cohorts_and_lifetime import check_curve, stretches_of
from tests.recount.customers import read
from tests.recount.feedback import spells
from tests.recount.lifetime import curve
from tests.recount.test_any_order import COMMON, EVENTS, drawn, joined, some

ANSWERS = joined(
    COMMON,
    drawn(type=["survey"], kind=["nps"], score=[0, 6, 7, 8, 9, 10]),
    some(status=["sent", "answered", "answered", "dismissed"]),
)
LOGS = st.lists(st.one_of(EVENTS, ANSWERS), max_size=25)
AT = st.sampled_from(INSTANTS)


def feedback_of(folded: Folded, at: datetime) -> FeedbackScan:
    """Return the spells of the customers of all partitions."""
    scan = FeedbackScan(at_ms=milliseconds(at), bucket_ms=folded.windows.bucket_ms, what=folded.what)
    for names, states in zip(folded.names, folded.states, strict=True):
        for customer_id, state in states.items():
            scan.take(names, customer_id, decode(state))
    return scan


@bounded(200)
@given(arrivals_of(LOGS), AT)
def test_every_spell_equals_a_naive_recount(arrival: Arrival, at: datetime) -> None:
    """A curve is only as right as the spells that it is drawn from."""
    ours: Any = {
        name: plain(kind) for name, kind in kinds_of(feedback_of(arrival.folded(), at).durations(), {}).items()
    }
    expected = spells(read(arrival.log, arrival.options), at)
    assert {(kind, band) for kind, entry in ours.items() for band in entry["bands"]} == set(expected)
    for (kind, band), episodes in expected.items():
        shown = ours[kind]["bands"][band]
        right: Any = curve(episodes)
        check_curve(shown["curve"], right)
        at_thirty = right["survival"][1]["share"]
        assert shown["churn"][0]["share"] == (None if at_thirty is None else 1 - at_thirty)


@bounded(200)
@given(arrivals_of(), AT)
def test_stays_of_each_customer_are_the_episodes_of_all(arrival: Arrival, at: datetime) -> None:
    """There are two ways to them, and one meaning."""
    folded, at_ms = arrival.folded(), milliseconds(at)
    found = durations(stretches_of(folded), at_ms=at_ms, bucket_ms=folded.windows.bucket_ms)[""]
    days = []
    for states in folded.states:
        for state in states.values():
            past = past_until(decode(state), at_ms, folded.windows.bucket_ms, folded.what)
            days += [(stay.end_ms < at_ms, stay.days_from(stay.start_ms, at_ms)) for stay in past.stays]
            assert past.now.active == any(stay.end_ms > at_ms for stay in past.stays)
    expected = [(True, day) for day, count in found.deaths.items() for _ in range(count)]
    expected += [(False, day) for day, count in found.censored.items() for _ in range(count)]
    assert sorted(days) == sorted(expected)
    assert all(day * DAY_MS <= at_ms for _, day in days)
