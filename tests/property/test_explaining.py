"""The members of a number add up to it, whatever arrived in whatever order.

Members are found from the definitions, customer by customer; the numbers come from rows and cells. Neither knows the
other, so each is a check of the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kpis.members.exclusions import EXCLUSIONS, Exclusions
from kpis.members.explain import Explained, Explaining
from kpis.members.lenses import DIFFERENCES
from kpis.members.rules import MEMBERSHIPS, Memberships
from kpis.members.view import Window
from schemas.catalogue.counts import COUNT_BY_NAME, COUNTS, FACTS_WITHOUT_EFFECT
from schemas.catalogue.formulas import Count
from schemas.instants import milliseconds
from tests.property.any_order import INSTANTS, Arrival, arrivals_of
from tests.property.candidates import candidates
from tests.property.cases import bounded
from tests.property.folding import Folded, Line
from tests.recount.test_any_order import BY, LOGS, SETTINGS, arrivals

DIMENSIONS = st.sampled_from((None, *BY))
WINDOWS = st.sampled_from(("1d", "7d", "30d", "90d", "365d", "month"))


def explained(
    folded: Folded, count: str, at: datetime, window: str, *, limit: int = 3, dimension: str | None = None
) -> Explained:
    """Return the members of a count of one window, over all partitions."""
    return explained_shares(folded, MEMBERSHIPS[count], at, window, EXCLUSIONS[count], limit=limit, dimension=dimension)


def explained_shares(
    folded: Folded,
    shares: Memberships,
    at: datetime,
    window: str,
    misses: Exclusions | None = None,
    *,
    limit: int = 0,
    dimension: str | None = None,
) -> Explained:
    """Return the members of anything that customers have shares in."""
    windows = folded.windows
    boundary = milliseconds(at) // windows.bucket_ms
    start = windows.start(window, boundary)
    span = Window(start * windows.bucket_ms, boundary * windows.bucket_ms, windows.bucket_ms)
    explaining = Explaining(shares, misses, span, folded.what, limit=limit, dimension=dimension)
    for number, states in enumerate(folded.states):
        for candidate in candidates(span, folded.what, number, folded.names[number], states.items()):
            explaining.take(candidate)
    return explaining.explained()


def numbers_of(count: Count, entries: dict[str, Any], window: str) -> dict[str, int]:
    """Return a count by value of a dimension, or by kind, without zeros, as the counters have it."""
    if count is FACTS_WITHOUT_EFFECT:
        found: dict[str, int] = entries[""]["windows"][window][count.name]
    else:
        found = {
            value: (entry["totals"] if count.kind == "stock" else entry["windows"][window])[count.name]
            for value, entry in entries.items()
        }
    return {value: amount for value, amount in found.items() if amount}


@bounded(150)
@given(arrivals_of(), st.sampled_from(INSTANTS), WINDOWS, DIMENSIONS)
def test_members_of_every_count_add_up_to_the_number_in_every_segment(
    arrival: Arrival, at: datetime, window: str, dimension: str | None
) -> None:
    """An explanation that does not add up explains another number."""
    folded = arrival.folded()
    (report,) = folded.report([at], [dimension] if dimension else [])
    entries = report["segments"][dimension] if dimension else {"": report}
    for count in COUNTS if dimension else (*COUNTS, FACTS_WITHOUT_EFFECT):
        found = explained(folded, count.name, at, window, dimension=dimension)
        without_zeros = {value: amount for value, amount in found.by_value.items() if amount}
        assert without_zeros == numbers_of(count, entries, window), count.name
        for member in found.members:
            assert member.whys, (count.name, member)
            assert sum(why.amount for why in member.whys) == member.amount, (count.name, member)
        for miss in found.near_misses:
            assert miss.whys, (count.name, miss)
            assert miss.amount == 0, (count.name, miss)


@bounded(100)
@given(arrivals_of(), st.sampled_from(INSTANTS), WINDOWS)
def test_lenses_differ_by_exactly_the_customers_that_are_named(arrival: Arrival, at: datetime, window: str) -> None:
    """Two figures for churn are believed once every customer between them has a name."""
    folded = arrival.folded()
    (report,) = folded.report([at], [])
    counts = report["windows"][window]
    sums = {name: explained_shares(folded, shares, at, window).total for name, shares in DIFFERENCES.items()}
    of_start = counts["cancellations"] - counts["cancellations_of_new"]
    standard = counts["customers_lost"] + sums["returned"] + sums["repeated"]
    assert (standard, standard + sums["of_new"]) == (of_start, counts["cancellations"])


def stories(folded: Folded, at: datetime) -> list[str]:
    """Return what is told of members and near misses, but for where their records lie."""
    out: list[str] = []
    for count in MEMBERSHIPS:
        found = explained(folded, count, at, "30d", limit=100)
        for member in (*found.members, *found.near_misses):
            whys = [(why.amount, why.rule, [(e.text, e.identity) for e in why.events]) for why in member.whys]
            out.append(repr((count, member.customer_id, whys)))
    return sorted(out)


@bounded(60)
@given(st.data(), LOGS, SETTINGS, st.sampled_from(INSTANTS))
def test_two_orders_of_arrival_tell_the_same_story(data: st.DataObject, log: Any, options: Any, at: datetime) -> None:
    """Why somebody counts cannot hang on whose records were faster."""
    one, other = (data.draw(arrivals(log)) for _ in range(2))
    first = Arrival(one, options, batch=2, partitions=2).folded()
    assert stories(first, at) == stories(Arrival(other, options, short_cuts=False).folded(), at)


@bounded(60)
@given(arrivals_of())
def test_every_event_that_is_told_lies_where_it_is_said_to_lie(arrival: Arrival) -> None:
    """Somebody who looks a record up must find the event that decided, and no other one."""
    folded = arrival.folded()
    for count in (*COUNT_BY_NAME, FACTS_WITHOUT_EFFECT.name):
        found = explained(folded, count, INSTANTS[0], "365d", limit=100)
        for member in (*found.members, *found.near_misses):
            for event in (event for why in member.whys for event in why.events):
                batch = folded.decoder.decode([Line(arrival.records[event.offset])])
                (decoded,) = batch.events
                identity = folded.folds[0].context.identity_of(decoded.source, decoded.id)
                assert (decoded.customer_id, batch.times[0]) == (member.customer_id, event.at_ms)
                assert (identity, event.topic) == (event.identity, "log")
