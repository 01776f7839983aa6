"""The board *Executive*: the numbers that the two articles ask for, each against its target, with trend and sample."""

from collections.abc import Sequence
from typing import Final

from monitoring import promql
from monitoring.alerts import thresholds
from monitoring.dashboards import behaviour, freshness, movements, queries, subscriptions, tiles, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, lines, number
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, PERCENT, About, formula_of, of_count, of_ratio
from schemas.catalogue.ratios import RATIO_BY_NAME, WINDOW_RATIOS

UID: Final = "tenure-executive"
YEAR: Final = thresholds.RETENTION_WINDOW
MONTH: Final = thresholds.TARGET_WINDOW
TILES: Final = (
    "renewal",
    "dropoff_7d",
    "dropoff_silent_7d",
    "onboarding",
    "engagement",
    "trial_conversion",
    "expansion",
    "cross_sell",
    "net_revenue_retention",
    "gross_revenue_retention",
    "quick_ratio",
    "nps",
    "csat",
    "survey_response",
)
LINES: Final = (
    "renewal",
    "dropoff_7d",
    "onboarding",
    "engagement",
    "trial_conversion",
    "net_revenue_retention",
    "expansion",
    "cross_sell",
    "nps",
    "csat",
    "survey_response",
)
SHARES: Final = tuple(ratio for ratio in WINDOW_RATIOS if ratio.name != "quick_ratio")
_STANDARD, _BEST = thresholds.RETENTION_STANDARD, thresholds.RETENTION_BEST


def board() -> Board:
    """Return the board."""
    retention = RATIO_BY_NAME["retention"]
    known = [tiles.tile(retention), tiles.churn_tile(), *tiles.tiles_of(TILES), behaviour.stickiness(), lifetime()]
    standing = [subscriptions.paused_tile(), subscriptions.several_tile(), subscriptions.subscriptions_tile()]
    over_time = [customers_line(), subscriptions.paused_and_several_line()]
    return Board(
        UID,
        "Executive",
        "How well customers are kept and grown, against the targets.",
        [variables.source(), variables.job(), variables.window(), variables.lens()],
        [
            Section("", [*freshness.first_line(), movements.mrr_tile()]),
            Section("Now, against the targets", [*known, signups(), new(), lost(), *standing]),
            Section("A month, and a year against the standard of 80 % and the best of 90 %", year()),
            Section("Trends", [tiles.line(retention), tiles.churn_line(), *tiles.lines_of(LINES), *over_time]),
            Section("All of them", [scorecard(), freshness.losses()]),
            Section("Why they leave, and what they use", [behaviour.reasons(), behaviour.features()]),
        ],
    )


def signups() -> Placed:
    """Return the first signups of the window."""
    about = of_count("signups", "The article names sign-ups among its KPIs.", title="Signups")
    return number(about, Query(queries.trend(queries.count("signups")), colour=CALM), size=(4, 5), line=True)


def new() -> Placed:
    """Return the new customers of the window."""
    more = "Who signs up to a trial or a free plan is new on becoming a customer, and not before."
    about = of_count("customers_new", more, title="New customers")
    return number(about, Query(queries.trend(queries.count("customers_new")), colour=CALM), size=(4, 5), line=True)


def lost() -> Placed:
    """Return the customers who were lost in the window."""
    about = of_count("customers_lost", title="Customers lost")
    return number(about, Query(queries.trend(queries.count("customers_lost")), colour=CALM), size=(4, 5), line=True)


def lifetime() -> Placed:
    """Return how long customers stay."""
    return behaviour.median_days(size=(4, 5))


