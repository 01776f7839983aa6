"""Numbers of a filter are those of the customers that it chooses, whatever arrived in whatever order.

The other side is `tests.recount`, which knows no filters: it counts a part of the customers.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kpis.counting.report import report_of_segments
from kpis.customer.state import decode
from kpis.filters import Filter, parse_filter
from kpis.members.explain import Explaining
from kpis.members.rules import MEMBERSHIPS
from kpis.members.view import Window
from kpis.population.combined import Combinations, CombiningCollector, filtered, together
from kpis.population.episodes import chosen
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.documents.document import plain
from schemas.instants import milliseconds
from tenure.reports.lifetime import lifetime_report
from tests.property.any_order import INSTANTS, Arrival, arrivals_of
from tests.property.candidates import candidates
from tests.property.cases import bounded, differences
from tests.property.folding import Folded
from tests.property.test_cohorts_and_lifetime import check_curve, rows_of, stretches_of
from tests.recount.cohorts import cohort_rows
from tests.recount.customers import Book, Customer, read
from tests.recount.lifetime import lifetimes
from tests.recount.report import report, windows_at
from tests.recount.test_any_order import BY

AT = st.sampled_from(INSTANTS)
_VALUES = ("none", "p", "q", "PT", "ads", "s", "m")


def _comparisons(dimensions: tuple[str, ...]) -> st.SearchStrategy[str]:
    names = st.sampled_from(dimensions)
    one = st.builds("{} = '{}'".format, names, st.sampled_from(_VALUES))
    other = st.builds('{} != "{}"'.format, names, st.sampled_from(_VALUES))
    lists = st.lists(st.sampled_from(_VALUES), min_size=1, max_size=4).map(", ".join)
    return st.one_of(one, other, st.builds("{} in ({})".format, names, lists))


def _conditions(dimensions: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.recursive(
        _comparisons(dimensions),
        lambda inner: st.one_of(
            inner.map("not ({})".format),
            st.builds("({}) and {}".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
        ),
        max_leaves=4,
    )


OF_SIGNUPS = tuple(dimension for dimension in BY if dimension != "plan")


def combined_of(folded: Folded) -> Combinations:
    """Return the cells by combination of all partitions, taken in two slices each."""
    found = []
    for names, states in zip(folded.names, folded.states, strict=True):
        collector = CombiningCollector(names, folded.windows, folded.what)
        customers = [decode(state) for state in states.values()]
        collector.take(customers[::2])
        collector.take(customers[1::2])
        found.append(collector.cells())
    return together(found, BY)


def numbers_of(folded: Folded, text: str, at: datetime, by: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the report of the customers that a condition chooses."""
    where, cells = parse_filter(text, BY), combined_of(folded)
    boundary = milliseconds(at) // folded.windows.bucket_ms
    (found,) = report_of_segments(
        lambda dimension: filtered(cells, where, dimension), folded.windows, [boundary], by=by, is_whole=False
    )
    document: dict[str, Any] = plain(found)
    return document


def counts_of(document: dict[str, Any]) -> dict[tuple[str, str], int]:
    """Return all counts of a report by window and name; what does not add up is left out."""
    entries = {"": document["totals"], **document["windows"]}
    return {
        (window, name): amount
        for window, entry in entries.items()
        for name, amount in entry.items()
        if isinstance(amount, int)
    }


def part_of(book: Book, where: Filter) -> Book:
    """Return the customers whose signups a condition chooses; one on `plan` is not for this."""

    def holds(customer: Customer) -> bool:
        return where.holds(lambda dimension: customer.segments[dimension])

    return replace(book, customers={each: customer for each, customer in book.customers.items() if holds(customer)})


@bounded(150)
@given(arrivals_of(), AT, _conditions(OF_SIGNUPS), st.sampled_from((None, *_VALUES)))
def test_numbers_of_a_filter_equal_a_recount_of_its_customers(
    arrival: Arrival, at: datetime, text: str, plan: str | None
) -> None:
    """Cells by combination, and a recount that leaves customers out, have nothing in common but the definition."""
    book = part_of(read(arrival.log, arrival.options), parse_filter(text, BY))
    at_ms = milliseconds(at)
    expected: Any = report(book, at_ms, windows_at(at_ms, arrival.options), ("plan",))
    if plan is not None:
        text, expected = f"plan = {plan} and ({text})", expected["segments"]["plan"].get(plan)
    ours = numbers_of(arrival.folded(), text, at)
    if expected is None:
        assert not any(counts_of(ours).values())
        return
    for window in expected["windows"].values():
        window.pop("facts_without_effect", None)
    for found in ("totals", "windows"):
        assert not differences(ours[found], expected[found])


@bounded(100)
@given(arrivals_of(), AT, _conditions(BY), st.sampled_from(BY))
def test_parts_of_a_partition_add_up_to_the_whole(arrival: Arrival, at: datetime, text: str, by: str) -> None:
    """A condition and its opposite choose everybody once; so do the values of a dimension within it."""
    folded = arrival.folded()
    (whole,) = folded.report([at])
    chosen_of, others = numbers_of(folded, text, at, (by,)), numbers_of(folded, f"not ({text})", at)
    ours = counts_of(chosen_of)
    assert counts_of(whole) == {name: amount + counts_of(others)[name] for name, amount in ours.items()}
    segments = [counts_of(segment) for segment in chosen_of["segments"][by].values()]
    assert ours == {name: sum(segment[name] for segment in segments) for name in ours}
    values = [value for part in folded.names for value in part.values(by)]
    parts = [counts_of(numbers_of(folded, f"{by} = '{value}' and ({text})", at)) for value in dict.fromkeys(values)]
    assert ours == {name: sum(part[name] for part in parts) for name in ours}


@bounded(100)
@given(arrivals_of(), AT, _conditions(BY), st.sampled_from(sorted(COUNT_BY_NAME)))
def test_members_of_a_filter_add_up_to_its_numbers(arrival: Arrival, at: datetime, text: str, count: str) -> None:
    """`tenure explain --where` compares the two, and both may not be wrong alike."""
    folded = arrival.folded()
    at_ms, bucket_ms = milliseconds(at), folded.windows.bucket_ms
    span = Window(folded.windows.start("30d", at_ms // bucket_ms) * bucket_ms, at_ms, bucket_ms)
    explaining = Explaining(
        MEMBERSHIPS[count], None, span, folded.what, limit=2, dimension="plan", where=parse_filter(text, BY)
    )
    for number, states in enumerate(folded.states):
        for candidate in candidates(span, folded.what, number, folded.names[number], states.items()):
            explaining.take(candidate)
    window = "" if COUNT_BY_NAME[count].kind == "stock" else "30d"
    assert explaining.explained().total == counts_of(numbers_of(folded, text, at))[window, count]


@bounded(100)
@given(arrivals_of(), AT, _conditions(OF_SIGNUPS))
def test_cohorts_and_lifetimes_of_a_filter_equal_a_recount_of_its_customers(
    arrival: Arrival, at: datetime, text: str
) -> None:
    """They are chosen before anything is summed up."""
    folded, where = arrival.folded(), parse_filter(text, BY)
    stretches = [chosen(part, where) for part in stretches_of(folded)]
    book = part_of(read(arrival.log, arrival.options), where)
    zone = arrival.options.business_time_zone
    expected = [{**vars(row)} for row in cohort_rows(book, at, "month", None)]
    assert not differences(rows_of(stretches, at, "month", None, zone), expected)
    ours = lifetime_report(stretches, at_ms=milliseconds(at), bucket_ms=folded.windows.bucket_ms, by=())
    check_curve(plain(ours.all), lifetimes(book, at)[""])
