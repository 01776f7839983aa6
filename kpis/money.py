"""Money in minor units of one currency, and the table of rates, by date, that converts others into it."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from schemas.instants import milliseconds

_ONE: Final = Decimal(1)
#: enough digits that a product is exact, and only the last step rounds
_EXACT: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)
#: a rate without a day holds from here on
_BEGINNING_MS: Final = -(2**63)


class Money:
    """The default currency and the rates of others.

    A rate is how many minor units of the default currency one minor unit of the other is worth.
    """

    def __init__(
        self, default: str = "USD", rates: Mapping[str, str | Decimal] | None = None, time_zone: str = "UTC"
    ) -> None:
        """Take the default currency, rates, and the zone in which days begin.

        Args:
            default: ISO 4217.
            rates: Decimals by currency, `EUR`, or by currency and the day from which the rate holds, `EUR@2026-01-01`.
            time_zone: IANA name; the first instant of a day is that of the day there.
        """
        self.default = default
        zone = ZoneInfo(time_zone)
        #: by currency, the instants from which its rates hold (ms since 1970, ascending), and these rates
        self._rates: dict[str, tuple[list[int], list[Decimal]]] = {}
        dated = (((name, _holds_from_ms(name, zone)), Decimal(rate)) for name, rate in (rates or {}).items())
        for (name, from_ms), rate in sorted(dated, key=lambda each: each[0][1]):
            instants, values = self._rates.setdefault(name.partition("@")[0], ([], []))
            instants.append(from_ms)
            values.append(rate)

    def rated_from_ms(self) -> dict[str, int]:
        """Return the currencies that have rates, each with the first instant that has one (ms since 1970)."""
        return {currency: instants[0] for currency, (instants, _) in self._rates.items()}

    def convert(self, amount_minor: int, currency: str, at_ms: int) -> int:
        """Return minor units of the default currency, rounded half to even.

        Args:
            amount_minor: Minor units of the currency.
            currency: ISO 4217; "" is the default one.
            at_ms: Event time, which decides about the rate (ms since 1970).

        Raises:
            KeyError: The currency has no rate at that time; decoding should have refused the event.
        """
        if currency in ("", self.default):
            return amount_minor
        instants, values = self._rates[currency]
        place = bisect_right(instants, at_ms)
        if not place:
            raise KeyError(currency)
        return int(_EXACT.quantize(_EXACT.multiply(Decimal(amount_minor), values[place - 1]), _ONE))


def _holds_from_ms(name: str, zone: ZoneInfo) -> int:
    """Return the first instant of a rate by its name: of its day where it has one (ms since 1970)."""
    day = name.partition("@")[2]
    if not day:
        return _BEGINNING_MS
    # Fold 0: a midnight that comes twice is its first coming, one that is left out is the instant after the gap.
    return milliseconds(dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), zone))
