"""The board *Executive*: eight numbers that say how the company keeps its customers, their year, and what changed."""

from typing import Any, Final

from monitoring import bands, promql, scores
from monitoring.alerts import thresholds
from monitoring.dashboards import behaviour, freshness, movements, queries, tiles, trends, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, lines, ranges, shown_as, worded
from monitoring.dashboards.queries import DAILY, EARLIER_DAYS, Query, loaded_since
from monitoring.dashboards.wording import PERCENT, About, formula_of, of_count, of_ratio, unit_of
from schemas.catalogue.formulas import Formula, Ratio
from schemas.catalogue.ratios import RATIO_BY_NAME, WINDOW_RATIOS, has_windows

UID: Final = "tenure-executive"
RETENTION: Final = "tenure-retention"
ONBOARDING: Final = "tenure-onboarding"
REVENUE: Final = "tenure-revenue"
FEEDBACK: Final = "tenure-feedback"
YEAR: Final = thresholds.RETENTION_WINDOW
MONTH: Final = thresholds.TARGET_WINDOW
#: Which board says more about a KPI.
BOARDS: Final = {
    RETENTION: ("retention", "churn_standard", "churn_stripe", "churn_baremetrics", "churn_profitwell", "renewal"),
    ONBOARDING: ("dropoff_7d", "dropoff_silent_7d", "onboarding", "engagement", "trial_conversion"),
    REVENUE: ("cross_sell", "expansion", "gross_revenue_retention", "net_revenue_retention"),
    FEEDBACK: ("nps", "csat", "survey_response"),
}
SHARES: Final = tuple(ratio for ratio in WINDOW_RATIOS if ratio.name != "quick_ratio")
_NAMES: Final = [ratio.name for ratio in SHARES]
_STANDARD, _BEST = thresholds.RETENTION_STANDARD, thresholds.RETENTION_BEST
#: Standard errors from which on a change is more than chance.
_BEYOND: Final = thresholds.Z_WARN


def board() -> Board:
    """Return the board."""
    customers = of_count("customers_active", title="Customers")
    known = [
        tiles.count_tile(customers, queries.count("customers_active", queries.STOCK), board=RETENTION),
        tiles.tile(RATIO_BY_NAME["retention"], board=RETENTION),
        movements.mrr_tile(board=REVENUE),
        tiles.tile(RATIO_BY_NAME["net_revenue_retention"], board=REVENUE),
        tiles.tile(RATIO_BY_NAME["dropoff_7d"], board=ONBOARDING),
        tiles.tile(RATIO_BY_NAME["engagement"], board=ONBOARDING),
        tiles.tile(RATIO_BY_NAME["nps"], board=FEEDBACK),
        tiles.tile(RATIO_BY_NAME["csat"], board=FEEDBACK),
    ]
    return Board(
        UID,
        "Executive",
        "How are we doing, and what changed?",
        [variables.source(), variables.job(), variables.window()],
        [
            Section("", freshness.first_line()),
            Section("How are we doing", known),
            Section(
                "The year", [customers_line(), movements.mrr_line(), year_line(), movements.movements(size=(12, 8))]
            ),
            Section("What changed", [changes()]),
            Section("Why they leave, and what they use", [behaviour.reasons(), behaviour.features()]),
        ],
        since="now-1y",
    )


def customers_line() -> Placed:
    """Return the active customers over time."""
    about = of_count("customers_active", title="Customers over time")
    asked = queries.trend(queries.count("customers_active", queries.STOCK))
    return lines(about, Query(asked, "customers", colour=CALM), filled=10, lowest=0)


def year_line() -> Placed:
    """Return a year's retention between the lines of the article."""
    retention = RATIO_BY_NAME["retention"]
    place = f'{promql.ALL},window="{YEAR}"'
    about = of_ratio(
        retention,
        f"{_STANDARD:.0%} is the standard of most SaaS companies, {_BEST:.0%} is the best. Always of 365 days.",
        title="A year's retention against standard and best",
        runbooks=("RetentionBelowStandard", "RetentionBelowBest"),
    )
    high, low = trends.HIGH, trends.LOW
    shown = queries.everyones(queries.trend(queries.ratio(retention, place)))
    # The first customers of a company are too few to say anything, and would fill the axis.
    enough = f" and on () {queries.trend(queries.count('customers_at_start', place))} >= {thresholds.LEAST_SAMPLE}"
    return lines(
        about,
        Query(f"{shown}{enough}", "a year's retention", colour=CALM),
        Query(f"({trends.bound(retention, '+', place)}){enough}", high, colour=CALM),
        Query(f"({trends.bound(retention, '-', place)}){enough}", low, colour=CALM),
        marks=[(_STANDARD, FAIR), (_BEST, GOOD)],
        band=(high, low),
        soft=(0.75, 1.0),
    )


