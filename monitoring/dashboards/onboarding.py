"""The board *Onboarding and first week*: how people begin, and whom we lose in the first two weeks."""

from typing import Final

from monitoring.dashboards import behaviour, freshness, queries, subscriptions, tiles, trends, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, lines
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, of_count, of_counts
from schemas.catalogue.ratios import RATIO_BY_NAME

UID: Final = "tenure-onboarding"
#: Count, words and colour of each step of the way.
FUNNEL: Final = (
    ("onboarding_matured", "their first week has ended", CALM),
    ("onboarding_completed", "onboarding completed in it", GOOD),
    ("dropoff_cancelled", "gone after it", BAD),
    ("dropoff_silent_matured", "their second week has ended, too", CALM),
    ("dropoff_silent", "silent in the second week", FAIR),
)


def board() -> Board:
    """Return the board."""
    onboarding, gone = RATIO_BY_NAME["onboarding"], RATIO_BY_NAME["dropoff_7d"]
    silent, engagement = RATIO_BY_NAME["dropoff_silent_7d"], RATIO_BY_NAME["engagement"]
    trial = RATIO_BY_NAME["trial_conversion"]
    late = "Alerts judge it at the last closed boundary (`closed:…`): what matures in the running hour is not final."
    return Board(
        UID,
        "Onboarding and first week",
        "How do people begin, and whom do we lose in the first two weeks?",
        [variables.source(), variables.job(), variables.window(), variables.dimension(), variables.value()],
        [
            Section("", freshness.first_line()),
            Section(
                "How people begin",
                [
                    counted("signups", "Signups"),
                    counted("customers_new", "New customers"),
                    tiles.tile(onboarding),
                    tiles.tile(trial),
                    tiles.tile(gone),
                    tiles.tile(silent, title="Silent in week two"),
                    tiles.tile(engagement),
                    behaviour.stickiness(),
                ],
            ),
            Section("The first two weeks", [funnel(), signups_line()]),
            Section("Over time", [trends.line(onboarding, late), trends.line(gone, late)]),
            Section("Trials", [subscriptions.trials(), trends.line(trial, late)]),
            Section("By $dimension", [trends.segments(onboarding), trends.segments(gone)]),
            Section("Use of the product", [trends.line(engagement, size=(12, 9)), behaviour.features()]),
        ],
    )


def counted(name: str, title: str) -> Placed:
    """Return a count of the window as a tile."""
    return tiles.count_tile(of_count(name, title=title), queries.count(name))


def signups_line() -> Placed:
    """Return signups, new and returning customers over time."""
    meaning = (
        "Each point is the sum over the window that ends then. Who signs up to a trial or a free plan is new on"
        " becoming a customer."
    )
    names = ("signups", "customers_new", "customers_reactivated")
    about = of_counts("Signups, new and returning customers", meaning, *names)
    asked = [
        Query(queries.trend(queries.count("signups")), "signups", colour=GOOD),
        Query(queries.trend(queries.count("customers_new")), "new customers", colour=CALM),
        Query(queries.trend(queries.count("customers_reactivated")), "came back", colour="purple"),
    ]
    return lines(about, *asked, size=(12, 8), lowest=0)


def funnel() -> Placed:
    """Return what became of the signups, as bars."""
    meaning = (
        "What became of those whose first week after the first signup, and whose second week, ended in the window. They"
        " may be on a trial or a free plan. The two are"
        " different people: who is in the second week now signed up a week earlier."
    )
    about = of_counts("What became of signups", meaning, *(name for name, _, _ in FUNNEL), unit=COUNT)
    asked = [Query(queries.count(name), words, colour=colour) for name, words, colour in FUNNEL]
    return bars(about, *asked, queries.withheld_bars(), size=(12, 8), empty="nobody yet", above=True)
