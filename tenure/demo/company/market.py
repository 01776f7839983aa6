"""The market of the demo's company: what it sells, to whom, and in which seasons.

Only tables and the small functions that read them. Nothing here draws random numbers: whoever draws hands in a
fraction, so that every draw belongs to one seeded generator. The numbers are invented, sized like a small SaaS company.
"""

import calendar
import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

from schemas.instants import DAY_MS

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
Entry = TypeVar("Entry")

_DAYS_TO_1970 = dt.date(1970, 1, 1).toordinal()


class Plan(NamedTuple):
    """A plan that customers pay for.

    Args:
        name: The segment value.
        seat_price_minor: Price of a seat a month before any price rise, in US cents.
        monthly_churn: Share of those billed monthly that decide to leave in a month.
        annual_churn: Share of those billed annually that decide to leave at their anniversary.
        annual_share: Share of the customers that are billed annually.
        trial_share: Share of the customers that begin with a trial.
        active_days_a_week: Days a week on which a customer of middling satisfaction uses the product.
    """

    name: str
    seat_price_minor: int
    monthly_churn: float
    annual_churn: float
    annual_share: float
    trial_share: float
    active_days_a_week: float


class Channel(NamedTuple):
    """A channel that customers come from.

    Args:
        name: The segment value.
        early_churn: Share that leaves within seven days of signing up.
        silent: Share that signs up and never uses the product.
        onboarded: Share that completes the onboarding.
        cost_minor: What it costs to acquire a customer (minor units).
    """

    name: str
    early_churn: float
    silent: float
    onboarded: float
    cost_minor: int


class Country(NamedTuple):
    """A country and how far its clocks are ahead of UTC (hours, no summer time)."""

    code: str
    utc_offset_hours: int


# With failed payments, some 2 to 3 in 100 of those who pay leave in a month. Of all signups, 2 in 3 begin with a trial.
PLANS = (
    Plan("free", 0, 0.030, 0.0, 0.0, 0.0, 0.3),
    Plan("starter", 2_900, 0.044, 0.22, 0.25, 0.88, 0.5),
    Plan("pro", 9_900, 0.034, 0.16, 0.40, 0.85, 0.6),
    Plan("business", 29_900, 0.022, 0.11, 0.60, 0.70, 0.8),
    Plan("enterprise", 149_900, 0.010, 0.07, 0.90, 0.25, 1.2),
)
LAST_PLAN = len(PLANS) - 1

# 7-day drop-off differs by channel on purpose: the segment that departs has to be findable in the demo.
CHANNELS = (
    Channel("organic", 0.035, 0.06, 0.72, 0),
    Channel("paid_search", 0.055, 0.08, 0.64, 310_000),
    Channel("paid_social", 0.210, 0.20, 0.38, 420_000),
    Channel("referral", 0.020, 0.03, 0.82, 60_000),
    Channel("partner", 0.025, 0.05, 0.78, 240_000),
    Channel("outbound", 0.045, 0.07, 0.70, 980_000),
)

#: The setting of the same name.
ACQUISITION_COSTS = {channel.name: channel.cost_minor for channel in CHANNELS if channel.cost_minor}

#: Partners bill by a system that changes no subscription: it ends the old one and opens another in the same second.
SWITCHING_CHANNEL = CHANNELS[4]

COUNTRIES = (
    Country("US", -6),
    Country("GB", 0),
    Country("DE", 1),
    Country("BR", -3),
    Country("FR", 1),
    Country("RO", 2),
    Country("CA", -5),
    Country("NL", 1),
    Country("ES", 1),
    Country("IN", 5),
    Country("AU", 10),
    Country("JP", 9),
)

# Larger customers buy larger plans: each plan has its own mix of sizes.
SIZES = ("solo", "small", "medium", "large")
SEATS_OF_SIZE: Mapping[str, tuple[int, int]] = {"solo": (1, 1), "small": (1, 4), "medium": (2, 8), "large": (4, 14)}
INDUSTRIES = ("software", "retail", "finance", "health", "education", "media", "manufacturing")
FEATURES = ("dashboards", "reports", "search", "sharing", "alerts", "exports", "integrations", "api")

LEAVING_REASONS = (
    "missing_features",
    "not_using",
    "switched_product",
    "too_expensive",
    "too_complex",
    "closed_business",
)
EARLY_REASONS = ("not_what_i_expected", "too_complex", "missing_features", "just_trying")
TRIAL_REASONS = ("too_expensive", "missing_features", "just_trying", "switched_product", "too_complex")
ADD_ON_REASONS = ("not_using", "too_expensive", "missing_features")
PRAISE_REASONS = ("easy_to_use", "saves_time", "great_support", "good_value")
COMPLAINT_REASONS = ("missing_features", "slow", "too_complex", "bugs", "slow_support")

