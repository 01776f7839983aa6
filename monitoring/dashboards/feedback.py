"""The board *Feedback*: what customers say, how many are asked, and how many answer, by way."""

from typing import Final, get_args

from monitoring import scores
from monitoring.alerts import thresholds
from monitoring.dashboards import freshness, queries, tiles, variables
from monitoring.dashboards.behaviour import TOP
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, lines, number
from monitoring.dashboards.queries import COMPLETE, Query, own
from monitoring.dashboards.wording import COUNT, PERCENT, PLAIN, About, of_counts, of_metric
from schemas.catalogue.ratios import RATIO_BY_NAME
from schemas.events import SurveyStatus
from schemas.instruments import ANSWERS_BY_REASON, SURVEYS_BY_WAY

UID: Final = "tenure-feedback"
STATUSES: Final[tuple[str, ...]] = get_args(SurveyStatus)
PARTS: Final = {"promoters": GOOD, "passives": FAIR, "detractors": BAD}
_BY_WAY: Final = (
    "`answered` / `sent`, summed over kinds. An answer may be to a survey of an earlier window."
    " Ways that nothing was sent by have no rate."
)


def board() -> Board:
    """Return the board."""
    nps, csat, response = (RATIO_BY_NAME[name] for name in ("nps", "csat", "survey_response"))
    return Board(
        UID,
        "Feedback",
        "What customers say, how many are asked, and how many answer.",
        [variables.source(), variables.job(), variables.window(), variables.dimension(), variables.value()],
        [
            Section("", [*freshness.first_line(), asked_of()]),
            Section(
                "Now, against the targets",
                [*(tiles.tile(ratio, size=(6, 5)) for ratio in (nps, csat, response)), falling()],
            ),
            Section(
                "What they say",
                [
                    tiles.line(nps, size=(12, 8)),
                    tiles.line(csat, size=(12, 8)),
                    parts(),
                    reasons(),
                ],
            ),
            Section(
                "Who answers",
                [tiles.line(response, size=(12, 8)), by_way(), ways(), surveys()],
            ),
            Section(
                "By $dimension", [tiles.segments(nps), tiles.segments(csat), tiles.by_value(nps), tiles.by_value(csat)]
            ),
        ],
    )


def asked_of() -> Placed:
    """Return the answers of the window."""
    about = of_counts("Surveys", "Of the window.", "survey_sent", "survey_answered")
    asked = [
        Query(queries.count("survey_sent"), "sent", colour=CALM),
        Query(queries.count("survey_answered"), "answered", colour=GOOD),
    ]
    return number(about, *asked, size=(4, 4))


def falling() -> Placed:
    """Return the score of NPS against the window before."""
    about = About(
        "NPS against the window before",
        "Whether NPS fell beyond chance against the window before it, which Prometheus must remember: from"
        f" {thresholds.NPS_FALL_Z:g} down there is a warning.\n\n"
        f"`z = (a − b) / √(v_a + v_b)`, `v = (p + q − (p − q)²) / n`, `{scores.NPS_FALL}`",
        PLAIN,
        ("NpsFalling",),
    )
    steps = [(None, BAD), (thresholds.NPS_FALL_Z, FAIR), (-2.0, GOOD)]
    asked = Query(scores.NPS_FALL, "z in {{window}}")
    return number(about, asked, steps=steps, size=(6, 5), decimals=1, names=True, empty="nothing to compare with yet")


def parts() -> Placed:
    """Return promoters, passives and detractors over time."""
    names = [f"nps_{part}" for part in PARTS]
    about = of_counts("Promoters, passives, detractors", "NPS answers of the window that ends then.", *names)
    asked = [Query(queries.trend(queries.count(f"nps_{part}")), part, colour=PARTS[part]) for part in PARTS]
    return lines(about, *asked, size=(12, 9), stacked=True, filled=40)


def reasons() -> Placed:
    """Return the reasons that answers name, the most frequent first."""
    meaning = "What customers name when they answer: the recurring problems."
    about = of_metric("Reasons that are named", ANSWERS_BY_REASON, meaning, COUNT)
    asked = f"sort_desc(topk({TOP}, max by (reason, window) ({queries.of_population(ANSWERS_BY_REASON)}) > 0))"
    return bars(about, Query(asked, "{{reason}} ({{window}})"), size=(12, 9), empty="no reason was given")


def by_way() -> Placed:
    """Return the response rate by way over time."""
    about = of_metric("Response rate by way", SURVEYS_BY_WAY, f"Which way to ask is answered.\n\n{_BY_WAY}", PERCENT)
    answered, sent = (queries.trend(_surveys(status)) for status in ("answered", "sent"))
    asked = f"(sum by (via) ({answered}) / (sum by (via) ({sent}) > 0)){COMPLETE}"
    return lines(about, Query(asked, "{{via}}"), size=(12, 8))


def ways() -> Placed:
    """Return the response rate by kind and way, with what it is about."""
    about = of_metric("Response rate by kind and way", SURVEYS_BY_WAY, f"Of the window.\n\n{_BY_WAY}", PERCENT)

    def summed(status: str) -> str:
        return f"sum by (kind, via) ({_surveys(status)})"

    rate = f"({summed('answered')} / ({summed('sent')} > 0)){COMPLETE}"
    named = {"kind": "kind", "via": "way", "Value #A": "response rate", "Value #B": "sent", "Value #C": "answered"}
    columns = [Column(name, COUNT) for name in STATUSES]
    arranged = Arranged({**named, "Value #D": "dismissed"}, columns, sort_by="response rate")
    counted = [Query(f"{summed(status)}{COMPLETE}") for status in STATUSES]
    return rows(about, arranged, Query(rate), *counted, size=(12, 8))


def surveys() -> Placed:
    """Return the surveys of the window over time by status."""
    colours = {"sent": CALM, "answered": GOOD, "dismissed": FAIR}
    names = [f"survey_{status}" for status in colours]
    about = of_counts("Surveys over time", "Each point is the sum over the window that ends then.", *names)
    asked = [
        Query(queries.trend(queries.count(f"survey_{status}")), status, colour=colour)
        for status, colour in colours.items()
    ]
    return lines(about, *asked, size=(12, 8))


def _surveys(status: str) -> str:
    return own(SURVEYS_BY_WAY, f'{queries.WINDOW},status="{status}"')
