"""Amounts in major units (dollars) as whole minor ones (cents), exactly.

Decimals are those of the currency: ISO 4217, list one, column "minor unit".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

USUAL_DECIMALS: Final = 2
#: ISO 4217 list one, as of 2026-01-01: the currencies in use whose minor unit is not a hundredth.
OTHER_DECIMALS: Final = {
    **dict.fromkeys(
        (
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
_DIGITS_MAX: Final = 20
"""More than any amount has that an event may have; what is larger is not worked out."""


def decimals_of(currency: str) -> int:
    """Return how many decimals amounts in a currency have (count), in either case; 2 where it is not known."""
    return OTHER_DECIMALS.get(currency.upper(), USUAL_DECIMALS)


def minor_units(amount: Decimal, currency: str) -> int | None:
    """Return an amount in minor units; None where it has more decimals than its currency, or no end.

    Args:
        amount: In major units; zeros at its end count as decimals.
        currency: ISO 4217, in either case.
    """
    exponent = amount.as_tuple().exponent
    decimals = decimals_of(currency)
    if not isinstance(exponent, int) or -exponent > decimals or amount.adjusted() > _DIGITS_MAX:
        return None
    return int(amount.scaleb(decimals))
