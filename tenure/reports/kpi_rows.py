"""Rows of a report's tables: their order and their words.

What a ratio divides, and where it stands in a report, says `schemas.catalogue.ratios`; this module only names things
for people.
Ratios that `--lens` left out of a report are left out by those who render.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UnsetType

from schemas.catalogue.ratios import RATIO_BY_NAME
from tenure.reports import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.catalogue.formulas import Ratio
    from schemas.documents.periods import PeriodReport
    from schemas.documents.report import Report, Totals, WindowReport

CALENDAR: Final = ("month", "year")
"""Windows that are no number of days."""


class RatioRow(NamedTuple):
    """A ratio as people read it.

    Attributes:
        label: Plain words, at most 20 characters.
        ratio: The ratio.
        nothing: Why it is absent when its denominator is zero: in at most 15 characters, and in at most 9.
        shown: How its value is written.
        money: Whether numerator and denominator are money.
        feed: The feed without which its value says nothing, however it comes out; None where there is none.
    """

    label: str
    ratio: Ratio
    nothing: tuple[str, str]
    shown: Callable[[float | None], str] = formats.percent
    money: bool = False
    feed: Feed | None = None


class Feed(Enum):
    """Events that a company may not send at all; the value says so, in at most 15 characters, and in at most 9."""

    ACTIVITY = ("no activity", "none seen")
    ONBOARDING = ("none seen", "none seen")


_NO_START: Final = ("none at start", "nobody")
_NONE_DUE: Final = ("none due yet", "none due")
_NO_MRR: Final = ("no MRR at start", "no MRR")
_NO_ANSWERS: Final = ("no answers", "no answer")

STAYING: Final = (
    RatioRow("Retention", RATIO_BY_NAME["retention"], _NO_START),
    RatioRow("Left within 7 days", RATIO_BY_NAME["dropoff_7d"], _NONE_DUE),
    RatioRow("Silent in days 8-14", RATIO_BY_NAME["dropoff_silent_7d"], _NONE_DUE, feed=Feed.ACTIVITY),
    RatioRow("Onboarded in 7 days", RATIO_BY_NAME["onboarding"], _NONE_DUE, feed=Feed.ONBOARDING),
    RatioRow("Trials converted", RATIO_BY_NAME["trial_conversion"], _NONE_DUE),
    RatioRow("Used the product", RATIO_BY_NAME["engagement"], ("none active", "nobody"), feed=Feed.ACTIVITY),
    RatioRow("Renewed when due", RATIO_BY_NAME["renewal"], ("none due", "none due")),
    RatioRow("Upgraded", RATIO_BY_NAME["expansion"], _NO_START),
    RatioRow("Cross-sell", RATIO_BY_NAME["cross_sell"], ("none active", "nobody")),
)

CHURN: Final = (
    RatioRow("Standard", RATIO_BY_NAME["churn_standard"], _NO_START),
    RatioRow("Stripe", RATIO_BY_NAME["churn_stripe"], ("no customers", "nobody")),
    RatioRow("Baremetrics", RATIO_BY_NAME["churn_baremetrics"], _NO_START),
    RatioRow("ProfitWell", RATIO_BY_NAME["churn_profitwell"], _NO_START),
)

REVENUE: Final = (
    RatioRow("Gross MRR retained", RATIO_BY_NAME["gross_revenue_retention"], _NO_MRR, money=True),
    RatioRow("Net MRR retained", RATIO_BY_NAME["net_revenue_retention"], _NO_MRR, money=True),
    RatioRow("Quick ratio", RATIO_BY_NAME["quick_ratio"], ("no MRR lost", "none lost"), formats.times, money=True),
)

OPINION: Final = (
    RatioRow("NPS", RATIO_BY_NAME["nps"], _NO_ANSWERS, formats.score),
    RatioRow("Satisfied (CSAT)", RATIO_BY_NAME["csat"], _NO_ANSWERS),
    RatioRow("Surveys answered", RATIO_BY_NAME["survey_response"], ("none sent", "none sent")),
)

SHOWN: Final = {row.ratio.name: row.shown for row in (*STAYING, *CHURN, *REVENUE, *OPINION)}
"""By ratio of a window, how its value is written: "90 %", "+40.0", "4.00"."""

CUSTOMER_COUNTS: Final = (
    ("At the start", "customers_at_start"),
    ("  still here", "customers_retained"),
    ("  lost", "customers_lost"),
    ("Signups", "signups"),
    ("New customers", "customers_new"),
    ("Came back", "customers_reactivated"),
    ("Cancellations", "cancellations"),
    ("  involuntary", "cancellations_involuntary"),
    ("  not here at start", "cancellations_of_new"),
    ("Upgrades", "upgrades"),
    ("Downgrades", "downgrades"),
    ("Subscriptions begun", "subscriptions_started"),
    ("  ended", "subscriptions_ended"),
    ("Surveys sent", "survey_sent"),
    ("  answered", "survey_answered"),
    ("  dismissed", "survey_dismissed"),
)

MONEY_COUNTS: Final = (
    ("MRR at the start", "mrr_at_start"),
    ("+ new", "mrr_new"),
    ("+ expansion", "mrr_expansion"),
    ("+ came back", "mrr_reactivated"),
    ("- contraction", "mrr_contraction"),
    ("- churned", "mrr_churned"),
)


def holds_ratio(counts: WindowReport, row: RatioRow) -> bool:
    """Return whether a report has this ratio, be it absent: `--lens` leaves some out."""
    return counts.ratios.holds(row.ratio.path)


def unseen_feeds(entry: Report | PeriodReport) -> frozenset[Feed]:
    """Return the feeds that have sent nothing, as far as the longest window reaches.

    Args:
        entry: One object of a report, with all its windows: a feed that is quiet for a week is not dead.
    """
    calendar = [counts for name, counts in entry.windows.items() if name in CALENDAR]
    days = {int(name.removesuffix("d")): counts for name, counts in entry.windows.items() if name not in CALENDAR}
    if not days and not calendar:
        return frozenset()
    counts = days[max(days)] if days else calendar[0]
    unseen = set()
    # Those who were engaged may all have left.
    all_are_silent = counts.count("dropoff_silent") == counts.count("dropoff_silent_matured")
    if all_are_silent and not counts.count("customers_engaged"):
        unseen.add(Feed.ACTIVITY)
    if not counts.count("onboarding_completed"):
        unseen.add(Feed.ONBOARDING)
    return frozenset(unseen)


def without_effect(windows: Mapping[str, WindowReport]) -> list[str]:
    """Return the kinds of facts that were without effect in any of these windows, in the order of reports."""
    found = [counts.facts_without_effect for counts in windows.values()]
    told = [by_kind for by_kind in found if not isinstance(by_kind, UnsetType)]
    return [kind for kind in (told[0] if told else ()) if any(by_kind.get(kind) for by_kind in told)]


def fraction_of(counts: WindowReport, totals: Totals, ratio: Ratio) -> tuple[int, int]:
    """Return numerator and denominator of one window; stocks come from the totals."""
    known = {**totals.counts(), **counts.counts()}
    return ratio.numerator.evaluate(known), ratio.denominator.evaluate(known)


def window_words(name: str) -> str:
    """Return the name of a window in words of at most 9 characters: "30d" is 30 days."""
    if name in CALENDAR:
        return name
    return "1 day" if name == "1d" else f"{name.removesuffix('d')} days"
