"""Marks of a state, and the interval of a difference, against published figures."""

from __future__ import annotations

import pytest

from kpis.customer.state import decode, encode
from kpis.population.marks import Churn, difference_interval, marks_in, newest
from kpis.proportions import wilson_bounds
from schemas.events import NO_CUSTOMER
from tests.property.folding import Folded
from tests.recount.options import DEFAULTS

#: Newcombe (1998), table II, method 10: (a) 56/70 less 48/80, (b) 9/10 less 3/10, (d) 5/56 less 0/29.
PUBLISHED = (
    (Churn(70, 56), Churn(80, 48), 0.0524, 0.3339),
    (Churn(10, 9), Churn(10, 3), 0.1705, 0.8090),
    (Churn(56, 5), Churn(29, 0), -0.0381, 0.1926),
)


@pytest.mark.parametrize(("one", "other", "low", "high"), PUBLISHED)
def test_interval_of_a_difference_is_the_published_one(one: Churn, other: Churn, low: float, high: float) -> None:
    """Figures of the paper that the method is from."""
    found = difference_interval(one, other)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_interval_of_a_share_is_wilsons() -> None:
    """Of 81 of 263 Newcombe (1998) gives 0.2553 to 0.3662."""
    found = wilson_bounds(successes=81, trials=263)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_a_mark_that_comes_again_with_a_greater_sequence_takes_the_place_of_the_first() -> None:
    """That is how a title with a mistake is mended."""
    folded = Folded(DEFAULTS)
    mark = b'{"type":"mark","id":"m1","time":"2025-03-01T10:00:00Z","kind":"price","title":"%b","sequence":%d}'
    folded.batch([mark % (b"Prices rise by 12 %%", 9), mark % (b"Prices rise by 10 %%", 0)])
    (state,) = folded.states[0].values()
    assert list(folded.states[0]) == [NO_CUSTOMER]
    assert [(found.title, found.sequence) for found in marks_in(state)] == [("Prices rise by 12 %%", 9)]
    assert folded.named_cells() == {}
    assert encode(decode(state)) == state
    assert marks_in(None) == []


def test_newest_are_the_last() -> None:
    """A metric has room for a hundred series, and those of years ago are on no board."""
    folded = Folded(DEFAULTS)
    mark = b'{"type":"mark","id":"m%d","time":"2025-03-%02dT10:00:00Z","kind":"other","title":"%d"}'
    folded.batch([mark % (day, day, day) for day in (5, 2, 9, 4)])
    marks = marks_in(folded.states[0][NO_CUSTOMER])
    assert [found.title for found in newest(marks, 2)] == ["5", "9"]
    assert [found.title for found in newest(marks, 9)] == ["2", "4", "5", "9"]
