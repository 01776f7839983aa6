"""Trials of the forecast: months of the past as they would have been forecast, and what came.

From every origin of the last two years only what lay before it is seen. Nothing of a forecast is chosen by what came of
these: they measure it, and do not mend it.
Pure. What is forecast, and how: `kpis.population.forecast`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kpis.population.forecast import LEAST_MONTHS, Month, forecast
from kpis.population.monthly_history import MONTH_MS, MonthlyHistory
from kpis.population.monthly_levels import AHEAD_MONTHS, SEEN_MONTHS

#: Origins that are tried, one a month (count).
ORIGINS: Final = 24
#: Simulated years for each of them (count).
_SIMULATIONS: Final = 300


class HeldOut(NamedTuple):
    """A month of the past as it would have been forecast, and what came."""

    #: months before T at which it would have been made
    origin: int
    #: months that it was ahead
    ahead: int
    month: Month
    customers: int
    mrr: int

    @property
    def holds_customers(self) -> bool:
        """True where the band held what came."""
        return self.month.customers[1] <= self.customers <= self.month.customers[2]

    @property
    def holds_mrr(self) -> bool:
        """True where the band held what came."""
        return self.month.mrr[1] <= self.mrr <= self.month.mrr[2]


def held_out_months(history: MonthlyHistory, at_ms: int) -> list[HeldOut]:
    """Return months up to T as they would have been forecast from each earlier month that had enough before it.

    Args:
        history: All that is known of T.
        at_ms: T (ms since 1970).
    """
    out: list[HeldOut] = []
    for back in range(1, min(ORIGINS, history.months - LEAST_MONTHS) + 1):
        known = history.before(back, SEEN_MONTHS)
        months = forecast(known, at_ms - back * MONTH_MS, min(back, AHEAD_MONTHS), runs=_SIMULATIONS)
        out += [HeldOut(back, ahead, month, *history.total(back - ahead)) for ahead, month in enumerate(months, 1)]
    return out
