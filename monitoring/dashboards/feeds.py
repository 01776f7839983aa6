"""The board *Feeds*: what producers send that is not simply counted, and what they should mend."""

from typing import Final

from monitoring.dashboards import freshness, intake, intake_over_http, variables
from monitoring.dashboards.board import Board, Section

UID: Final = "tenure-feeds"


def board() -> Board:
    """Return the board."""
    return Board(
        UID,
        "Feeds",
        "What should producers mend?",
        [variables.source(), variables.job()],
        [
            Section("", freshness.first_line()),
            Section("Feed by feed", [intake.by_feed()]),
            Section("What is missing from the numbers", [intake.dead_letters(), intake.without_effect()]),
            Section("What is odd", [intake.oddities(), intake.mended(), intake.conflicts(), intake.untranslated()]),
            Section("Events over HTTP", [intake_over_http.answers(), intake_over_http.served()]),
        ],
        since="now-24h",
        of_the_stream=True,
    )
