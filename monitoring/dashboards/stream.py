"""The board *Stream health*: whether the numbers can be believed, and where to look if not."""

from typing import Final

from monitoring.dashboards import freshness, intake, intake_over_http, variables, workers
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, Placed, bars, number
from monitoring.dashboards.queries import Query, own
from monitoring.dashboards.wording import COUNT, DAYS, SECONDS, of_metric
from schemas import instruments as known

UID: Final = "tenure-stream"


def board() -> Board:
    """Return the board."""
    return Board(
        UID,
        "Stream health",
        "Whether the numbers can be believed, and where to look if not.",
        [variables.source(), variables.job(), variables.event_type()],
        [
            Section(
                "",
                [
                    freshness.age(),
                    freshness.complete(),
                    freshness.as_of(),
                    freshness.firing(),
                    intake.owned(),
                    intake.identities(),
                ],
            ),
            Section(
                "Whether the numbers are complete",
                [intake.objective(), intake.causes(), intake.completeness(), freshness.losses()],
            ),
            Section("Events", [intake.applied(), intake.flow(), intake.oddities(), intake.dead_letters()]),
            Section("What producers should mend", [intake.without_effect(), intake.mended(), intake.conflicts()]),
            Section("Events over HTTP", [intake_over_http.answers(), intake_over_http.served()]),
            Section(
                "Lag",
                [
                    intake.lag_seconds(),
                    intake.lag_records(),
                    intake.watermark(),
                    intake.unapplied(),
                    intake.untranslated(),
                ],
            ),
            Section(
                "Batches and commits", [workers.commits(), workers.folds(), workers.batches(), workers.conflicts()]
            ),
            Section(
                "Workers",
                [
                    workers.workers(),
                    workers.memory(),
                    workers.cache(),
                    workers.cells(),
                    workers.segment_values(),
                    workers.exposition(),
                    workers.rebalances(),
                ],
            ),
            Section("Targets and surveys", [reviews(), requests(), schedule()]),
        ],
        since="now-6h",
        refresh="30s",
    )


def reviews() -> Placed:
    """Return in how many days the owner of each target is to look at it again."""
    about = of_metric(
        "Days until targets are reviewed",
        known.TARGET_REVIEW,
        "Targets by KPI, window and owner; below 0 the review is overdue.",
        DAYS,
        runbooks=("TargetReviewOverdue", "TargetMissing"),
    )
    asked = f"sort((max by (kpi, window, owner) ({own(known.TARGET_REVIEW)}) - time()) / 86400)"
    steps = [(None, BAD), (0.0, FAIR), (14.0, GOOD)]
    return bars(
        about, Query(asked, "{{kpi}} {{window}}, {{owner}}"), steps=steps, size=(12, 8), empty="nobody has set a target"
    )


def requests() -> Placed:
    """Return the surveys that were asked for."""
    meaning = "Surveys that the stream asked somebody to send; an estimate from counters."
    about = of_metric("Surveys asked for in the last 24 hours", known.SURVEY_REQUESTS, meaning, COUNT)
    asked = Query(f"sum by (rule) (increase({own(known.SURVEY_REQUESTS)}[24h]))", "{{rule}}")
    return number(about, asked, steps=[(None, CALM)], size=(6, 8), empty="survey requests are off", names=True)


def schedule() -> Placed:
    """Return how far behind the asking for surveys is."""
    meaning = "How long ago the surveys were due that are asked for next, on the partition that is furthest behind."
    about = of_metric("Asking for surveys is behind by", known.SURVEY_SCHEDULE, meaning, SECONDS)
    asked = Query(f"time() - min({own(known.SURVEY_SCHEDULE)})", "behind")
    return number(about, asked, steps=[(None, CALM)], size=(6, 8), empty="survey requests are off")
