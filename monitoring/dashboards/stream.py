"""The board *Stream health*: whether the numbers can be believed, and where to look if not."""

from typing import Final

from monitoring.dashboards import freshness, intake, sentences, variables, workers
from monitoring.dashboards.board import Board, Section
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, NONE, Placed, number, shown_as
from monitoring.dashboards.queries import Query, own
from monitoring.dashboards.wording import COUNT, PLAIN, SECONDS, About, of_metric, runbook
from schemas import instruments as known

#: Labels that say what an alert is about.
_LABELS: Final = (
    *("kpi", "window", "dimension", "value", "type", "source", "scope", "kind", "reason", "cause", "member", "topic"),
    *("measure", "variant", "control", "partition", "instance", "sender", "owner"),
)
UID: Final = "tenure-stream"


def board() -> Board:
    """Return the board."""
    return Board(
        UID,
        "Stream health",
        "Can the numbers be believed, and where is the fault if not?",
        [variables.source(), variables.job(), variables.event_type()],
        [
            Section("", [freshness.shown(), intake.objective(), intake.budget(), alerts(), workers.workers()]),
            Section(
                "Whether numbers are complete",
                [intake.completeness(), intake.causes(), intake.owned(), intake.checks(), freshness.losses()],
            ),
            Section(
                "Whether they are up to date",
                [intake.lag_seconds(), intake.lag_records(), intake.watermark(), intake.unapplied()],
            ),
            Section("Whether events come", [intake.applied(), intake.flow()]),
            Section("Targets and surveys", [reviews(), requests(), schedule()]),
        ],
        since="now-6h",
        refresh="30s",
        of_the_stream=True,
    )


def alerts() -> Placed:
    """Return the alerts that fire, since when, and their runbooks."""
    about = About(
        "Alerts that fire",
        "Pages first. *since* is when the condition began; a click on a name opens its runbook. Those that are"
        " pending, whose condition does not yet hold for as long as they wait, are counted where none fires.\n\n"
        f"`ALERTS_FOR_STATE` of `{freshness.FIRING}`",
        PLAIN,
        ("Watchdog",),
    )
    of_what = ", ".join(f'"{label}"' for label in _LABELS)
    began = sentences.titled(
        f'(1000 * ALERTS_FOR_STATE{{service="tenure"}} and ignoring (alertstate) {freshness.FIRING})'
    )
    joined = f'label_join({began}, "what", " ", {of_what})'
    # Of labels that an alert does not have the spaces are left, and Grafana reads spaces alone as 0.
    trimmed = f'label_replace({joined}, "what", "$1", "what", " *(.*?) *")'
    named = f"max by (alertname, severity, what) ({trimmed})"
    # Not where alerts are named: that is a link.
    nothing = f"0 / 0 * ({freshness.quiet()})"
    columns = [
        Column("alert", width=330, leads_to=("Runbook", runbook("${__value.raw}"))),
        Column("severity", mappings=shown_as({"page": ("page", BAD), "warn": ("warning", FAIR)}), width=110),
        Column("since", "dateTimeFromNow", width=170),
    ]
    renamed = {"severity": "severity", "alertname": "alert", "what": "of what", "Value": "since"}
    arranged = Arranged(renamed, columns, sort_by="severity", descending=False)
    return rows(about, arranged, Query(f"{named} or {nothing}"), size=(24, 7))


def reviews() -> Placed:
    """Return in how many days the owner of each target is to look at it again."""
    about = of_metric(
        "Days until targets are reviewed",
        known.TARGET_REVIEW,
        "Targets by KPI, window and owner; below 0 the review is overdue.",
        PLAIN,
        runbooks=("TargetReviewOverdue", "TargetMissing"),
    )
    reviewed = sentences.titled(f"max by (kpi, window, owner) ({own(known.TARGET_REVIEW)})")
    none = (
        f'label_replace(0 / 0 * vector(1) unless on () {own(known.TARGET_REVIEW)}, "kpi", "no target is known", "", "")'
    )
    asked = f"floor(({reviewed} - time()) / 86400) or {none}"
    columns = [Column("KPI", width=240), Column("days left", PLAIN, [(None, BAD), (0.0, NONE)], decimals=0)]
    renamed = {"kpi": "KPI", "window": "window", "owner": "owner", "Value": "days left"}
    arranged = Arranged(renamed, columns, sort_by="days left", descending=False)
    return rows(about, arranged, Query(asked), size=(12, 8))


def requests() -> Placed:
    """Return the surveys that were asked for."""
    meaning = "Surveys that the stream asked somebody to send; an estimate from counters."
    about = of_metric("Surveys asked for, 24 h", known.SURVEY_REQUESTS, meaning, COUNT)
    asked = Query(f"round(sum by (rule) (increase({own(known.SURVEY_REQUESTS)}[24h])))", "{{rule}}")
    return number(about, asked, steps=[(None, CALM)], size=(6, 8), empty="survey requests are off", names=True)


def schedule() -> Placed:
    """Return how far behind the asking for surveys is."""
    meaning = "How long ago the surveys were due that are asked for next, on the partition that is furthest behind."
    about = of_metric("Asking is behind by", known.SURVEY_SCHEDULE, meaning, SECONDS)
    asked = Query(f"time() - min({own(known.SURVEY_SCHEDULE)})", "behind")
    return number(about, asked, steps=[(None, CALM)], size=(6, 8), empty="survey requests are off")
