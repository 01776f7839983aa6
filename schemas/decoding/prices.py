"""The monthly recurring revenue of a price that is sent as an amount for an interval; exact integers only.

Source: docs/events.md, section Prices.
"""

from collections.abc import Mapping
from typing import Final

#: How many of an interval a month has, as a fraction.
PER_MONTH: Final[Mapping[str, tuple[int, int]]] = {
    "day": (365, 12),
    "week": (365, 84),
    "month": (1, 1),
    "year": (1, 12),
}


def mrr_of(*, amount_minor: int, interval: str, interval_count: int = 1, quantity: int = 1) -> int:
    """Return the MRR of a price, rounded half to even.

    Args:
        amount_minor: Price of one unit for `interval_count` intervals (minor units, from 0).
        interval: One of `PER_MONTH`.
        interval_count: Intervals that the amount is for (count, from 1).
        quantity: Units (count, from 0).

    Returns:
        Minor units of the amount's currency.
    """
    times, parts = PER_MONTH[interval]
    return divided_half_even(amount_minor * quantity * times, interval_count * parts)


def divided_half_even(dividend: int, divisor: int) -> int:
    """Return a quotient of integers, rounded half to even; the divisor is above 0."""
    whole, rest = divmod(dividend, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))
