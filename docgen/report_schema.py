"""The JSON Schema of what commands print with `--json`, made of the types in `schemas.documents`.

A document may get more members later, so the schema refuses none that it does not know.
"""

from typing import Any, Final, NamedTuple

import msgspec

from docgen.json_schema import DIALECT, JsonObject
from schemas.documents.cohorts import CohortReport
from schemas.documents.customer import CustomerTimeline
from schemas.documents.dead_letters import DeadLetterList, DeadLetterReplay, WholeDeadLetter
from schemas.documents.digest import DigestReport
from schemas.documents.doctor import DoctorReport
from schemas.documents.drivers import DriversReport
from schemas.documents.experiments import ExperimentsReport
from schemas.documents.explanation import Explanation, LensComparison
from schemas.documents.export import ExportSummary
from schemas.documents.feedback import FeedbackReport
from schemas.documents.forecast import ForecastReport
from schemas.documents.forgetting import Forgetting
from schemas.documents.lifetime import LifetimeReport
from schemas.documents.losses import LossList, ReportedLoss
from schemas.documents.marks import MarksReport, SentMark
from schemas.documents.periods import PeriodList, PeriodReport
from schemas.documents.publication import PublicationSummary
from schemas.documents.reasons import ReasonsReport
from schemas.documents.rebuilding import Rebuilding
from schemas.documents.reconciliation import Reconciliation
from schemas.documents.referrals import ReferralsReport
from schemas.documents.report import Report
from schemas.documents.risk import RiskReport
from schemas.documents.snapshots import SnapshotSummary
from schemas.documents.sql import SqlAnswer
from schemas.documents.support import SupportReport
from schemas.documents.targets import ChangedTarget, ListedTarget, TargetTrial
from schemas.documents.topics import TopicStatus
from schemas.documents.undo import Undoing
from schemas.documents.usage import UsageReport
from schemas.documents.validation import ValidationReport
from schemas.documents.value import ValueReport

REFERENCE: Final = "#/$defs/"


class Printed(NamedTuple):
    """The output of a command.

    Attributes:
        command: The command, with the option that makes the difference; the name of its definition too.
        document: The type, as msgspec takes it.
    """

    command: str
    document: Any


PRINTED: Final = (
    Printed("kpi", list[Report]),
    Printed("replay", list[Report]),
    Printed("kpi --period", list[PeriodReport]),
    Printed("periods", PeriodList),
    Printed("explain", Explanation),
    Printed("customer", CustomerTimeline),
    Printed("lenses", LensComparison),
    Printed("reasons", ReasonsReport),
    Printed("features", ReasonsReport),
    Printed("cohorts", CohortReport),
    Printed("lifetime", LifetimeReport),
    Printed("feedback", FeedbackReport),
    Printed("experiments", ExperimentsReport),
    Printed("mark", SentMark),
    Printed("marks", MarksReport),
    Printed("support", SupportReport),
    Printed("referrals", ReferralsReport),
    Printed("usage", UsageReport),
    Printed("value", ValueReport),
    Printed("drivers", DriversReport),
    Printed("risk", RiskReport),
    Printed("forecast", ForecastReport),
    Printed("digest", DigestReport),
    Printed("sql", SqlAnswer),
    Printed("export", ExportSummary),
    Printed("reconcile", Reconciliation),
    Printed("validate", ValidationReport),
    Printed("publish", PublicationSummary),
    Printed("topics", list[TopicStatus]),
    Printed("dlq list", DeadLetterList),
    Printed("dlq show", list[WholeDeadLetter]),
    Printed("dlq replay", DeadLetterReplay),
    Printed("undo", Undoing),
    Printed("forget", Forgetting),
    Printed("doctor", DoctorReport),
    Printed("rebuild", Rebuilding),
    Printed("snapshot", SnapshotSummary),
    Printed("restore", SnapshotSummary),
    Printed("resume", LossList),
    Printed("resume --accept-loss", ReportedLoss),
    Printed("target list", list[ListedTarget]),
    Printed("target set", ChangedTarget),
    Printed("target history", list[ChangedTarget]),
    Printed("target test", TargetTrial),
)


def report_schema() -> JsonObject:
    """Return the schema: one definition for each command, by its name, and one for each type that they are made of."""
    shapes, types = msgspec.json.schema_components(
        [printed.document for printed in PRINTED], ref_template=REFERENCE + "{name}"
    )
    commands = {printed.command: shape for printed, shape in zip(PRINTED, shapes, strict=True)}
    return {
        "$schema": DIALECT,
        "title": "Reports",
        "description": "What commands print with --json, as docs/report.md describes it. Members may be added.",
        "anyOf": [{"$ref": REFERENCE + command.replace(" ", "%20")} for command in commands],
        "$defs": {**commands, **types},
    }
