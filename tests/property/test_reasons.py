"""Reasons and features are exactly what the definitions say, whatever arrived in whatever order.

The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from kpis.customer.state import decode
from kpis.instants import instant_of
from kpis.members.view import Window
from kpis.population.reasons import Ranking, Reasons
from schemas.instants import milliseconds
from tests.property.any_order import INSTANTS, Arrival, arrivals_of
from tests.property.cases import bounded, differences
from tests.recount.customers import Book, read
from tests.recount.reasons import Found, lost_mrr, reasons
from tests.recount.test_any_order import BY

#: More names than any log of ours has: nothing is folded into the rest.
ALL = 10_000


def counted(found: dict[tuple[str, str], Ranking], dimension: str | None) -> dict[str, dict[str, int]]:
    """Return all counts of one dimension, without zeros, by value and name."""
    rankings = {value: ranking for (of, value), ranking in found.items() if of == (dimension or "")}
    parts: dict[str, dict[str, int]] = {"now": {}, "before": {}, "involuntary": {}, "lost MRR": {}}
    for value, ranking in rankings.items():
        for line in ranking.lines:
            amounts = (
                ("now", line.amount),
                ("before", line.before),
                ("involuntary", line.involuntary),
                ("lost MRR", line.lost_mrr),
            )
            for part, amount in amounts:
                if amount:
                    parts[part][f"{value}/{line.name}"] = amount
    return parts


def named(found: Found) -> dict[str, int]:
    """Return a recount's counts in the same form."""
    return {f"{value}/{name}": amount for value, names in found.items() for name, amount in names.items()}


def expected_of(
    book: Book, at: datetime, before: datetime, window: str, by: str | None
) -> dict[str, dict[str, dict[str, int]]]:
    """Return the recount of a window, and of the one before it, which ends where the window starts."""
    return {
        what: {
            "now": named(reasons(book, at, window, what, by)),
            "before": named(reasons(book, before, window, what, by)),
            "involuntary": named(reasons(book, at, window, what, by, involuntary=True))
            if what == "cancellations"
            else {},
            "lost MRR": named(lost_mrr(book, at, window, by)) if what == "cancellations" else {},
        }
        for what in ("cancellations", "survey_answers", "features")
    }


@bounded(200)
@given(
    arrivals_of(),
    st.sampled_from(INSTANTS),
    st.sampled_from(("1d", "7d", "30d", "365d", "month")),
    st.sampled_from((None, *BY)),
)
def test_every_reason_and_feature_equals_a_naive_recount(
    arrival: Arrival, at: datetime, window: str, by: str | None
) -> None:
    """What is counted twice or forgotten sends a team after the wrong problem."""
    folded = arrival.folded()
    bucket_ms = folded.windows.bucket_ms
    end = milliseconds(at) // bucket_ms
    start = folded.windows.start(window, end)
    before_ms = folded.windows.start(window, start) * bucket_ms
    span = Window(start * bucket_ms, end * bucket_ms, bucket_ms)
    ours = Reasons(span, folded.what, before_ms=before_ms, by=[by] if by else [])
    for names, states in zip(folded.names, folded.states, strict=True):
        ours.take(names, map(decode, states.values()))
    found = {
        "cancellations": counted(ours.cancellations(shown=ALL), by),
        "survey_answers": counted(ours.answers(shown=ALL), by),
        "features": counted(ours.features(shown=ALL), by),
    }
    book = read(arrival.log, arrival.options)
    assert not differences(found, expected_of(book, at, instant_of(span.start_ms), window, by))