_SIGNUPS_BY_WEEKDAY = (1.18, 1.22, 1.20, 1.14, 0.98, 0.58, 0.70)
_SIGNUPS_BY_MONTH = (1.25, 1.08, 1.06, 1.00, 1.00, 0.95, 0.82, 0.78, 1.18, 1.10, 1.06, 0.72)
_HOUR_WEIGHTS = (1, 1, 1, 1, 1, 2, 4, 8, 16, 24, 26, 24, 18, 22, 25, 24, 20, 14, 9, 7, 6, 5, 3, 2)


class WeightedChoice(Generic[Entry]):
    """A weighted choice that is made by a fraction in [0, 1), so that the caller's generator decides.

    Args:
        weights: Weight by entry; they need not add up to anything.
    """

    def __init__(self, weights: Mapping[Entry, float]) -> None:
        self._entries = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    def pick(self, fraction: float) -> Entry:
        """Return the entry in whose share of the weights the fraction falls."""
        return self._entries[bisect_right(self._bounds, fraction * self._bounds[-1])]


# One in five begins on the free plan; few leave it, so that they are a quarter of the open accounts.
PLAN_TABLE = WeightedChoice(dict(enumerate((0.21, 0.39, 0.26, 0.11, 0.03))))
# Sold beside a plan: name and price a month before any price rise, in US cents.
ADD_ON_TABLE = WeightedChoice({("analytics", 1_900): 0.5, ("priority_support", 4_900): 0.3, ("sandbox", 900): 0.2})
CHANNEL_TABLE = WeightedChoice(dict(zip(CHANNELS, (0.34, 0.21, 0.14, 0.15, 0.10, 0.06), strict=True)))
COUNTRY_TABLE = WeightedChoice(
    dict(zip(COUNTRIES, (0.30, 0.11, 0.10, 0.09, 0.08, 0.07, 0.06, 0.05, 0.05, 0.04, 0.03, 0.02), strict=True))
)
INDUSTRY_TABLE = WeightedChoice(dict(zip(INDUSTRIES, (0.28, 0.18, 0.14, 0.12, 0.11, 0.09, 0.08), strict=True)))
SIZE_TABLES = tuple(
    WeightedChoice(dict(zip(SIZES, weights, strict=True)))
    for weights in ((7, 3, 0.5, 0.1), (5, 4, 1, 0.2), (2, 5, 3, 0.5), (0.3, 2, 5, 2), (0.05, 0.3, 3, 6))
)

# One entry for each 1/256 of a day's activity: a table costs one index where a weighted choice costs a search.
_HOUR_TABLE = WeightedChoice(dict(enumerate(_HOUR_WEIGHTS)))
_HOUR_STARTS_MS = tuple(_HOUR_TABLE.pick(slot / 256) * HOUR_MS for slot in range(256))


def working_moment_ms(day: int, country: Country, hour: float, minute: float) -> int:
    """Return an instant (ms since 1970 UTC) at which people of a country are likely at work.

    Args:
        day: The day (day number).
        country: Whose clocks count.
        hour: Which of the day's hours, in [0, 1), busy ones having the larger part.
        minute: Which part of the hour, in [0, 1).
    """
    local_ms = _HOUR_STARTS_MS[int(hour * 256)] + int(minute * HOUR_MS)
    return day * DAY_MS + (local_ms - country.utc_offset_hours * HOUR_MS) % DAY_MS


def date_of(day: int) -> dt.date:
    """Return the calendar date of a day number (whole days since 1970-01-01, UTC)."""
    return dt.date.fromordinal(_DAYS_TO_1970 + day)


def weekday_of(day: int) -> int:
    """Return the weekday of a day number, Monday being 0."""
    return (day + 3) % 7


def signup_season(day: int) -> float:
    """Return how many more (above 1) or fewer signups that day brings, by weekday and month."""
    return _SIGNUPS_BY_WEEKDAY[weekday_of(day)] * _SIGNUPS_BY_MONTH[date_of(day).month - 1]


def next_bill_day(day: int, anchor: int, months: int) -> int:
    """Return the day of the next bill.

    Args:
        day: The day of the present bill.
        anchor: The day of the month on which the subscription began, 1 to 31; a shorter month clips it to its last day.
        months: Length of the billing period: 1 or 12.
    """
    date = date_of(day)
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(anchor, last)).toordinal() - _DAYS_TO_1970
