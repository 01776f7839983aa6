"""The board *Retention and churn*: who stays and who leaves, by window, lens and segment, and why."""

from typing import Final

from monitoring import promql, scores
from monitoring.alerts import thresholds
from monitoring.dashboards import behaviour, freshness, movements, queries, subscriptions, tiles, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import columns
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, bars, lines, number
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, PERCENT, PLAIN, About, of_count, of_counts
from schemas.catalogue.ratios import RATIO_BY_NAME, WINDOW_RATIOS
from schemas.instruments import DAILY_CANCELLATIONS

UID: Final = "tenure-retention"
LENSES: Final = tuple(ratio for ratio in WINDOW_RATIOS if ratio.path[0] == "churn")


def board() -> Board:
    """Return the board."""
    retention, churn, renewal = (RATIO_BY_NAME[name] for name in ("retention", "churn_standard", "renewal"))
    cross_sell = RATIO_BY_NAME["cross_sell"]
    chosen = [variables.source(), variables.job(), variables.window(), variables.lens()]
    return Board(
        UID,
        "Retention and churn",
        "Who stays and who leaves: windows, definitions, segments, reasons.",
        [*chosen, variables.dimension(), variables.value()],
        [
            Section("", [*freshness.first_line(), cancellations()]),
            Section("Now, against the targets", now()),
            Section(
                "Trends",
                [
                    tiles.line(retention, size=(12, 8)),
                    tiles.churn_line(size=(12, 8)),
                    tiles.by_window(retention),
                    lenses(),
                    flow(),
                    tiles.line(renewal, size=(12, 8)),
                ],
            ),
            Section(
                "Paused, and with several subscriptions",
                [subscriptions.paused_line(), subscriptions.several_line(), tiles.line(cross_sell)],
            ),
            Section("Is something happening", [daily(), spike(), rise()]),
            Section(
                "By $dimension",
                [
                    tiles.segments(churn, size=(14, 9), departures=True),
                    contribution(),
                    tiles.by_value(churn),
                    tiles.by_value(retention),
                    active(),
                    tiles.segments(renewal, size=(12, 8)),
                ],
            ),
            Section("Why they leave", [behaviour.reasons(), voluntary(), renewals(), movements.failed_payments()]),
        ],
    )


def now() -> list[Placed]:
    """Return the tiles of the KPIs."""
    lost = of_count("customers_lost", title="Customers lost")
    meaning = "Who became a customer for the first time in the window, and who did again."
    new = of_counts("Came", meaning, "customers_new", "customers_reactivated")
    came = [
        Query(queries.count("customers_new"), "new", colour=CALM),
        Query(queries.count("customers_reactivated"), "came back", colour="purple"),
    ]
    return [
        tiles.tile(RATIO_BY_NAME["retention"]),
        tiles.churn_tile(),
        tiles.tile(RATIO_BY_NAME["renewal"]),
        tiles.tile(RATIO_BY_NAME["dropoff_7d"]),
        number(lost, Query(queries.trend(queries.count("customers_lost")), colour=CALM), size=(4, 5), line=True),
        number(new, *came, size=(4, 5)),
    ]


def cancellations() -> Placed:
    """Return the cancellations of the window."""
    more = (
        "A customer who has left: no subscription counts any more at the end of a bucket in which one did. Ending one"
        " of several, or ending one and beginning another at once, is none."
    )
    about = of_count("cancellations", more, title="Cancellations")
    return number(about, Query(queries.trend(queries.count("cancellations")), colour=CALM), size=(4, 4), line=True)


def lenses() -> Placed:
    """Return churn over time by all definitions at once."""
    about = tiles.of_lens(
        "They differ by who is counted above and below the line, and none is wrong.", title="Churn by all lenses"
    )
    asked = [Query(queries.trend(queries.ratio(ratio)), ratio.path[-1]) for ratio in LENSES]
    return lines(about, *asked, size=(12, 8))


def flow() -> Placed:
    """Return who comes and who goes over time."""
    gains = {"customers_new": CALM, "customers_reactivated": "purple"}
    meaning = (
        "Each point is the sum over the window that ends then; who leaves is below the axis. What is above less what is"
        " below is the growth of the window."
    )
    about = of_counts("Coming and going", meaning, *gains, "cancellations")
    asked = [
        Query(queries.trend(queries.count(name)), name.removeprefix("customers_"), colour=colour)
        for name, colour in gains.items()
    ]
    left = Query("-" + queries.trend(queries.count("cancellations")), "cancellations", colour=BAD)
    return lines(about, *asked, left, size=(12, 8), stacked=True, filled=40)


