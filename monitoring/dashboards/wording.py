"""Texts of panels: titles and descriptions from the catalogue, units, and links to runbooks.

Truth: schemas/catalogue/ratios.py and schemas/catalogue/counts.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from grafana_foundation_sdk.models import units

from monitoring import rules
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Ratio
from schemas.instruments import Instrument

PERCENT: Final = units.PercentUnit
COUNT: Final = units.LocaleFormat
PLAIN: Final = units.Number
MONEY: Final = units.Dollars
"""Of the default currency; whoever sets another changes this and `MINOR_PER_MAJOR`, and generates anew."""
MINOR_PER_MAJOR: Final = 100
"""Minor units in one unit of the default currency."""
SECONDS: Final = units.Seconds
DAYS: Final = units.Days
SCORE_FACTOR: Final = 100
"""NPS is counted from −1 to 1 and shown, as people write it, from −100 to 100."""

RUNBOOKS: Final = "/public/docs/runbooks"
"""Where Grafana serves docs/runbooks/; with all of docs/ above it, since runbooks link to other pages."""


@dataclass(frozen=True, slots=True)
class About:
    """The subject of a panel.

    Attributes:
        title: A few words.
        description: Markdown: what it shows and by which formula; Grafana shows it behind the panel's (i).
        unit: A name of Grafana's units.
        runbooks: Names of alerts whose runbooks the panel links to.
    """

    title: str
    description: str
    unit: str
    runbooks: Sequence[str] = ()


def of_ratio(ratio: Ratio, *more: str, title: str = "", runbooks: Sequence[str] = ()) -> About:
    """Return what a panel about a ratio says.

    Args:
        ratio: The ratio.
        more: Sentences about this panel.
        title: Another title than the ratio's.
        runbooks: Names of alerts besides those about the ratio.
    """
    side = "Higher is better." if ratio.higher_is_better else "Lower is better."
    shown = [f"Shown times {SCORE_FACTOR}."] if ratio.name == "nps" else []
    text = "\n\n".join([f"{ratio.meaning} {side}", formula_of(ratio), *shown, *more])
    return About(title or ratio.title, text, unit_of(ratio), (*runbooks_of(ratio.name), *runbooks))


def formula_of(ratio: Ratio) -> str:
    """Return a ratio's formula in words of code."""
    below = str(ratio.denominator)
    return f"`{ratio.numerator}` / `{below}`" if " " not in below else f"`{ratio.numerator}` / `({below})`"


def of_count(name: str, *more: str, title: str) -> About:
    """Return what a panel about a count says."""
    count = COUNT_BY_NAME[name]
    text = "\n\n".join([count.meaning, f"`{count.name}`", *more])
    return About(title, text, MONEY if count.unit == "minor units" else COUNT)


def of_counts(title: str, meaning: str, *names: str, unit: str = COUNT, runbooks: Sequence[str] = ()) -> About:
    """Return what a panel about several counts says: a list of them, each with its meaning."""
    listed = "\n".join(f"- `{name}`: {COUNT_BY_NAME[name].meaning}" for name in names)
    return About(title, f"{meaning}\n\n{listed}", unit, runbooks)


def of_metric(title: str, instrument: Instrument, meaning: str, unit: str, *, runbooks: Sequence[str] = ()) -> About:
    """Return what a panel about a worker's own metric says: what is made of it, and what it is."""
    text = f"{meaning}\n\n`{instrument.name}`: {instrument.help}"
    return About(title, text, unit, runbooks)


def unit_of(ratio: Ratio) -> str:
    """Return a ratio's unit: shares as percentages, NPS and the quick ratio plain, money as money."""
    if ratio.unit.startswith("minor units"):
        return MONEY
    return PLAIN if ratio.name in ("nps", "quick_ratio") else PERCENT


def factor_of(ratio: Ratio) -> str:
    """Return what a query multiplies or divides a ratio by, to be shown in its unit."""
    if ratio.unit.startswith("minor units"):
        return f" / {MINOR_PER_MAJOR}"
    return f" * {SCORE_FACTOR}" if ratio.name == "nps" else ""


@cache
def runbooks_of(kpi: str) -> tuple[str, ...]:
    """Return the names of the alerts about a KPI."""
    return tuple(dict.fromkeys(alert.name for alert in rules.alerts() if alert.labels.get("kpi") == kpi))
