"""The board *Feedback*: what customers say, how many are asked, and how many answer, by way."""

from typing import Final, get_args

from monitoring import promql, scores
from monitoring.alerts import thresholds
from monitoring.dashboards import freshness, queries, sentences, tiles, trends, variables
from monitoring.dashboards.behaviour import TOP
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, lines, worded
from monitoring.dashboards.queries import NOT_WITHHELD, Query, own
from monitoring.dashboards.wording import COUNT, PERCENT, About, of_counts, of_metric
from monitoring.phrases import SCORE_FACTOR
from schemas import instruments as known
from schemas.catalogue.ratios import RATIO_BY_NAME
from schemas.events import SurveyStatus
from schemas.instruments import ANSWERS_BY_REASON, SURVEYS_BY_WAY
from schemas.survey_scales import FURTHER_SCALES, SCALES

UID: Final = "tenure-feedback"
STATUSES: Final[tuple[str, ...]] = get_args(SurveyStatus)
PARTS: Final = {"promoters": GOOD, "passives": FAIR, "detractors": BAD}
KINDS: Final = {"nps": "NPS", "csat": "CSAT"}
BANDS: Final = {"never_asked": "never asked", "no_answer": "did not answer"}
"""Words for what is no word."""
_STAYS: Final = 90
_LEFT: Final = 'end="left"'
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
            Section("Who answers", [trends.line(response), ways(), surveys(), further_scales()]),
            Section("After an answer", [after_an_answer(), open_detractors()]),
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


def after_an_answer() -> Placed:
    """Return how long customers stay after an answer, by its kind and band, and how soon they are followed up."""
    about = of_metric(
        "Who stays after an answer",
        known.FEEDBACK_SURVIVAL,
        f"The share that stays longer than {_STAYS} days after an answer, with its 95 % interval; how many left and how"
        " many spells there were; the hours by which half of the answers of the last 90 days were followed up; and how"
        " likely chance alone makes bands of a kind that different. See docs/feedback.md.",
        PERCENT,
    )
    days = f'days="{_STAYS}"'
    survival = (known.FEEDBACK_SURVIVAL, known.FEEDBACK_SURVIVAL_LOWER, known.FEEDBACK_SURVIVAL_UPPER)
    shares = [f"max by (kind, band) ({own(metric, days)})" for metric in survival]
    spells = f"max by (kind, band, end) ({own(known.FEEDBACK_SPELLS)})"
    left = f"max by (kind, band) ({own(known.FEEDBACK_SPELLS, _LEFT)})"
    hours = f"max by (kind, band) ({own(known.FOLLOW_UP_MEDIAN)})"
    chance = f"max by (kind) ({own(known.FEEDBACK_LOG_RANK)})"
    by_band = f"{chance} * on (kind) group_right () (0 * {shares[0]} + 1)"
    asked = [*shares, left, f"sum by (kind, band) ({spells})", hours, by_band]
    names = (f"stay {_STAYS} days", "at least", "at most", "left", "of", "follow-up, h", "chance alone")
    columns = [
        Column("kind", mappings=worded(KINDS)),
        Column("answer", mappings=worded(BANDS), least=trends.SEGMENT_WIDTH),
        *(Column(name, PERCENT, decimals=1) for name in (*names[:3], names[6])),
        *(Column(name, COUNT, decimals=0) for name in names[3:6]),
    ]
    renamed = {"kind": "kind", "band": "answer"}
    renamed |= {f"Value #{letter}": name for letter, name in zip("ABCDEFG", names, strict=True)}
    first = queries.or_withheld(asked[0], "kind")
    others = (Query(f"({each}){NOT_WITHHELD}") for each in asked[1:])
    return rows(
        about, Arranged(renamed, columns, sort_by="kind", descending=False), Query(first), *others, size=(18, 9)
    )


def open_detractors() -> Placed:
    """Return the detractors whom nobody has followed up, and what they pay."""
    about = of_metric(
        "Detractors to call",
        known.OPEN_DETRACTORS,
        f"`{known.OPEN_DETRACTORS_MRR.name}`: {known.OPEN_DETRACTORS_MRR.help}",
        COUNT,
    )
    words = sentences.money(f"max({own(known.OPEN_DETRACTORS_MRR)})", "mrr", "with an MRR of $1")
    asked = sentences.joined(f"max({own(known.OPEN_DETRACTORS)})", own(known.OPEN_DETRACTORS), {"mrr": words})
    return tiles.plain_tile(about, asked, words="mrr", empty="nobody yet", size=(6, 9))


def further_scales() -> Placed:
    """Return the share of good answers on further scales, with and without an incentive."""
    good = ", ".join(f"`{kind}` from {SCALES[kind].good_from}" for kind in FURTHER_SCALES)
    about = of_metric(
        "Further scales",
        known.SCALE_ANSWERS,
        "Of the last 90 days: the share of good answers, those to surveys with an incentive and the others by"
        f" themselves, and how many surveys were answered and sent. Good are {good}. See docs/feedback.md.",
        PERCENT,
    )
    shares = [_good_share(where) for where in ("", 'incentive="true"', 'incentive="false"')]
    counts = [f"sum by (kind) ({own(known.SCALE_SURVEYS, _status(name))})" for name in ("answered", "sent")]
    names = ("good", "rewarded", "not rewarded", "answered", "sent")
    columns = [
        *(Column(name, PERCENT, decimals=1) for name in names[:3]),
        *(Column(name, COUNT, decimals=0) for name in names[3:]),
    ]
    renamed = {"kind": "scale"}
    renamed |= {f"Value #{letter}": name for letter, name in zip("ABCDE", names, strict=True)}
    asked = f"sum({own(known.SCALE_SURVEYS)})"
    none = f'label_replace(0 / 0 * vector(1) unless on () {asked}, "kind", "no survey in 90 days", "", "")'
    first = queries.or_withheld(f"{shares[0]} or {none}", "kind")
    others = (Query(f"({each}){NOT_WITHHELD}") for each in (*shares[1:], *counts))
    arranged = Arranged(renamed, columns, sort_by="scale", descending=False)
    return rows(about, arranged, Query(first), *others, size=(12, 8))


def _good_share(where: str) -> str:
    given = f"sum by (kind) ({own(known.SCALE_ANSWERS, where)})"
    good = " or ".join(_good(kind, where) for kind in FURTHER_SCALES)
    return f"(({good}) or 0 * {given}) / ({given} > 0)"


def _good(kind: str, where: str) -> str:
    scale = SCALES[kind]
    scores = "|".join(str(score) for score in scale.scores if score >= scale.good_from)
    matched = ",".join(filter(None, (f'kind="{kind}",score=~"{scores}"', where)))
    return f"sum by (kind) ({own(known.SCALE_ANSWERS, matched)})"


def _status(name: str) -> str:
    return f'status="{name}"'


def ways() -> Placed:
    """Return the response rate by kind and way, with what it is about."""
    about = of_metric("Response rate by kind and way", SURVEYS_BY_WAY, f"Of the window.\n\n{_BY_WAY}", PERCENT)

    def summed(status: str) -> str:
        return f"sum by (kind, via) ({_surveys(status)})"

    rate = queries.or_withheld(f"{summed('answered')} / ({summed('sent')} > 0)", "kind")
    named = {"kind": "kind", "via": "way", "Value #A": "rate", "Value #B": "sent", "Value #C": "answered"}
    columns = [Column("kind", mappings=worded(KINDS)), Column("rate", decimals=1)]
    columns += [Column(name, COUNT, decimals=0) for name in STATUSES]
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
