"""Prices: monthly recurring revenue out of an amount and an interval, and its conversion, exactly.

Not validation of members: what comes here has the types and ranges of the contract.
Definitions: the contract, "The price".
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.recount.instants import day_start_ms

LARGEST_MRR_MINOR = 10**12
#: Intervals in a month.
MONTHLY = {"day": Fraction(365, 12), "week": Fraction(365, 84), "month": Fraction(1), "year": Fraction(1, 12)}


def monthly_minor(*, amount_minor: int, interval: str, interval_count: int, quantity: int) -> int:
    """Return the MRR of a price, in minor units of its currency, rounded half to even."""
    # `round` of a Fraction rounds half to even.
    return round(Fraction(amount_minor * quantity, interval_count) * MONTHLY[interval])


def rate_at(rates: Mapping[str, str], currency: str, at_ms: int, zone: ZoneInfo) -> Fraction | None:
    """Return the rate of a currency that holds at an instant; None where none does.

    Args:
        rates: Decimal texts by currency, or by currency and the day from which the rate holds, `EUR@2026-01-01`.
        currency: ISO 4217, in capitals.
        at_ms: The event time (milliseconds since 1970).
        zone: Business time zone, in which the day begins.
    """
    holding: list[tuple[int, str]] = []
    for name, rate in rates.items():
        named, _, day = name.partition("@")
        if named != currency:
            continue
        if not day:
            # One without a date holds from the beginning.
            holding.append((-(10**18), rate))
        elif day_start_ms(date.fromisoformat(day), zone) <= at_ms:
            holding.append((day_start_ms(date.fromisoformat(day), zone), rate))
    return Fraction(max(holding)[1]) if holding else None


def converted_minor(mrr_minor: int, rate: Fraction) -> int:
    """Return the MRR in minor units of the default currency, rounded half to even."""
    return round(mrr_minor * rate)
