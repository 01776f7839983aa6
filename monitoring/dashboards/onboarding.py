"""The board *Onboarding and first week*: how people begin, whether they become customers, and use the product."""

from typing import Final

from monitoring.dashboards import behaviour, freshness, queries, subscriptions, tiles, variables
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, lines, number
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, of_count, of_counts
from schemas.catalogue.ratios import RATIO_BY_NAME

UID: Final = "tenure-onboarding"
TILES: Final = ("onboarding", "dropoff_7d", "dropoff_silent_7d", "engagement", "trial_conversion")
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
        "How people begin, whom we lose in the first two weeks, which trials convert, and who uses the product.",
        [variables.source(), variables.job(), variables.window(), variables.dimension(), variables.value()],
        [
            Section("", [*freshness.first_line(), signups()]),
            Section("Now, against the targets", [*tiles.tiles_of(TILES), came()]),
            Section("The first two weeks", [funnel(), signups_line()]),
            Section("Trials", [subscriptions.trials(), tiles.line(trial, late, size=(12, 8))]),
            Section(
                "Trends",
                [
                    tiles.line(onboarding, late, size=(12, 8)),
                    tiles.line(gone, late, size=(12, 8)),
                    tiles.line(silent, late, size=(12, 8)),
                    tiles.by_window(gone),
                ],
            ),
            Section(
                "By $dimension",
                [
                    tiles.segments(onboarding),
                    tiles.segments(gone),
                    tiles.by_value(onboarding),
                    tiles.by_value(silent),
                    tiles.segments(trial),
                    tiles.by_value(trial, size=(12, 9)),
                ],
            ),
            Section(
                "Use of the product",
                [
                    tiles.line(engagement, size=(12, 8)),
                    behaviour.stickiness_line(),
                    behaviour.features(size=(12, 10)),
                    tiles.segments(engagement, size=(12, 10)),
                ],
            ),
        ],
    )


def signups() -> Placed:
    """Return the first signups of the window."""
    about = of_count("signups", title="Signups")
    asked = queries.trend(queries.count("signups"))
    return number(about, Query(asked, "signups", colour=CALM), size=(4, 4), line=True)


def came() -> Placed:
    """Return the customers of the window who are new, and those who came back."""
    meaning = "Who became a customer for the first time in the window, and who did again."
    about = of_counts("New, and came back", meaning, "customers_new", "customers_reactivated")
    asked = [
        Query(queries.count("customers_new"), "new", colour=CALM),
        Query(queries.count("customers_reactivated"), "came back", colour="purple"),
    ]
    return number(about, *asked, size=(4, 5))


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
        Query(queries.trend(queries.count("customers_new")), "new", colour=CALM),
        Query(queries.trend(queries.count("customers_reactivated")), "came back", colour="purple"),
    ]
    return lines(about, *asked, size=(12, 8))


def funnel() -> Placed:
    """Return what became of the signups, as bars."""
    meaning = (
        "What became of those whose first week after the first signup, and whose second week, ended in the window. They"
        " may be on a trial or a free plan. The two are"
        " different people: who is in the second week now signed up a week earlier."
    )
    about = of_counts("What became of signups", meaning, *(name for name, _, _ in FUNNEL), unit=COUNT)
    asked = [Query(queries.count(name), words, colour=colour) for name, words, colour in FUNNEL]
    return bars(about, *asked, size=(12, 8))
