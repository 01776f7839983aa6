"""Money in minor units of one currency, and the fixed table that converts others into it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

_ONE: Final = Decimal(1)
#: enough digits that a product is exact, and only the last step rounds
_EXACT: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)


class Money:
    """The default currency and the rates of others.

    A rate is how many minor units of the default currency one minor unit of the other is worth.
    """

    def __init__(self, default: str = "USD", rates: Mapping[str, str | Decimal] | None = None) -> None:
        """Take the default currency (ISO 4217) and rates by currency, as decimals."""
        self.default = default
        self.rates = {code: Decimal(rate) for code, rate in (rates or {}).items()}

    def convert(self, amount_minor: int, currency: str, at_ms: int) -> int:
        """Return minor units of the default currency, rounded half to even.

        Raises:
            KeyError: The currency has no rate; decoding should have refused the event.
        """
        if currency in ("", self.default):
            return amount_minor
        return int(_EXACT.quantize(_EXACT.multiply(Decimal(amount_minor), self.rates[currency]), _ONE))
