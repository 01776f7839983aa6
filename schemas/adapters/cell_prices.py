"""The price that cells hold: an MRR, an ARR, or an amount for an interval, times a quantity.

Of a table's row and of an event's properties alike. An amount of less than a minor unit, such as a fifth of a cent for
one of many, is multiplied before it is rounded.
Source: docs/adapters/table.md, sections Columns and Values.
"""

from typing import Protocol

from schemas.adapters.adapter import Members
from schemas.adapters.cells import Amount


class PriceCells(Protocol):
    """The cells of one row, by what they mean."""

    def amount(self, role: str) -> Amount | None:
        """Return an amount; None where there is none."""

    def interval(self) -> tuple[str, int] | None:
        """Return the interval that the amount is for, and how many of them; None where there is none."""

    def count(self, role: str) -> int | None:
        """Return an integer from 0; None where there is none."""

    def missing(self, role: str, problem: str = "") -> Exception:
        """Return the fault of a cell that is not there."""


def price_of(cells: PriceCells) -> Members:
    """Return a price as members of an event, with the currency if anything says it; nothing where there is none.

    Args:
        cells: Of a row.

    Raises:
        SourceFault: An amount has no interval, or a cell cannot be read.
    """
    mrr = cells.amount("mrr")
    if mrr is not None:
        return {"mrr_minor": mrr.rounded(), **_currency_of(mrr)}
    arr = cells.amount("arr")
    if arr is not None:
        return {"amount_minor": arr.rounded(), "interval": "year", **_currency_of(arr)}
    amount = cells.amount("amount")
    if amount is None:
        return {}
    interval = cells.interval()
    if interval is None:
        raise cells.missing("interval")
    unit, count = interval
    count *= cells.count("interval_count") or 1
    quantity = cells.count("quantity")
    return {
        **_of_quantity(amount, 1 if quantity is None else quantity),
        "interval": unit,
        **({"interval_count": count} if count != 1 else {}),
        **_currency_of(amount),
    }


def _currency_of(amount: Amount) -> Members:
    return {"currency": amount.currency} if amount.currency else {}


def _of_quantity(amount: Amount, quantity: int) -> Members:
    """Return an amount and how many are bought; what is less than a minor unit each is multiplied first."""
    if not amount.is_whole:
        return {"amount_minor": amount.rounded(quantity)}
    return {"amount_minor": amount.rounded(), **({"quantity": quantity} if quantity != 1 else {})}
