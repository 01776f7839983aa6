"""Texts of panels: titles and descriptions from the catalogue, units, and links to runbooks.

Truth: schemas/catalogue/ratios.py and schemas/catalogue/counts.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from grafana_foundation_sdk.models import units

from monitoring import rules
from monitoring.alerts.rule import PAGE
from monitoring.phrases import SCORE_FACTOR
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Ratio
from schemas.instruments import Instrument

PERCENT: Final = units.PercentUnit
COUNT: Final = units.LocaleFormat
PLAIN: Final = units.Number
MONEY: Final = units.Dollars
"""Of the default currency; `monitoring.install` sets another."""
MINOR_PER_MAJOR: Final = 100
"""Minor units in one unit of the default currency."""
SECONDS: Final = units.Seconds
DAYS: Final = "suffix: days"
"""Grafana's own unit of days writes 90 of them as 12.9 weeks, and 525 as 1 year."""

COLOURS: Final = {
    # Windows, from the nearest to the longest.
    "30d": "blue",
    "90d": "purple",
    "365d": "orange",
    # Definitions of churn.
    "standard": "blue",
    "stripe": "purple",
    "baremetrics": "orange",
    "profitwell": "green",
    # Ways to ask.
    "email": "blue",
    "in_app": "purple",
    "outreach": "orange",
    # Why cancellations happen, and what waits or is odd.
    "voluntary": "orange",
    "involuntary": "red",
}
"""Names of series that come on several panels, each in one colour; of names besides, the palette's."""

CAUSES: Final = {
    "no_worker": "no worker answers",
    "unowned": "a partition has no worker",
    "owned_twice": "two workers have one partition",
    "not_counted": "a partition is not counted yet",
    "counted_twice": "two workers count one partition",
    "seen_before": "Prometheus sees workers of before its start",
    "recovering": "counts are being loaded",
    "halted": "a partition is halted",
    "withheld": "a worker has lost touch with Kafka",
    "behind": "a partition is too far behind",
    "different_counts": "workers expect different numbers of partitions",
}
"""Words for the causes of `stream:incomplete:partitions`."""
SEEN_UNTIL: Final = "Prometheus sees old workers until $1"
"""Of `seen_before`, whose label `until` says when it is over."""

AXES: Final = {
    "retention": (0.9, 1.0),
    "churn_standard": (0.0, 0.1),
    "churn_stripe": (0.0, 0.1),
    "churn_baremetrics": (0.0, 0.1),
    "churn_profitwell": (0.0, 0.1),
    "dropoff_7d": (0.0, 0.2),
    "dropoff_silent_7d": (0.0, 1.0),
    "onboarding": (0.0, 1.0),
    "engagement": (0.0, 1.0),
    "trial_conversion": (0.0, 1.0),
    "cross_sell": (0.0, 0.2),
    "renewal": (0.9, 1.0),
    "expansion": (0.0, 0.1),
    "gross_revenue_retention": (0.9, 1.0),
    "net_revenue_retention": (0.9, 1.1),
    "quick_ratio": (0.0, 4.0),
    "nps": (0.0, 0.6),
    "csat": (0.5, 1.0),
    "survey_response": (0.0, 0.5),
    "arpa": (0.0, 0.0),
}
"""The least range of each KPI's axis: without it a change of a tenth of a per cent fills a panel. Numbers that lie
outside widen it. Shares near to all or none have a near end; the others have all of 0 to 100 %, or half."""

RUNBOOKS: Final = "http://127.0.0.1:3001/runbooks"
"""Where docs/runbooks/ is served as pages (`devstack.documents`), as links of alerts have it; Grafana itself would
serve the raw text. `monitoring.install` sets another."""
RUNBOOK_PAGE: Final = PAGE
"""Behind the name of a runbook there."""


@dataclass(frozen=True, slots=True)
class About:
    """The subject of a panel.

    Attributes:
        title: A few words.
        description: Markdown: what it shows and by which formula; Grafana shows it behind the panel's (i).
        unit: A name of Grafana's units.
        runbooks: Names of alerts whose runbooks the description links to.
    """

    title: str
    description: str
    unit: str
    runbooks: Sequence[str] = ()


def runbook(name: str) -> str:
    """Return the address of an alert's runbook; the name may be one of Grafana's variables."""
    return f"{RUNBOOKS}/{name}{RUNBOOK_PAGE}"


def of_ratio(ratio: Ratio, *more: str, title: str = "", runbooks: Sequence[str] = ()) -> About:
    """Return what a panel about a ratio says.

    Args:
        ratio: The ratio.
        more: Sentences about this panel.
        title: Another title than the ratio's.
        runbooks: Names of alerts besides those about the ratio.
    """
    side = "Higher is better." if ratio.higher_is_better else "Lower is better."
    shown = [f"Shown times {SCORE_FACTOR}."] if ratio.is_score else []
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
    return PLAIN if ratio.is_score or ratio.name == "quick_ratio" else PERCENT


def change_unit_of(ratio: Ratio) -> str:
    """Return the unit of a change, after its number: points for shares and NPS, nothing for what is no share."""
    return "" if unit_of(ratio) == PLAIN and not ratio.is_score else " points"


def factor_of(ratio: Ratio) -> str:
    """Return what a query multiplies or divides a ratio by, to be shown in its unit."""
    if ratio.unit.startswith("minor units"):
        return f" / {MINOR_PER_MAJOR}"
    return f" * {SCORE_FACTOR}" if ratio.is_score else ""


@cache
def runbooks_of(kpi: str) -> tuple[str, ...]:
    """Return the names of the alerts about a KPI."""
    return tuple(dict.fromkeys(alert.name for alert in rules.alerts() if alert.labels.get("kpi") == kpi))
