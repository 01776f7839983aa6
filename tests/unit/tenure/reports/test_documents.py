"""What commands print with `--json` is what the published schema says, member by member, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from msgspec.structs import fields
from typer.testing import CliRunner

from docgen.report_schema import PRINTED, report_schema
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT
from schemas.catalogue.ratios import RATIOS
from schemas.documents import report
from schemas.documents.document import plain, read
from schemas.tombstones import Tombstone
from streams.embedded.tables import MemoryTables
from streams.forgetting.forgotten import Forgotten, forget_key_of
from streams.kafka.retention import Retention
from streams.partition.losses import AcceptedLoss, Loss, LossStore, LostRange
from streams.records import Record
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.cli import app
from tenure.dead_letters import replay, whole
from tenure.doctor import checks
from tenure.doctor.findings import Diagnosed, Level
from tenure.files import publish
from tenure.operations import dead_letters, forgetting, marks, targets, topics
from tenure.rebuilding import rebuild
from tenure.snapshots import restoring, writing
from tenure.stored import opening
from tenure.undoing import finding, undo
from tests.unit.schemas.lines import SIGNUP
from tests.unit.streams.partitions import MINE, on_virtual_time
from tests.unit.tenure.operations.test_dead_letters import letter
from tests.unit.tenure.reports.fake_report import fake_report
from tests.unit.tenure.reports.test_periods import late_tables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[4]
_FILE = ("--file", str(ROOT / "docs" / "examples" / "golden.ndjson"), "--at", "2025-03-31")
_ANSWERS = ("--file", str(ROOT / "docs" / "examples" / "answers.ndjson"))
_EXPORT = ROOT / "tests" / "golden" / "stripe" / "export"
_CARE = ("--file", str(ROOT / "docs" / "examples" / "care.ndjson"))
_SET = ("target", "set", "retention", "30d", "90%", "--owner", "ada")
#: By definition of the schema, how each is called; with segments and without, of a count, a stock and a ratio.
CALLS: dict[str, list[tuple[str, ...]]] = {
    "kpi": [
        ("kpi", "--at", "2026-03-10"),
        ("kpi", "--by", "plan", "--window", "30d", "--lens", "stripe"),
        ("kpi", "--where", "plan != none"),
    ],
    "replay": [
        ("replay", _FILE[1]),
        ("replay", _FILE[1], "--where", "plan = pro", "--by", "channel"),
        ("replay", _FILE[1], *_FILE[2:], "--by", "plan", "--by", "country"),
    ],
    "kpi --period": [("kpi", "--period", "2026-01", "--period", "2026", "--by", "plan")],
    "periods": [("periods",), ("periods", "--limit", "0")],
    "explain": [
        ("explain", "churn", *_FILE),
        ("explain", "customers_lost", *_FILE, "--by", "plan"),
        ("explain", "arpa", *_FILE, "--by", "plan", "--value", "pro"),
        ("explain", "churn", *_FILE, "--where", "plan = pro"),
    ],
    "customer": [("customer", "old-001", *_FILE)],
    "lenses": [("lenses", *_FILE), ("lenses", *_FILE, "--by", "plan")],
    "reasons": [("reasons", *_FILE), ("reasons", *_FILE, "--by", "plan")],
    "features": [("features", *_FILE), ("features", *_FILE, "--by", "plan")],
    "cohorts": [("cohorts", *_FILE), ("cohorts", *_FILE, "--where", "plan = pro", "--period", "week")],
    "lifetime": [("lifetime", *_FILE, "--where", "plan = pro"), ("lifetime", *_FILE, "--by", "plan")],
    "feedback": [("feedback", *_ANSWERS), ("feedback", *_FILE, "--where", "plan = pro")],
    "experiments": [("experiments", *_CARE), ("experiments", *_CARE, "--measure", "guided_tour", "--control", "tour")],
    "mark": [("mark", "Release 2"), ("mark", "Prices", "--kind", "price", "--until", "2h", "--at", "3h")],
    "marks": [("marks", *_CARE), ("marks", *_FILE)],
    "support": [("support", *_CARE), ("support", *_FILE, "--window", "7d")],
    "referrals": [("referrals", *_CARE)],
    "usage": [("usage", *_CARE), ("usage", *_FILE)],
    "value": [("value", *_CARE, "--by", "channel"), ("value", *_CARE, "--by", "plan", "--by", "country")],
    "drivers": [("drivers", *_ANSWERS)],
    "risk": [("risk", *_ANSWERS)],
    "forecast": [("forecast", *_ANSWERS), ("forecast", *_ANSWERS, "--where", "plan = pro")],
    "digest": [("digest", "--week", "2025-W12", *_FILE[:2]), ("digest", "--by", "plan", "--week", "2026-W01")],
    "sql": [
        ("sql", "SELECT *, 0.5 AS half, NULL AS nothing FROM movements", *_FILE),
        ("sql", "SELECT * FROM counts", "--limit", "3", *_FILE),
    ],
    "export": [("export", "--to", "parquet", "exported", *_FILE[:2])],
    "reconcile": [("reconcile", f"{_EXPORT}.ndjson", "--as", "stripe", "--file", f"{_EXPORT}.events.ndjson")],
    "validate": [("validate", _FILE[1])],
    "publish": [("publish", _FILE[1])],
    "topics": [("topics",)],
    "dlq list": [("dlq", "list")],
    "dlq show": [("dlq", "show")],
    "dlq replay": [("dlq", "replay", "--all", "--anyway", "--dry-run")],
    "undo": [("undo", "--source", "customer.signup", "--since", "2026-01-01")],
    "forget": [("forget", MINE, "--still-active"), ("forget", "forgotten before", "--yes")],
    "doctor": [("doctor",)],
    "rebuild": [("rebuild",), ("rebuild", "--yes", "--as", "ada")],
    "snapshot": [("snapshot", "taken")],
    "restore": [("restore", "taken")],
    "resume": [("resume",)],
    "resume --accept-loss": [("resume", "0", "--accept-loss", "--as", "ada")],
    "target list": [("target", "list")],
    "target set": [_SET],
    "target history": [("target", "history")],
    "target test": [("target", "test", "retention", "30d", "90%")],
}


@pytest.fixture(scope="module")
def late() -> MemoryTables:
    """Tables of a stream with late events, with a loss that somebody accepted, and with one that nobody did."""
    found: list[MemoryTables] = []

    async def fill() -> None:
        tables = (await late_tables()).tables
        loss = Loss(1, [LostRange("customer.signup", "records", 500, 900)], 1_767_225_600_000, 1_767_312_000_000)
        await LossStore(tables).accept(AcceptedLoss(loss, "ada", 1_767_398_400_000, "no backup"))
        waiting = Loss(0, [LostRange("customer.cancel", "records", 5, 9)], None, 1_767_312_000_000)
        await LossStore(tables).put_waiting(0, waiting)
        found.append(tables)

    on_virtual_time(fill)
    return found[0]


@pytest.fixture(autouse=True)
def _marking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks are taken, and customers of channels cost something."""

    async def send_mark(*_: object) -> None:
        """Kafka has it."""

    monkeypatch.setattr(marks, "send_mark", send_mark)
    monkeypatch.setenv("TENURE_ACQUISITION_COSTS", "ads=12000,partner=0")


