"""Panels about single customers put together: reasons, features, stickiness, lifetime, cohorts.

They come from the worker that owns partition 0 alone, which reads all customers now and then. While that partition
changes hands two workers may show the same: the larger counts, never the sum.
"""

from typing import Final

from grafana_foundation_sdk.models import dashboard as model

from monitoring import promql
from monitoring.dashboards import queries
from monitoring.dashboards.frames import Arranged, Column, curve, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, lines, number
from monitoring.dashboards.queries import Query, own
from monitoring.dashboards.wording import COUNT, DAYS, PERCENT, About, of_metric
from schemas import instruments as known
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.windows import LIFETIME_DAYS

TOP: Final = 12
REPORTED: Final = f'days=~"{"|".join(map(str, LIFETIME_DAYS))}"'
"""The days that reports show, of all those that the curve is drawn of."""
_CURVE: Final = {"days": "days", "Value #A": "stay longer", "Value #B": "at least", "Value #C": "at most"}
#: Labels are text, by which 105 comes before 7.
_BY_NUMBER: Final = (
    model.DataTransformerConfig(
        id_val="convertFieldType",
        options={"conversions": [{"targetField": "days", "destinationType": "number"}], "fields": {}},
    ),
    model.DataTransformerConfig(id_val="sortBy", options={"sort": [{"field": "days"}]}),
)


def stickiness(*, size: tuple[int, int] = (4, 5)) -> Placed:
    """Return the share of a month's engaged customers who are engaged on a day."""
    return number(
        _about_stickiness(), Query(_stickiness(), "stickiness", colour=CALM), size=size, line=True, decimals=1
    )


def stickiness_line(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return stickiness over time."""
    return lines(_about_stickiness("Stickiness over time"), Query(_stickiness(), "stickiness", colour=CALM), size=size)


def _about_stickiness(title: str = "Stickiness") -> About:
    text = (
        "The customers who used the product or answered a survey in a day, over those who did in thirty: 100 % is every"
        f" day. {COUNT_BY_NAME['customers_engaged'].meaning}\n\n"
        "`customers_engaged` of 1 day / `customers_engaged` of 30 days"
    )
    return About(title, text, PERCENT)


def _stickiness() -> str:
    day, month = (
        queries.trend(queries.count("customers_engaged", f'{promql.ALL},window="{window}"')) for window in ("1d", "30d")
    )
    return f"{day} / ignoring (window) ({month} > 0)"


def reasons(*, size: tuple[int, int] = (12, 9)) -> Placed:
    """Return the reasons of the window's cancellations, the most frequent first."""
    metric = known.CANCELLATIONS_BY_REASON
    about = of_metric("Reasons of cancellations", metric, "The recurring problems: the most frequent reasons.", COUNT)
    each = f"max by (reason, involuntary, window) ({queries.of_population(metric)})"
    asked = f"sort_desc(topk({TOP}, sum by (reason, window) ({each}) > 0))"
    return bars(about, Query(asked, "{{reason}} ({{window}})"), size=size, empty="no cancellation")


def features(*, size: tuple[int, int] = (12, 9)) -> Placed:
    """Return the features that the engaged customers of the window used, the most used first."""
    metric = known.ENGAGED_BY_FEATURE
    about = of_metric("Features that are used", metric, "How customers use the product.", COUNT)
    asked = f"sort_desc(topk({TOP}, max by (feature, window) ({queries.of_population(metric)}) > 0))"
    return bars(about, Query(asked, "{{feature}} ({{window}})"), size=size, empty="no activity")


def median_days(*, size: tuple[int, int] = (4, 4)) -> Placed:
    """Return the median lifetime, and its restricted mean."""
    about = _lifetime("Customer lifetime", "How long customers stay.")
    asked = [
        Query(f"max({own(known.SURVIVAL_MEDIAN)})", "median", colour=CALM),
        Query(f"max({own(known.SURVIVAL_MEAN)})", "mean, at least", colour=CALM),
    ]
    return number(about, *asked, size=size, decimals=0)


def _lifetime(title: str, meaning: str) -> About:
    text = (
        f"{meaning} The Kaplan–Meier estimate over stays from becoming a customer to leaving; stays that go on count"
        " for as long as they have been seen. There is no median while more than half of all stays go on, and the mean"
        " counts no stay for longer than the longest one seen.\n\n"
        f"`{known.SURVIVAL_MEDIAN.name}`, `{known.SURVIVAL_MEAN.name}`"
    )
    return About(title, text, DAYS)


def lifetime_line(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return median and mean lifetime over time."""
    about = _lifetime("Customer lifetime over time", "Whether customers stay longer than they used to.")
    asked = [
        Query(f"max({queries.trend(own(known.SURVIVAL_MEDIAN))})", "median"),
        Query(f"max({queries.trend(own(known.SURVIVAL_MEAN))})", "mean, at least"),
    ]
    return lines(about, *asked, size=size)


def _survival(title: str, meaning: str) -> About:
    return of_metric(title, known.SURVIVAL, f"{meaning} Kaplan–Meier, with the 95 % interval of Greenwood.", PERCENT)


def survival_bars(*, size: tuple[int, int] = (8, 8)) -> Placed:
    """Return the share of stays that last longer than so many days, as bars."""
    about = _survival("Who stays for so long", "The share of stays that last longer than so many days.")
    steps = [(None, BAD), (0.5, FAIR), (0.8, GOOD)]
    # What lasts longer is a smaller share: the order of the values is that of the days.
    asked = f"sort_desc(max by (days) ({own(known.SURVIVAL, REPORTED)}))"
    return bars(about, Query(asked, "{{days}} days"), steps=steps, highest=1, size=size)


def survival_table(*, size: tuple[int, int] = (8, 8)) -> Placed:
    """Return survival with its interval as a table."""
    about = _survival("Survival with its interval", "*at least* and *at most*: the 95 % interval.")
    arranged = Arranged(_CURVE, [Column("days", "none")], sort_by="days", descending=False, first=_BY_NUMBER)
    return rows(about, arranged, *_curve(REPORTED), size=size)


def survival_curve(*, size: tuple[int, int] = (24, 9)) -> Placed:
    """Return survival over the days of a stay, with its interval."""
    meaning = "From left to right the days of a stay: where the curve falls steeply, customers leave."
    arranged = Arranged(_CURVE, [Column("days", "none")], first=_BY_NUMBER)
    about = _survival("Survival curve", meaning)
    return curve(about, arranged, *_curve(), across="days", band=("at most", "at least"), size=size)


def survival_lines(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return survival over time."""
    about = _survival("Survival over time", "Whether a larger share lasts that long than used to.")
    asked = f"max by (days) ({queries.trend(own(known.SURVIVAL, REPORTED))})"
    return lines(about, Query(asked, "{{days}} days"), size=size)


def _curve(where: str = "") -> list[Query]:
    metrics = (known.SURVIVAL, known.SURVIVAL_LOWER, known.SURVIVAL_UPPER)
    return [Query(f"max by (days) ({own(metric, where)})") for metric in metrics]
