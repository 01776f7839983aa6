"""The ranking of reasons: the largest by name, the rest as one, and nothing lost on the way."""

from __future__ import annotations

import pytest

from kpis.customer.state import Customer, decode
from kpis.customer.what_counts import BY_DEFAULT
from kpis.filters import Filter, parse_filter
from kpis.fold.fold import Fold
from kpis.members.view import Window
from kpis.names import Names
from kpis.population.reasons import Line, Ranking, Reasons
from schemas.decoding.decoder import Decoder
from schemas.instants import DAY_MS, milliseconds
from tests.property.folding import LATEST_MS
from tests.property.folding import Line as Record
from tests.unit.kpis.customers import HOUR_MS, START, record

END_MS = milliseconds(START) + 60 * DAY_MS


def counted(*lines: str, where: Filter | None = None) -> Reasons:
    """Return what 30 days up to the sixtieth day hold, of one customer for each line; cancels have a signup."""
    names = Names()
    fold = Fold(names)
    states: dict[str, bytes] = {}
    for n, line in enumerate(lines):
        decoded = Decoder(latest_ms=LATEST_MS).decode([Record(record("0 signup pro 1", 0)), Record(record(line, 1))])
        (state,) = fold.fold(decoded.events, decoded.times, {})[0].values()
        states[str(n)] = state
    span = Window(END_MS - 30 * DAY_MS, END_MS, HOUR_MS)
    reasons = Reasons(span, BY_DEFAULT, before_ms=END_MS - 60 * DAY_MS, where=where)
    reasons.take(names, map(decode, states.values()))
    return reasons


def ranking_of(*lines: str, shown: int = 20) -> Ranking:
    """Return the cancellations of `counted`, as they are shown."""
    return counted(*lines).cancellations(shown=shown)["", ""]


def test_reasons_are_ranked_and_compared_with_the_window_before() -> None:
    """A team asks what grows, not only what is large."""
    lines = ("800 cancel reason=price", "801 cancel reason=price involuntary=true", "100 cancel reason=price",
             "101 cancel reason=bugs", "802 cancel")  # fmt: skip
    found = ranking_of(*lines)
    assert found == Ranking(
        [Line("price", 2, 1, 1, 2), Line("unspecified", 1, 0, 0, 1), Line("bugs", 0, 1)], Line("", 3, 2, 1, 3)
    )
    assert [line.change for line in found.lines] == [1, 1, -1]


@pytest.mark.parametrize(("where", "amount"), [("plan = pro", 2), ("plan = team", 0), ("not plan = team", 2)])
def test_reasons_and_features_are_of_whom_a_filter_chooses(where: str, amount: int) -> None:
    """By the plan that the segment by plan of each uses."""
    chosen = parse_filter(where, ("plan", "country", "channel"))
    lines = ("800 cancel reason=price", "801 cancel reason=price")
    cancelled = counted(*lines, where=chosen).cancellations()["", ""]
    used = counted("800 activity feature=export", "801 activity feature=export", where=chosen).features()["", ""]
    said = counted("800 survey kind=nps score=9", "801 survey kind=nps score=9", where=chosen).answers()["", ""]
    assert [each.total.amount for each in (cancelled, used, said)] == [amount] * 3


def test_what_is_not_shown_is_other_and_so_is_a_reason_of_that_name() -> None:
    """Two lines of one name could not be told apart, and the lines must add up to all cancellations."""
    lines = ("800 cancel reason=a", "801 cancel reason=a", "802 cancel reason=b", "803 cancel reason=c",
             "804 cancel reason=other", "805 cancel reason=other", "806 cancel reason=other")  # fmt: skip
    assert ranking_of(*lines, shown=1).lines == [Line("a", 2, 0, 0, 2), Line("other", 5, 0, 0, 5)]


def test_an_answer_without_a_reason_and_activity_without_a_feature_are_none() -> None:
    """They are part of the sum all the same."""
    found = counted("800 survey kind=nps score=9", "800 activity", "800 activity feature=export")
    assert found.answers()["", ""].lines == [Line("none", 1, 0)]
    assert found.features()["", ""].lines == [Line("export", 1, 0), Line("none", 1, 0)]


def test_states_of_nobody_add_nothing() -> None:
    """A customer who only ever was told to have cancelled is in no count."""
    reasons = Reasons(Window(0, END_MS, HOUR_MS), BY_DEFAULT, before_ms=0)
    reasons.take(Names(), [Customer()])
    assert reasons.cancellations()["", ""].lines == []
