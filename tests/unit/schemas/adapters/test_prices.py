"""Items of a subscription add up to one MRR: exactly, and rounded once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.adapters.prices import ItemPrice, exact, mrr_of_items, rounded
from schemas.decoding.prices import PER_MONTH, mrr_of

ITEMS = st.builds(
    ItemPrice, st.integers(0, 10**9), st.sampled_from(sorted(PER_MONTH)), st.integers(1, 36), st.integers(0, 10**4)
)
MRRS = [
    ([], 0),
    ([ItemPrice(4900, "month"), ItemPrice(1000, "month", quantity=3)], 7900),
    ([ItemPrice(6, "year"), ItemPrice(6, "year")], 1),
    ([ItemPrice(18, "year")], 2),
    ([ItemPrice(30, "year")], 2),
    ([ItemPrice(Fraction(1, 2), "month", quantity=5)], 2),
    ([ItemPrice(1000, "week"), ItemPrice(12000, "month", 3)], 8345),
]


@pytest.mark.parametrize(("items", "mrr_minor"), MRRS, ids=[str(mrr) + f"_of_{len(items)}" for items, mrr in MRRS])
def test_items_of_any_interval_are_one_mrr(items: list[ItemPrice], mrr_minor: int) -> None:
    """Two halves of a cent are a cent: rounded apart they would be none, or two."""
    assert mrr_of_items(items) == mrr_minor


@given(ITEMS)
def test_one_item_has_the_mrr_that_an_event_with_its_amount_has(item: ItemPrice) -> None:
    """A subscription is worth the same whether its producer or an adapter works it out."""
    assert isinstance(item.amount_minor, int)
    assert isinstance(item.quantity, int)
    assert mrr_of_items([item]) == mrr_of(
        amount_minor=item.amount_minor,
        interval=item.interval,
        interval_count=item.interval_count,
        quantity=item.quantity,
    )


@given(st.lists(ITEMS, max_size=5), st.randoms(use_true_random=False))
def test_order_of_items_changes_nothing(items: list[ItemPrice], random: object) -> None:
    """Sources list items in no order."""
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert mrr_of_items(shuffled) == mrr_of_items(items)


def test_halves_are_rounded_to_the_even_neighbour() -> None:
    """So are those of events: sums of many prices lean to no side."""
    assert [rounded(Fraction(n, 2)) for n in (1, 3, 5, -1)] == [0, 2, 2, 0]


def test_decimals_without_end_are_not_worked_out() -> None:
    """A record of twenty bytes must not cost gigabytes."""
    assert exact(Decimal("0.25")) == Fraction(1, 4)
    assert exact(Decimal("1e23")) == 10**23
    assert [exact(Decimal(text)) for text in ("1e24", "1e999999999", "1e-25", "NaN", "Infinity")] == [None] * 5
    assert exact(Decimal("0e999999999")) is None
