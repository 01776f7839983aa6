"""The board *Feedback*: what customers say, how many are asked, and how many answer, by way."""

from typing import Final, get_args

from monitoring import promql, scores
from monitoring.alerts import thresholds
from monitoring.dashboards import freshness, queries, sentences, tiles, trends, variables
from monitoring.dashboards.behaviour import TOP
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, lines
from monitoring.dashboards.queries import NOT_WITHHELD, Query, own
from monitoring.dashboards.wording import COUNT, PERCENT, SCORE_FACTOR, About, of_counts, of_metric
from schemas.catalogue.ratios import RATIO_BY_NAME
from schemas.events import SurveyStatus
from schemas.instruments import ANSWERS_BY_REASON, SURVEYS_BY_WAY

UID: Final = "tenure-feedback"
STATUSES: Final[tuple[str, ...]] = get_args(SurveyStatus)
PARTS: Final = {"promoters": GOOD, "passives": FAIR, "detractors": BAD}
_NO_REASON: Final = 'reason="none"'
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
        "What do customers say, how many are asked, and how many answer?",
        [variables.source(), variables.job(), variables.window(), variables.dimension(), variables.value()],
        [
            Section("", freshness.first_line()),
            Section(
                "What they say",
                [
                    tiles.tile(nps),
                    fallen(),
                    tiles.tile(csat),
                    tiles.tile(response),
                    trends.line(nps),
                    trends.line(csat),
                    parts(),
                    reasons(),
                ],
            ),
            Section("Who answers", [trends.line(response), by_way(), ways(), surveys()]),
            Section(
                "By $dimension",
                [trends.segments(nps), trends.segments(csat), trends.by_value(nps), trends.by_value(csat)],
            ),
        ],
    )


def fallen() -> Placed:
    """Return by how much NPS changed against the window before, and whether chance may be the reason."""
    where = f"{promql.ALL},{queries.WINDOW}"
    points = f"{SCORE_FACTOR} * (segment:nps:ratio{{{where}}} - before:nps:ratio{{{queries.WINDOW}}})"
    score = f"{scores.NPS_FALL}{{{queries.WINDOW}}}"
    worded = {
        "beyond chance": f"{score} <= {thresholds.NPS_FALL_Z:g} or {score} >= {-thresholds.NPS_FALL_Z:g}",
        "may be chance": f"abs({score}) < {-thresholds.NPS_FALL_Z:g}",
    }
    said = " or ".join(sentences.said(condition, "chance", words) for words, condition in worded.items())
    about = About(
        "NPS against window before",
        "By how many points NPS rose or fell against the window before the chosen one, which Prometheus must remember."
        f" It is beyond chance, and there is a warning if it fell, from {-thresholds.NPS_FALL_Z:g} standard errors"
        f" on; of 7 and 30 days only.\n\n`z = (a − b) / √(v_a + v_b)`, `v = (p + q − (p − q)²) / n`,"
        f" `{scores.NPS_FALL}`",
        "suffix: points",
        ("NpsFalling",),
    )
    compared = f"max({points}) * on () group_left (chance) ({said})"
    return tiles.plain_tile(about, compared, words="chance", empty="nothing before", decimals=1)


def parts() -> Placed:
    """Return promoters, passives and detractors over time."""
    names = [f"nps_{part}" for part in PARTS]
    about = of_counts("Promoters, passives, detractors", "NPS answers of the window that ends then.", *names)
    asked = [Query(queries.trend(queries.count(f"nps_{part}")), part, colour=PARTS[part]) for part in reversed(PARTS)]
    return lines(about, *asked, size=(12, 9), stacked=True, filled=40)


def reasons() -> Placed:
    """Return the reasons that answers name, the most frequent first."""
    meaning = (
        "What customers name when they answer, praise and complaints alike; answers without a reason are left out."
    )
    about = of_metric("Reasons that are named", ANSWERS_BY_REASON, meaning, COUNT)
    named = f"max by (reason) ({queries.of_population(ANSWERS_BY_REASON)})"
    given = f"{named} unless max by (reason) ({own(ANSWERS_BY_REASON, _NO_REASON)})"
    asked = queries.bars_or_withheld(f"sort_desc(topk({TOP}, ({given}) > 0))", "reason")
    return bars(about, Query(asked, "{{reason}}"), size=(12, 9), empty="no reason was given")


def by_way() -> Placed:
    """Return the response rate by way over time."""
    about = of_metric("Response rate by way", SURVEYS_BY_WAY, f"Which way to ask is answered.\n\n{_BY_WAY}", PERCENT)
    answered, sent = (queries.trend(_surveys(status)) for status in ("answered", "sent"))
    asked = f"sum by (via) ({answered}) / (sum by (via) ({sent}) > 0)"
    return lines(about, Query(asked, "{{via}}"), size=(12, 8), lowest=0, highest=1)


def ways() -> Placed:
    """Return the response rate by kind and way, with what it is about."""
    about = of_metric("Response rate by kind and way", SURVEYS_BY_WAY, f"Of the window.\n\n{_BY_WAY}", PERCENT)

    def summed(status: str) -> str:
        return f"sum by (kind, via) ({_surveys(status)})"

    rate = queries.or_withheld(f"{summed('answered')} / ({summed('sent')} > 0)", "kind")
    named = {"kind": "kind", "via": "way", "Value #A": "rate", "Value #B": "sent", "Value #C": "answered"}
    columns = [Column("rate", decimals=1), *(Column(name, COUNT, decimals=0) for name in STATUSES)]
    arranged = Arranged({**named, "Value #D": "dismissed"}, columns, sort_by="rate")
    counted = [Query(f"{summed(status)}{NOT_WITHHELD}") for status in STATUSES]
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
    return lines(about, *asked, size=(12, 8), lowest=0)


def _surveys(status: str) -> str:
    return own(SURVEYS_BY_WAY, f'{queries.WINDOW},status="{status}"')