@pytest.fixture(autouse=True)
def _running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, late: MemoryTables) -> None:
    """Commands find a copy of these tables instead of those in Redis, their like of a Kafka, and no settings."""
    tables = deepcopy(late)

    @asynccontextmanager
    async def running_tables(settings: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark]]:
        del settings
        yield tables, StreamMark("group", 2, "")

    async def publish_file(*_: object, **__: object) -> publish.Summary:
        return publish.Summary(Counter({"signup": 2}), 1, 0, "", 300, 0.1234)

    async def look(settings: Settings) -> list[topics.Topic]:
        names = settings.input_topics
        kept = [
            topics.Topic(name, f"topics.{name}", 4, 1, topics.State.EXISTS, Retention(-1, -1, False)) for name in names
        ]
        own = {"dead_letter_topic": settings.dead_letter_topic, "survey_request_topic": settings.survey_request_topic}
        return [*kept, *(topics.Topic(name, setting, 4, 1, topics.State.CREATED) for setting, name in own.items())]

    async def refused(*_: object) -> AsyncIterator[Record]:
        yield letter(7, at_ms=1_767_225_600_000)

    monkeypatch.setattr(publish, "publish_file", publish_file)
    monkeypatch.setattr(topics, "look", look)

    async def found(*_: object) -> AsyncIterator[Diagnosed]:
        yield Diagnosed("kafka", Level.WARNING, "no input topic has a record", "send events")

    async def sent(*_: object, **__: object) -> AsyncIterator[list[Record]]:
        yield [Record("customer.signup", 0, 1, 1_767_268_800_000, b"c1", json.dumps(SIGNUP).encode(), [])]

    @asynccontextmanager
    async def known_forgotten(settings: Settings) -> AsyncIterator[Forgotten]:
        key = forget_key_of(settings)
        assert key is not None
        found = Forgotten(None, key)
        found.note(key.hash_of("forgotten before"), Tombstone(1_767_225_600_000, [], key.check, "", 0))
        yield found

    monkeypatch.setenv("TENURE_FORGET_KEY", "a key of thirty-two characters..")
    for name, function in (("look", look), ("known_forgotten", known_forgotten), ("records_in", sent)):
        monkeypatch.setattr(forgetting, name, function)
    monkeypatch.setattr(forgetting, "running_tables", running_tables)
    for module in (dead_letters, whole, replay, forgetting):
        monkeypatch.setattr(module, "dead_letter_records", refused)
    monkeypatch.setattr(checks, "findings", found)
    monkeypatch.setattr(finding, "records_in", sent)
    monkeypatch.setattr(opening, "tables_of", running_tables)
    monkeypatch.setattr(undo, "running_tables", running_tables)
    monkeypatch.setattr(opening, "running_tables", running_tables)
    monkeypatch.setattr(targets, "tables_of", running_tables)
    mark = StreamMark("tenure", 2, Settings().fingerprint(), "id")

    @asynccontextmanager
    async def of_the_group(settings: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark]]:
        del settings
        yield tables, await tables.mark(mark)

    @asynccontextmanager
    async def empty(settings: Settings) -> AsyncIterator[tuple[MemoryTables, None]]:
        del settings
        yield MemoryTables(), None

    monkeypatch.setattr(rebuild, "open_tables", of_the_group)
    monkeypatch.setattr(writing, "running_tables", of_the_group)
    monkeypatch.setattr(restoring, "open_tables", empty)
    monkeypatch.chdir(tmp_path)