def year() -> list[Placed]:
    """Return churn of a month and of a year, and a year's retention between the lines of the article."""
    churn, retention = RATIO_BY_NAME["churn_standard"], RATIO_BY_NAME["retention"]
    windows = [(MONTH, "a month"), (YEAR, "a year")]
    asked = [
        Query(queries.ratio(churn, f'{promql.ALL},window="{window}"'), name, colour=CALM) for window, name in windows
    ]
    about = of_ratio(churn, "Always of 30 and of 365 days.", title="Churn of a month and of a year")
    steps = [(None, BAD), (_STANDARD, FAIR), (_BEST, GOOD)]
    place = f'{promql.ALL},window="{YEAR}"'
    lines_of_article = (
        f"{_STANDARD:.0%} is the standard of most SaaS companies, {_BEST:.0%} and more is the best. Always of 365 days."
    )
    runbooks = ("RetentionBelowStandard", "RetentionBelowBest")
    now = of_ratio(retention, lines_of_article, title="A year's retention", runbooks=runbooks)
    title = "A year's retention against standard and best"
    over_time = of_ratio(retention, lines_of_article, title=title, runbooks=runbooks)
    shown = lines(
        over_time,
        Query(queries.trend(queries.ratio(retention, place)), "retention", colour=CALM),
        Query(queries.trend(queries.bound(retention, "high", place)), "high", colour=CALM),
        Query(queries.trend(queries.bound(retention, "low", place)), "low", colour=CALM),
        size=(14, 7),
        marks=[(_STANDARD, FAIR), (_BEST, GOOD)],
        band=("high", "low"),
        soft=(0.75, 1.0),
    )
    return [
        number(now, Query(queries.ratio(retention, place), "a year"), steps=steps, size=(5, 7), decimals=1),
        number(about, *asked, size=(5, 7), decimals=1),
        shown,
    ]


def customers_line() -> Placed:
    """Return the active customers over time."""
    about = of_count("customers_active", title="Customers over time")
    asked = queries.trend(queries.count("customers_active", queries.STOCK))
    return lines(about, Query(asked, "customers", colour=CALM), size=(8, 7), filled=10)


def scorecard() -> Placed:
    """Return all shares in one table: now, target, distance, sample, and what was 30 days earlier."""
    higher = [ratio.name for ratio in SHARES if ratio.higher_is_better]
    lower = [ratio.name for ratio in SHARES if not ratio.higher_is_better]
    names = [ratio.name for ratio in SHARES]
    distance = f"({_now(higher)} - {_target(higher)}) or ({_target(lower)} - {_now(lower)})"
    earlier = _by_kpi(f"last_over_time({_series(names, 'ratio')}[25h] offset 30d)", "ratio")
    about = About(
        "Scorecard",
        "Every ratio of the chosen window but the quick ratio, which is no share. *distance* is how far it is on the"
        " good (above 0) or bad (below 0) side of its target; NPS is written as a share: 40 % is an NPS of +40.\n\n"
        + "\n".join(f"- {ratio.name}: {formula_of(ratio)}" for ratio in SHARES),
        PERCENT,
    )
    columns = [
        Column("KPI", width=260),
        Column("distance", PERCENT, [(None, BAD), (0.0, GOOD)]),
        Column("sample", COUNT),
    ]
    renamed = {"kpi": "KPI", "Value #A": "now", "Value #B": "target", "Value #C": "distance", "Value #D": "sample"}
    arranged = Arranged({**renamed, "Value #E": "30 days earlier"}, columns, sort_by="KPI", descending=False)
    sample = _by_kpi(_series(names, "sample"), "sample")
    asked = [_now(names), _target(names), distance, sample, earlier]
    return rows(about, arranged, *(Query(each) for each in asked), size=(24, 14))


def _series(names: Sequence[str], kind: str) -> str:
    # One of stocks alone has no window.
    return f'{{__name__=~"segment:({"|".join(names)}):{kind}",{promql.ALL},window=~"$window|"}}'


def _by_kpi(series: str, kind: str) -> str:
    return f'max by (kpi) (label_replace({series}, "kpi", "$1", "__name__", "segment:(.+):{kind}"))'


def _now(names: Sequence[str]) -> str:
    return _by_kpi(_series(names, "ratio"), "ratio")


def _target(names: Sequence[str]) -> str:
    return f'max by (kpi) ({promql.TARGET}{{kpi=~"{"|".join(names)}",{queries.WINDOW}}})'
