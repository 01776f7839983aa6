"""Completion of values in the shell: names of KPIs, windows, dimensions.

They are those of the product and of the default settings: completion opens no connection and reads no settings.
"""

from __future__ import annotations

from typing import Final

from schemas.catalogue.windows import WINDOWS
from schemas.dimensions import BUILT_IN_DIMENSIONS

#: `explain` takes it for that of the option --lens.
CHURN: Final = "churn"


def complete_kpi(incomplete: str) -> list[str]:
    """Return the counts and ratios whose names begin so."""
    from schemas.catalogue.counts import COUNTS  # noqa: PLC0415 - only where the shell asks

    names = {each.name for each in COUNTS} | {CHURN} | set(complete_ratio(""))
    return sorted(name for name in names if name.startswith(incomplete))


def complete_ratio(incomplete: str) -> list[str]:
    """Return the ratios whose names begin so."""
    from schemas.catalogue.ratios import RATIOS  # noqa: PLC0415 - only where the shell asks

    return sorted({each.name for each in RATIOS if each.name.startswith(incomplete)})


def complete_window(incomplete: str) -> list[str]:
    """Return the windows whose names begin so."""
    return [name for name in WINDOWS if name.startswith(incomplete)]


def complete_dimension(incomplete: str) -> list[str]:
    """Return the built-in dimensions whose names begin so."""
    return [name for name in BUILT_IN_DIMENSIONS if name.startswith(incomplete)]