def daily() -> Placed:
    """Return the cancellations of each of the last days."""
    about = About(
        "Cancellations by day",
        "Of each of the last 29 times 24 hours; 00 is the one that runs now.\n\n"
        f"`{DAILY_CANCELLATIONS.name}`: {DAILY_CANCELLATIONS.help}",
        COUNT,
        ("ChurnSpike",),
    )
    # Text sorts 10 before 2: padded.
    padded = f'label_replace({scores.DAYS}, "day", "0$1", "days_ago", "(.)")'
    named = f'label_replace({padded}, "day", "$1", "days_ago", "(..)")'
    return columns(about, Query(f"sum by (day) ({named})", "cancellations"), across="day", size=(12, 8))


def spike() -> Placed:
    """Return the score of the last day's cancellations."""
    about = About(
        "Spike of the last 24 hours",
        "The last 24 hours' cancellations against the mean of the same weekdays, by Anscombe's root: from"
        f" {thresholds.SPIKE_Z_WARN:g} on there is a warning, from {thresholds.SPIKE_Z_PAGE:g} on a page. There is none"
        f" before the first full week.\n\n`z = 2 (√(c + 3/8) − √(e + 3/8)) / √(φ (1 + 1/k))`, `{scores.SPIKE}`",
        PLAIN,
        ("ChurnSpike",),
    )
    steps = [(None, GOOD), (thresholds.SPIKE_Z_WARN, FAIR), (thresholds.SPIKE_Z_PAGE, BAD)]
    asked = [
        Query(scores.SPIKE, "z"),
        Query(scores.LAST_DAY, "counted", unit=COUNT, colour=NONE),
        Query(scores.EXPECTED, "expected", colour=NONE),
    ]
    return number(about, *asked, steps=steps, size=(6, 8), decimals=1, empty="no full week yet")


def rise() -> Placed:
    """Return the scores of the last week's cancellations by cause."""
    about = About(
        "Rise of the last 7 days",
        "The last 7 days' cancellations against the 23 days before them, by cause; from"
        f" {thresholds.RISE_Z:g} on there is a warning. There is none with fewer than {thresholds.LEAST_SAMPLE}"
        f" customers.\n\n`{scores.RISE}`",
        PLAIN,
        ("InvoluntaryChurnRising", "VoluntaryChurnRising"),
    )
    steps = [(None, GOOD), (2.0, FAIR), (thresholds.RISE_Z, BAD)]
    return number(about, Query(scores.RISE, "{{cause}}"), steps=steps, size=(6, 8), decimals=1, names=True)


def contribution() -> Placed:
    """Return each segment's share of all customers lost."""
    about = of_counts(
        "Whose losses are they",
        "Each segment's share of the customers lost, in the segments' window: a small segment with bad churn may matter"
        " less than a large one with fair churn.\n\n`customers_lost` of the segment / `customers_lost` of all",
        "customers_lost",
        unit=PERCENT,
    )
    name = promql.recorded("segment", "customers_lost")
    mine = f"({queries.of_segments(name)})"
    everybody = f"(sum by (window) ({name}{{{promql.ALL}}}) > 0)"
    asked = f"sort_desc({mine} / on (window) group_left () {everybody})"
    return bars(about, Query(asked, "{{value}} ({{window}})"), size=(10, 9))


def active() -> Placed:
    """Return the active customers by the chosen values."""
    about = of_count("customers_active", "By the values of the variable *dimension*.", title="Customers by $dimension")
    asked = queries.trend(queries.count("customers_active", queries.SEGMENT))
    return lines(about, Query(asked, "{{value}}"), size=(12, 8), stacked=True, filled=30)


def voluntary() -> Placed:
    """Return cancellations that were decided and those that were not, over time."""
    meaning = "Payments that failed want another remedy than customers who decide to leave."
    about = of_counts("Decided or not", meaning, "cancellations", "cancellations_involuntary")
    failed = queries.trend(queries.count("cancellations_involuntary"))
    decided = f"{queries.trend(queries.count('cancellations'))} - {failed}"
    asked = [Query(decided, "voluntary", colour=FAIR), Query(failed, "involuntary", colour=BAD)]
    return lines(about, *asked, size=(12, 9), stacked=True, filled=40)


def renewals() -> Placed:
    """Return what became of the terms that ended, over time."""
    colours = {"renewed": GOOD, "declined": FAIR, "failed": BAD}
    names = [f"renewals_{how}" for how in colours]
    about = of_counts("What became of terms", "Terms that ended in the window.", *names)
    asked = [
        Query(queries.trend(queries.count(f"renewals_{how}")), how, colour=colour) for how, colour in colours.items()
    ]
    return lines(about, *asked, size=(12, 8), stacked=True, filled=40)