def printed(*arguments: str) -> Any:
    """Return what a command prints as JSON."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    # So few customers are too few for a model; the document says so, and the exit status too.
    assert result.exit_code == (1 if arguments[0] == "risk" else 0), result.output
    return json.loads(result.stdout)


def closed(schema: Any) -> Any:
    """Return a schema that refuses members it does not know."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(each) for name, each in schema.items()}
    return found | ({"additionalProperties": False} if isinstance(found.get("properties"), dict) else {})


def validator(command: str) -> jsonschema.Draft202012Validator:
    """Return what checks the documents of one command."""
    schema = closed(report_schema())
    return jsonschema.Draft202012Validator({**schema, **schema["$defs"][command]})


def test_every_document_of_the_schema_is_tried() -> None:
    """A command that is added to the schema has a document to be compared with."""
    assert list(CALLS) == [printed.command for printed in PRINTED]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(command, call) for command, calls in CALLS.items() for call in calls],
    ids=[f"{command}-{n}" for command, calls in CALLS.items() for n, _ in enumerate(calls)],
)
def test_documents_are_what_the_schema_says(command: str, arguments: tuple[str, ...]) -> None:
    """Whoever reads them by the schema finds each member, of its type, and no other."""
    if command.startswith("target"):
        printed(*_SET)
    if command == "restore":
        printed("snapshot", "taken")
    found = printed(*arguments)
    assert [error.message for error in validator(command).iter_errors(found)] == []
    assert jsonschema.Draft202012Validator(report_schema()).is_valid(found)


def test_what_is_accepted_and_what_is_late_is_in_the_documents_that_are_tried() -> None:
    """A list that is empty agrees with every schema."""
    (now,) = printed("kpi")
    assert [loss["accepted_by"] for loss in now["losses"]] == ["ada"]
    assert [loss["partition"] for loss in now["waiting"]] == [0]
    assert printed("kpi", "--period", "2026-01")[0]["restatements"]
    assert printed("periods")["restatements"]
    found = printed("explain", "churn", *_FILE)
    assert all(part["members"] for part in found["parts"])


@pytest.mark.parametrize(
    ("command", "broken"),
    [
        ("kpi", [{"as_of": "2026-03-01T00:00:00Z"}]),
        ("kpi", [{**fake_report(), "events": None}]),
        ("kpi", [{**fake_report(), "unheard_of": 1}]),
        ("lifetime", {"as_of": "2026-03-01T00:00:00Z", "all": {"episodes": 0.5}}),
        ("target list", [{"kpi": "retention"}]),
    ],
    ids=str,
)
def test_schema_refuses_what_no_command_prints(command: str, broken: object) -> None:
    """A schema that takes everything says nothing."""
    assert not validator(command).is_valid(broken)


def test_counts_and_ratios_of_a_report_are_those_of_the_catalogue() -> None:
    """A count that the catalogue gets has its place in reports without a word said twice."""
    stocks = [count.name for count in COUNTS if count.kind == "stock"]
    counts = {count.name for count in COUNTS if count.kind == "window"}
    assert [field.name for field in fields(report.Totals)] == [*stocks, "arpa"]
    assert {field.name for field in fields(report.WindowReport)} == counts | {
        FACTS_WITHOUT_EFFECT.name,
        "surveys",
        "ratios",
    }
    ratios = [ratio.path for ratio in RATIOS if ratio.kind == "window"]
    assert [field.name for field in fields(report.Ratios)] == list(dict.fromkeys(path[0] for path in ratios))
    assert [field.name for field in fields(report.Lenses)] == [path[1] for path in ratios if path[0] == "churn"]


def test_a_document_is_read_back_as_it_was_written() -> None:
    """Reports of the past are compared with those of today."""
    found = fake_report()
    assert plain(read(report.Report, found)) == found


def test_every_member_of_every_document_says_what_it_means() -> None:
    """A member without a meaning is guessed at."""
    types = {name: shape for name, shape in report_schema()["$defs"].items() if "properties" in shape}
    mute = [
        f"{name}.{member}"
        for name, shape in types.items()
        for member, about in shape["properties"].items()
        if not about.get("description")
    ]
    assert len(types) > len(PRINTED)
    assert mute == []


def test_replay_takes_the_format_that_it_is_told(tmp_path: Path) -> None:
    """A file's name need not tell it."""
    file = tmp_path / "events.log"
    file.write_bytes(Path(_FILE[1]).read_bytes())
    assert printed("replay", str(file), "--format", "ndjson") == printed("replay", _FILE[1])