def changes() -> Placed:
    """Return all shares in one table: a month now, the month before, and whether chance may be the reason."""
    about = About(
        "The last 30 days against the 30 before",
        "Every ratio of 30 days but the quick ratio, which is no share. *better* and *worse*: beyond chance, from"
        f" {_BEYOND:g} standard errors on; of money nothing is said. The 30 days before come from loaded history, too."
        " *compared with*: `as known then` where history was loaded in between, which *before* lacks; else `alike`."
        " *last 3 days*: whether they are within the band that is expected of their weekdays. A click on a name leads"
        " to the board that says more.\n\n" + "\n".join(f"- {ratio.title}: {formula_of(ratio)}" for ratio in SHARES),
        "none",
        ("KpiOutOfBand",),
    )
    out = thresholds.BAND_Z_WARN
    days = ranges([(None, -out, "better", GOOD), (-out, out, "as expected", NONE), (out, None, "worse", BAD)])
    verdict = ranges(
        [(None, -_BEYOND, "worse", BAD), (-_BEYOND, _BEYOND, "may be chance", NONE), (_BEYOND, None, "better", GOOD)]
    )
    alike = shown_as({"0": ("alike", NONE), "1": ("as known then", FAIR)})
    columns = [
        Column(
            "KPI",
            width=300,
            mappings=_titles(),
            leads_to=("Look closer", "/d/${__data.fields.board}?${__url_time_range}"),
        ),
        *(Column(name, decimals=1) for name in ("now", "before", "change", "target")),
        Column("is it real", mappings=verdict),
        Column("compared with", mappings=alike),
        Column("last 3 days", mappings=days),
        Column("board", hidden=True),
    ]
    named = ("now", "before", "change", "target", "is it real", "last 3 days", "compared with")
    renamed = {"kpi": "KPI"} | {f"Value #{letter}": name for letter, name in zip("ABCDEFG", named, strict=True)}
    here, before = _of_names("ratio"), _of_names("ratio", f"[{DAILY}] offset {EARLIER_DAYS}d")
    asked = [
        queries.or_withheld(_scaled(here), "kpi"),
        _scaled(before),
        f"{_scaled(here)} - {_scaled(before)}",
        _scaled(f'max by (kpi) ({promql.TARGET}{{kpi=~"{"|".join(_NAMES)}",window="{MONTH}"}})'),
        " or ".join(_named(_score(ratio), ratio.name) for ratio in SHARES if _has_score(ratio)),
        f'max by (kpi) ({bands.SHIFT}{{kpi=~"{"|".join(_NAMES)}"}})',
        f"0 * {before} + on () group_left () (group({loaded_since()}) or on () vector(0))",
    ]
    with_board = [_with_board(f"({each}){queries.NOT_WITHHELD}" if place else each) for place, each in enumerate(asked)]
    arranged = Arranged(renamed | {"board": "board"}, columns, sort_by="KPI", descending=False)
    return rows(about, arranged, *(Query(each) for each in with_board), size=(24, 20))


def _titles() -> list[Any]:
    """Return the words for the names of KPIs, with the unit of their row."""
    shown = {ratio.name: f"{ratio.title}, {'%' if unit_of(ratio) == PERCENT else 'points'}" for ratio in SHARES}
    return worded(shown)


def _of_names(kind: str, span: str = "") -> str:
    # One of stocks alone has no window.
    series = f'{{__name__=~"segment:({"|".join(_NAMES)}):{kind}",{promql.ALL},window=~"{MONTH}|"}}'
    if span:
        series = f"last_over_time({series}{span})"
    return f'max by (kpi) (label_replace({series}, "kpi", "$1", "__name__", "segment:(.+):{kind}"))'


def _scaled(expr: str) -> str:
    return f"100 * {expr}"


def _named(expr: str, kpi: str) -> str:
    return f'label_replace({expr}, "kpi", "{kpi}", "", "")'


def _with_board(expr: str) -> str:
    """Return rows by KPI with the board that says more about it."""
    text = f"({expr})"
    for uid, names in BOARDS.items():
        text = f'label_replace({text}, "board", "{uid}", "kpi", "{"|".join(names)}")'
    return text


def _has_score(ratio: Ratio) -> bool:
    return has_windows(ratio) and (ratio.is_proportion or ratio.name in (*tiles.SHARES_OF_ANSWERS, "nps"))


def _score(ratio: Ratio) -> str:
    """Return how many standard errors a share of 30 days is better than that of the 30 days before."""
    if ratio.name == "nps":
        return f'max({scores.NPS_FALL}{{window="{MONTH}"}})'
    here = [_sum_of(formula, "") for formula in (ratio.numerator, ratio.denominator)]
    before = [_sum_of(formula, "before") for formula in (ratio.numerator, ratio.denominator)]
    pooled = f"(({here[0]} + {before[0]}) / ({here[1]} + {before[1]}))"
    variance = f"({pooled} * (1 - {pooled}) * (1 / {here[1]} + 1 / {before[1]}))"
    sign = 1 if ratio.higher_is_better else -1
    return f"{sign} * ({here[0]} / {here[1]} - {before[0]} / {before[1]}) / sqrt({variance} > 0)"


def _sum_of(formula: Formula, when: str) -> str:
    """Return a formula over sums of 30 days, now or of the 30 days before, without labels."""
    text = ""
    for sign, name in formula.terms:
        where = promql.ALL if promql.is_of_stocks(formula) else f'{promql.ALL},window="{MONTH}"'
        selector = queries.count(name, where)
        if when:
            selector = f"last_over_time({selector}[{DAILY}] offset {EARLIER_DAYS}d)"
        joint = "" if not text else " + " if sign > 0 else " - "
        text += f"{joint}max({selector})"
    return f"({text})"
