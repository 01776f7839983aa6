"""Panels about single customers put together: reasons, features, stickiness, lifetime, cohorts.

They come from the worker that owns partition 0 alone, which reads all customers now and then. While that partition
changes hands two workers may show the same: the larger counts, never the sum.
"""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.models import dashboard as model

from monitoring import promql
from monitoring.dashboards import queries, sentences, tiles
from monitoring.dashboards.frames import NOTHING, Arranged, Column, curve, rows
from monitoring.dashboards.panels import CALM, FAIR, GOOD, Placed, bars, lines
from monitoring.dashboards.queries import NOT_WITHHELD, Query, own
from monitoring.dashboards.wording import COUNT, DAYS, PERCENT, About, of_metric
from schemas import instruments as known
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.windows import LIFETIME_DAYS

TOP: Final = 12
_NO_FEATURE: Final = 'feature="none"'
_WINDOW: Final = f"Of the chosen window, or of {queries.SEGMENT_WINDOW} where they are not counted in it."
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


def stickiness(*, size: tuple[int, int] = (tiles.WIDTH, tiles.HEIGHT)) -> Placed:
    """Return the share of a month's engaged customers who are engaged on a day."""
    asked = [_stickiness(each) for each in (queries.now, queries.trend, queries.earlier)]
    return tiles.expression_tile(_about_stickiness(), *asked, points=True, size=size)


def stickiness_line(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return stickiness over time."""
    asked = Query(_stickiness(queries.trend), "stickiness", colour=CALM)
    return lines(_about_stickiness("Stickiness over time"), asked, size=size, soft=(0.0, 0.3))


def _about_stickiness(title: str = "Stickiness") -> About:
    text = (
        "The customers who used the product or answered a survey in a day, over those who did in thirty: 100 % is every"
        f" day. {COUNT_BY_NAME['customers_engaged'].meaning}\n\n"
        "`customers_engaged` of 1 day / `customers_engaged` of 30 days"
    )
    return About(title, text, PERCENT)


def _stickiness(asked: Callable[[str], str]) -> str:
    day, month = (
        asked(queries.count("customers_engaged", f'{promql.ALL},window="{window}"')) for window in ("1d", "30d")
    )
    return f"{day} / ignoring (window) ({month} > 0)"


def reasons(*, size: tuple[int, int] = (12, 9)) -> Placed:
    """Return the reasons of the window's cancellations, the most frequent first."""
    metric = known.CANCELLATIONS_BY_REASON
    about = of_metric("Reasons of cancellations", metric, f"The most frequent reasons. {_WINDOW}", COUNT)
    each = f"max by (reason, involuntary, window) ({queries.of_population(metric)})"
    asked = f"sort_desc(topk({TOP}, sum by (reason) ({each}) > 0))"
    return bars(
        about, Query(queries.bars_or_withheld(asked, "reason"), "{{reason}}"), size=size, empty="no cancellation"
    )


def features(*, size: tuple[int, int] = (12, 9)) -> Placed:
    """Return the features that the engaged customers of the window used, the most used first."""
    metric = known.ENGAGED_BY_FEATURE
    about = of_metric("Features that are used", metric, f"How customers use the product. {_WINDOW}", COUNT)
    named = f"max by (feature) ({queries.of_population(metric)}) unless max by (feature) ({own(metric, _NO_FEATURE)})"
    asked = f"sort_desc(topk({TOP}, ({named}) > 0))"
    return bars(about, Query(queries.bars_or_withheld(asked, "feature"), "{{feature}}"), size=size, empty="no activity")


def leaving() -> Placed:
    """Return the customers whose cancellation is known, and what they pay."""
    metric, paid = known.LEAVING, known.LEAVING_MRR
    meaning = f"`tenure risk` lists them, and those who may follow.\n\n`{paid.name}`: {paid.help}"
    about = of_metric("Leaving, by what is known", metric, meaning, COUNT)
    words = sentences.money(f"max({own(paid)})", "mrr", "with an MRR of $1")
    asked = sentences.joined(f"max({own(metric)})", own(metric), {"mrr": words})
    return tiles.plain_tile(about, asked, words="mrr", empty="nobody yet", size=(6, 8))


def sleepers() -> Placed:
    """Return who fell asleep and who woke up, over time."""
    woken = known.RESURRECTED
    meaning = f"In {queries.SEGMENT_WINDOW}; `tenure usage` has them by plan.\n\n`{woken.name}`: {woken.help}"
    about = of_metric("Customers who fell asleep, and who woke up", known.DORMANT, meaning, COUNT)
    month = f'window="{queries.SEGMENT_WINDOW}"'
    asked = [
        Query(f"max({queries.trend(own(metric, month))})", name, colour=colour)
        for metric, name, colour in ((known.DORMANT, "fell asleep", FAIR), (woken, "woke up", GOOD))
    ]
    return lines(about, *asked, size=(18, 8), lowest=0)


def median_tile() -> Placed:
    """Return the median lifetime."""
    about = _lifetime("Half of them stay for", "There is no median while more than half of all stays go on.")
    said = f'label_replace({own(known.SURVIVAL_MEDIAN)}, "of", "of all stays", "", "")'
    return tiles.plain_tile(about, said, words="of", empty="more than half stay on", size=(6, 8))


def mean_tile() -> Placed:
    """Return the restricted mean lifetime."""
    about = _lifetime("Mean lifetime, at least", "The mean counts no stay for longer than the longest one seen.")
    said = f'label_replace({own(known.SURVIVAL_MEAN)}, "of", "of all stays", "", "")'
    return tiles.plain_tile(about, said, words="of", empty="nobody yet", size=(6, 8))


def _lifetime(title: str, meaning: str) -> About:
    text = (
        "How long customers stay. The Kaplan–Meier estimate over stays from becoming a customer to leaving; stays that"
        f" go on count for as long as they have been seen. {meaning}\n\n"
        f"`{known.SURVIVAL_MEDIAN.name}`, `{known.SURVIVAL_MEAN.name}`"
    )
    return About(title, text, DAYS)


def _survival(title: str, meaning: str) -> About:
    return of_metric(title, known.SURVIVAL, f"{meaning} Kaplan–Meier, with the 95 % interval of Greenwood.", PERCENT)


def survival_table(*, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return survival with its interval as a table."""
    about = _survival("Who stays for so long", "*at least* and *at most*: the 95 % interval.")
    shares = [Column(name, decimals=1) for name in ("stay longer", "at least", "at most")]
    columns = [Column("days", "none", decimals=0), *shares]
    arranged = Arranged(_CURVE, columns, sort_by="days", descending=False, first=_BY_NUMBER, empty=NOTHING)
    return rows(about, arranged, *_curve(REPORTED), size=size)


def survival_curve(*, size: tuple[int, int] = (24, 9)) -> Placed:
    """Return survival over the days of a stay, with its interval."""
    meaning = "From left to right the days of a stay: where the curve falls steeply, customers leave."
    arranged = Arranged(_CURVE, [Column("days", "none")], first=_BY_NUMBER)
    about = _survival("Survival curve", meaning)
    return curve(
        about, arranged, *_curve(), across="days", label="days of a stay", band=("at most", "at least"), size=size
    )


def _curve(where: str = "") -> list[Query]:
    metrics = (known.SURVIVAL, known.SURVIVAL_LOWER, known.SURVIVAL_UPPER)
    return [Query(f"max by (days) ({own(metric, where)}){NOT_WITHHELD}") for metric in metrics]
