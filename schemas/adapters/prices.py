"""The monthly recurring revenue of what is sold as several items: summed exactly, and rounded once.

An item is an amount for an interval, times a quantity. Items may have intervals of their own and amounts with decimals
(a fifth of a cent), so that nothing is rounded before the sum. The one price of an event: `schemas.decoding.prices`.
Source: docs/events.md, section Prices.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from schemas.adapters.reading import Node
from schemas.decoding.prices import PER_MONTH, divided_half_even

#: Digits before and after the point of an amount that is worked out; a price has less.
DIGITS_MAX: Final = 24


class ItemPrice(NamedTuple):
    """The price of one item of a subscription.

    Attributes:
        amount_minor: Price of one unit for `interval_count` intervals (minor units, with decimals where there are any).
        interval: One of `PER_MONTH`.
        interval_count: Intervals that the amount is for (count, from 1).
        quantity: Units (count, from 0).
    """

    amount_minor: int | Fraction
    interval: str
    interval_count: int = 1
    quantity: int | Fraction = 1

    def per_month(self) -> Fraction:
        """Return what the item brings a month, exactly (minor units)."""
        times, parts = PER_MONTH[self.interval]
        return Fraction(self.amount_minor) * self.quantity * times / (parts * self.interval_count)


def mrr_of_items(items: Iterable[ItemPrice]) -> int:
    """Return the MRR of a subscription's items, rounded half to even once (minor units)."""
    return rounded(sum((item.per_month() for item in items), Fraction(0)))


def rounded(amount_minor: Fraction) -> int:
    """Return an amount as whole minor units, rounded half to even."""
    return divided_half_even(amount_minor.numerator, amount_minor.denominator)


def exact(amount: Decimal) -> Fraction | None:
    """Return a decimal as a fraction; None where it has more than `DIGITS_MAX` digits before or after its point.

    Such a number, 1e999999999 for one, is a few bytes in a record and gigabytes as an integer.
    """
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -DIGITS_MAX or amount.adjusted() >= DIGITS_MAX:
        return None
    return Fraction(amount)


def exact_of(node: Node, name: str) -> Fraction | None:
    """Return a member that is a number from 0, exactly; None where it is absent."""
    number = node.optional_decimal(name)
    if number is None:
        return None
    found = exact(number)
    if found is None or found < 0:
        raise node.wrong(name, "must be a number from 0 and no larger than any price")
    return found


def interval_of(node: Node, unit: str = "interval", count: str = "interval_count") -> tuple[str, int]:
    """Return what a price is for: an interval, and how many of them, one where that is absent.

    Args:
        node: Holds both.
        unit: The member that names the interval.
        count: The member that says how many.
    """
    interval, intervals = node.text(unit), node.optional_integer(count)
    if interval not in PER_MONTH:
        raise node.wrong(unit, f"must be one of {', '.join(PER_MONTH)}")
    if intervals is not None and intervals < 1:
        raise node.wrong(count, "must be an integer from 1")
    return interval, 1 if intervals is None else intervals
