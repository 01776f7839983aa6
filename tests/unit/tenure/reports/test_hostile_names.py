"""What every command prints of names that a producer chose to harm whoever looks at them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from docgen.commands import commands
from schemas.documents.dead_letters import DeadLetterList, DeadLetterReplay, ReplayedLetter, WholeDeadLetter
from schemas.documents.document import plain, read
from schemas.documents.forgetting import Forgetting, InputTopicKept
from schemas.documents.periods import PeriodList, PeriodReport
from schemas.documents.report import Report
from schemas.documents.targets import TargetTrial
from schemas.documents.undo import ChangedNumber, Undoing, UndoneEvent
from schemas.refusals import HEADER_DETAIL, HEADER_OFFSET, HEADER_PARTITION, HEADER_REASON, HEADER_TOPIC
from streams.records import Record
from streams.targets import TargetChange, audit
from tenure.cli import app
from tenure.commands.publish_progress import PublishProgress
from tenure.dead_letters import replay as replaying
from tenure.dead_letters import whole
from tenure.demo.screen.screen import Notice, open_screen
from tenure.doctor import checks
from tenure.doctor.findings import Diagnosed, Level
from tenure.files.notation import Notation
from tenure.files.publish import Summary
from tenure.files.reader import EventFile
from tenure.operations import dead_letters, forgetting, marks, targets, topics
from tenure.reports import kpi, periods, target_trials
from tenure.reports.formats import standard_console
from tenure.reports.kpi import replay
from tenure.undoing import undo
from tests.recount.short_events import activity, cancel, change, event, renewal, signup, survey
from tests.unit.tenure.demo.test_screen import view_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from click.testing import Result

    from streams.settings.settings import Settings

HOSTILE = (
    *(
        "\x1b[2J\x1b[31mRED",
        "nul\0",
        "\x9b31m",
        "\u202eltr",
        "\u2066x\u2069",
        "\u2028ls",
        "a\r\nb",
        "a\nb",
        "a\\nb",
        "\x7f",
    ),
    *(
        "[red]x[/red]",
        "[/]",
        ":smile:",
        "{{x}}",
        "\x0bvt",
        "\x85nel",
        "\ufeffbom",
        "\u200b",
        "=cmd()",
        "-1",
        "@x",
        "ok",
    ),
    *("\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\u0600", "\U000e0001", "\ue000"),
)
AT = "2026-03-01"
SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> None:
    del nothing_set
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setenv("TENURE_DIMENSIONS", "industry")


@pytest.fixture
def file() -> str:
    """Events whose every name is hostile."""
    events: list[dict[str, object]] = []
    for n, name in enumerate(HOSTILE):
        who = f"{n}{name}"
        described = {"channel": name, "industry": name, "source": name}
        events += [
            signup(who, "2026-01-01", name, 100 + n, **described, id=f"s{name}"),
            activity(who, "2026-02-02") | {"feature": name},
            survey(who, "2026-02-03", "nps", 9, reason=name),
            renewal(who, "2026-02-04", "renewed") | {"id": f"r{name}"},
            change(who, "2026-02-05", f"{name}2", 200, id=f"u{name}"),
            event("support", who, "2026-02-06", {}, ticket=f"t{name}", status="opened"),
            event("referral", who, "2026-02-06", {}, referred=f"r{name}"),
            event("exposure", who, "2026-02-06", {}, measure="offer", variant="ab"[n % 2]),
            event("contact", who, "2026-02-06", {}, about=f"s{name}"),
            event("mark", who, "2026-02-06", {"id": f"m{n}"}, kind="other", title=name),
            cancel(who, "2026-02-20", id=f"c{name}", source=name),
            cancel(who, "2026-02-21", id=f"d{name}", reason=name),
        ]
    Path("events.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    rows = [
        {"customer": f"{n}{name}", "plan": name, "start": "2026-01-01", "mrr": 1.5} for n, name in enumerate(HOSTILE)
    ]
    Path("export.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return "events.ndjson"


def run(*arguments: str, colours: bool = False) -> Result:
    """Run the command in this process."""
    environment = {"FORCE_COLOR": "1", "TERM": "xterm-256color"} if colours else {}
    return CliRunner().invoke(app, list(arguments), env=environment)  # type: ignore[return-value]


def unsafe(text: str) -> set[str]:
    """Return the characters that a terminal would obey, or nobody would see."""
    return {character for character in text if not (character.isprintable() or character == "\n")}


def answer_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have marks taken."""

    async def send_mark(*_: object) -> None:
        """Kafka has it."""

    monkeypatch.setattr(marks, "send_mark", send_mark)


def answer_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer commands about dead letters."""
    headers = [(name, HOSTILE[0].encode()) for name in (HEADER_REASON, HEADER_DETAIL, HEADER_TOPIC, HOSTILE[1])]
    headers += [(HEADER_PARTITION, b"0"), (HEADER_OFFSET, b"1")]
    letter = Record(HOSTILE[0], 0, 1, 1, HOSTILE[1].encode(), "\n".join(HOSTILE).encode(), headers)

    async def read_dead_letters(
        settings: Settings, *, limit: int, choice: dead_letters.Choice, tell: object
    ) -> DeadLetterList:
        del tell
        found = dead_letters.Found(limit, choice)
        found.take(letter)
        return found.document(settings.dead_letter_topic)

    async def show_letters(settings: Settings, *_: object, limit: int, tell: object) -> list[WholeDeadLetter]:
        del settings, limit, tell
        found = whole.whole_letter_of(letter)
        assert found is not None
        return [whole.document_of(found, HOSTILE[0], dead_letters.ReplayMark(1, HOSTILE[1]))]

    async def replay_letters(settings: Settings, order: object) -> replaying.ReplayOutcome:
        del order
        told = ReplayedLetter(
            place=HOSTILE[0], reason=HOSTILE[1], outcome="ready", becomes=[*HOSTILE], detail=HOSTILE[2]
        )
        document = DeadLetterReplay(
            topic=settings.dead_letter_topic, dry_run=True, chosen=1, outcomes={"ready": 1},
            events={HOSTILE[0]: 1}, letters=[told], edited=HOSTILE[1],
        )  # fmt: skip
        return replaying.ReplayOutcome(document, 0, "")

    monkeypatch.setattr(whole, "show_letters", show_letters)
    monkeypatch.setattr(replaying, "replay_letters", replay_letters)
    monkeypatch.setattr(dead_letters, "read_dead_letters", read_dead_letters)


def answer_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer the command that takes a source's events back."""
    number = ChangedNumber(kpi="mrr", unit="minor units", before=2, after=1)
    told = UndoneEvent(customer_id=HOSTILE[0], type="cancel", id=HOSTILE[1], time="2026-01-01T00:00:00Z")
    document = Undoing(
        source=HOSTILE[0], clock="arrival", since="2026-01-01T00:00:00Z", until=None, events={"cancel": 1}, customers=1,
        revoked_before=1, not_counted_yet=1, over_limit=0, without_identity={"activity": 1},
        as_of="2026-01-01T00:00:00Z", totals=[number], windows={"30d": []}, examples=[told], sent=None,
    )  # fmt: skip

    async def plan_undo(*_: object, limit: int, tell: object) -> undo.UndoPlan:
        del limit, tell
        return undo.UndoPlan(document, [])

    monkeypatch.setattr(undo, "plan_undo", plan_undo)


def answer_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer the command that forgets a customer."""

    async def look_at_customer(settings: Settings, customer_id: str, tell: Callable[[str], None]) -> Forgetting:
        del settings, tell
        kept = [InputTopicKept(topic=HOSTILE[0], retention=None)]
        return Forgetting(
            customer_id=customer_id, outcome="to_confirm", at=None, partition=0, open=True, events=1, subscriptions=1,
            dead_letters=[*HOSTILE], survey_requests=[*HOSTILE], topics=kept,
        )  # fmt: skip

    monkeypatch.setattr(forgetting, "look_at_customer", look_at_customer)


def answer_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer the commands about targets."""
    change_of_target = TargetChange("retention", "30d", 0.9, HOSTILE[0], 1, HOSTILE[1], 1, "a\nb" + HOSTILE[0])

    async def changes(settings: Settings) -> list[TargetChange]:
        del settings
        return [change_of_target]

    async def current(settings: Settings) -> list[TargetChange]:
        return await changes(settings)

    async def put(settings: Settings, wanted: object, *, now_ms: int) -> Any:
        del settings, wanted, now_ms
        return audit([change_of_target])[0]

    async def trial_of(settings: Settings, tried: target_trials.Tried, *, now_ms: int) -> TargetTrial:
        del settings, now_ms
        return target_trials.judged([], [], tried._replace(dimension="plan", segment=HOSTILE[0]), {})

    monkeypatch.setattr(target_trials, "trial_of", trial_of)
    for name, function in (("changes", changes), ("current", current), ("put", put)):
        monkeypatch.setattr(targets, name, function)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """Commands that ask Redis and Kafka are answered with hostile names."""

    async def read_report(
        settings: Settings, *, at_ms: Sequence[int], by: Sequence[str] = (), where: object = None
    ) -> list[Report]:
        assert where is None
        return (await replay(file, settings, Notation(), at_ms=at_ms, by=by)).reports

    restatement = {
        "period": "2026-01", "revision": 1, "kind": "event", "events": 1,
        "event": {"id": HOSTILE[0], "source": HOSTILE[1], "type": "cancel"},
        "offsets": [{"topic": "t", "partition": 0, "first": 1, "last": 1}], "late_seconds": 60, "after_end_seconds": 60,
        "occurred_at": "2026-01-31T00:00:00Z", "arrived_at": "2026-02-02T00:00:00Z",
        "counts": {HOSTILE[0]: {"old": 1, "new": 2}},
    }  # fmt: skip
    period = {
        "period": "2026-01", "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-02-01T00:00:00Z", "closed": True,
        "revision": 1, "restated": {}, "baseline": None, "watched_until": "2029-02-01T00:00:00Z",
    }  # fmt: skip

    async def read_periods(settings: Settings, names: Sequence[str], *, by: Sequence[str]) -> list[PeriodReport]:
        (entry,) = (await replay(file, settings, Notation(), at_ms=[1_772_323_200_000], by=by)).reports
        more = {**period, "period": "2026-02", "restated": {HOSTILE[0]: {"at_end": 1, "now": 2}}}
        return [read(PeriodReport, {**plain(entry), **more, "restatements": [restatement]}) for _ in names]

    async def read_list(settings: Settings, *, limit: int) -> PeriodList:
        del settings, limit
        row = {**period, "restated_at": None, "totals": {"customers_active": 1, "mrr": 1}}
        return read(PeriodList, {"periods": [row], "restatements": [restatement]})

    async def look(settings: Settings) -> list[topics.Topic]:
        del settings
        return [topics.Topic(HOSTILE[0], "topics.signup", None, None, topics.State.MISSING)]

    monkeypatch.setattr(kpi, "read_report", read_report)
    monkeypatch.setattr(periods, "read_periods", read_periods)
    monkeypatch.setattr(periods, "read_list", read_list)

    answer_marks(monkeypatch)
    answer_targets(monkeypatch)
    answer_letters(monkeypatch)
    answer_undo(monkeypatch)
    answer_forget(monkeypatch)

    monkeypatch.setattr(topics, "look", look)

    async def found(*_: object) -> AsyncIterator[Diagnosed]:
        yield Diagnosed(HOSTILE[0], Level.WARNING, "\n".join(HOSTILE), HOSTILE[1])

    monkeypatch.setattr(checks, "findings", found)


_SEGMENTS = ("--by", "plan", "--by", "channel", "--by", "industry")
_OF_FILE = ("--file", "events.ndjson", "--at", AT)
CALLS: dict[str, list[tuple[str, ...]]] = {
    "replay": [("replay", "events.ndjson", "--at", AT, *_SEGMENTS)],
    "kpi": [("kpi", "--at", AT, *_SEGMENTS), ("kpi", "--period", "2026-02", "--by", "plan")],
    "periods": [("periods",)],
    "cohorts": [("cohorts", *_OF_FILE, *_SEGMENTS)],
    "lifetime": [("lifetime", *_OF_FILE, *_SEGMENTS)],
    "explain": [
        ("explain", kpi, *_OF_FILE, "--by", "plan", "--limit", "100") for kpi in ("cancellations", "churn", "mrr")
    ],
    "customer": [("customer", "21ok", *_OF_FILE), ("customer", f"0{HOSTILE[0]}", *_OF_FILE)],
    "feedback": [("feedback", *_OF_FILE, "--where", f"channel != '{HOSTILE[10]}'")],
    "experiments": [
        ("experiments", *_OF_FILE),
        *(("experiments", *_OF_FILE, "--measure", HOSTILE[n]) for n in (0, 4)),
    ],
    "mark": [("mark", "".join(HOSTILE[10:13]))],
    "marks": [("marks", *_OF_FILE)],
    "support": [("support", *_OF_FILE)],
    "referrals": [("referrals", *_OF_FILE)],
    "usage": [("usage", *_OF_FILE)],
    "value": [("value", *_OF_FILE, *_SEGMENTS)],
    "drivers": [("drivers", *_OF_FILE)],
    "risk": [("risk", *_OF_FILE)],
    "lenses": [("lenses", *_OF_FILE, "--by", "channel")],
    "reasons": [("reasons", *_OF_FILE, *_SEGMENTS)],
    "features": [("features", *_OF_FILE, *_SEGMENTS)],
    "digest": [
        ("digest", "--week", "2026-W07", *_OF_FILE[:2], "--format", form) for form in ("markdown", "html", "slack")
    ],
    "sql": [
        ("sql", f"SELECT * FROM {name}", *_OF_FILE)  # noqa: S608 - names of ours
        for name in ("customers", "movements", "surveys", "renewals", "history", "counts")
    ],
    "target list": [("target", "list")],
    "target set": [("target", "set", "retention", "30d", "90%", "--owner", "eve")],
    "target history": [("target", "history")],
    "target test": [("target", "test", "retention", "30d", "90%")],
    "reconcile": [("reconcile", "export.ndjson", "--as", "table", *_OF_FILE)],
    "topics": [("topics",)],
    "doctor": [("doctor",)],
    "validate": [("validate", "events.ndjson", "--as-of", AT)],
    "undo": [("undo", "--source", HOSTILE[0], "--since", AT)],
    "forget": [("forget", HOSTILE[0])],
    "dlq list": [("dlq", "list")],
    "dlq show": [("dlq", "show")],
    "dlq replay": [("dlq", "replay", "--all", "--dry-run")],
}
#: Commands that print no names, or nothing for people; the demo and publish have tests of their own below.
NAMELESS = {
    "rebuild",
    "snapshot",
    "restore",
    "target",
    "dlq",
    "resume",
    "demo",
    "worker",
    "publish",
    "company",
    "history",
    "gateway",
    "export",
    "api",
    "forecast",
}


def test_every_command_is_tried_with_hostile_names() -> None:
    """A command that is added later prints names too."""
    assert set(CALLS) | NAMELESS == set(commands())


@pytest.mark.parametrize("arguments", [call for calls in CALLS.values() for call in calls], ids=" ".join)
@pytest.mark.usefixtures("answered")
def test_no_command_hands_a_name_to_the_terminal(arguments: tuple[str, ...]) -> None:
    """A name could clear the screen, hide a line or write one of its own."""
    plain = run(*arguments)
    assert plain.exception is None or isinstance(plain.exception, SystemExit), plain.exc_info
    assert unsafe(plain.stdout + plain.stderr) == set()
    coloured = run(*arguments, colours=True)
    assert unsafe(SGR.sub("", coloured.stdout)) == set()
    if arguments[0] in {"kpi", "replay", "explain"} and "--period" not in arguments:
        for shown in (plain.stdout, coloured.stdout):
            assert r"\x1b[2J\x1b[31mRE" in shown


@pytest.mark.parametrize("arguments", [calls[0] for calls in CALLS.values()], ids=" ".join)
@pytest.mark.usefixtures("answered")
def test_json_of_every_command_is_the_value_itself_and_safe_to_look_at(arguments: tuple[str, ...]) -> None:
    """Scripts compare names with those that they know."""
    result = run(*arguments, "--json")
    assert unsafe(result.stdout) == set()
    found = json.loads(result.stdout)
    if arguments[0] in {"kpi", "replay", "cohorts", "lifetime"}:
        entry = found[0] if isinstance(found, list) else found
        names = set(entry["segments"]["channel"])
        assert {name.strip() for name in HOSTILE} <= {name.strip() for name in names}


def test_csv_holds_no_formula_and_a_line_for_each_row(file: str) -> None:
    """Whoever opens it in a spreadsheet must not run what a producer wrote."""
    result = run("cohorts", "--file", file, "--at", AT, "--by", "channel", "--csv")
    assert result.exit_code == 0
    assert unsafe(result.stdout) == set()
    values = {row["value"] for row in csv.DictReader(io.StringIO(result.stdout))}
    assert {"'=cmd()", "'-1", "'@x", r"\x1b[2J\x1b[31mRED"} <= values


@pytest.mark.parametrize("call", [("--by", "\x1b[2Jplan"), ("--at", "\u202e2026")], ids=repr)
def test_errors_show_what_was_given_and_nothing_of_it_works(file: str, call: tuple[str, ...]) -> None:
    """A name that is refused is a name all the same."""
    result = run("replay", file, *call)
    assert result.exit_code == 2
    assert unsafe(result.stderr) == set()
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("plain", [True, False])
def test_the_demo_shows_names_and_obeys_none(plain: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Its screen is the first that anybody sees."""
    (found,) = json.loads(run("replay", _written(), "--at", AT, "--by", "plan", "--json").stdout)
    report = read(Report, found)
    view = view_of(report, notices=(Notice(view_of(report).simulated_now, HOSTILE[0]),))
    console = standard_console()
    console._force_terminal, console.width, console.height = True, 120, 40  # as a terminal would be
    screen = open_screen(currency="USD", plain=plain, console=console)
    with screen:
        screen.show(view)
    text = capsys.readouterr().out
    assert text
    assert unsafe(re.sub(r"\x1b\[[0-9;?]*[A-Za-ln-z]", "", SGR.sub("", text)).replace("\r", "")) == set()
    assert "\x1b[2J" not in text


def _written() -> str:
    name: Callable[..., str] = file.__wrapped__  # type: ignore[attr-defined] # the fixture's own function
    return name()


def test_progress_of_publish_shows_types_and_obeys_none(capsys: pytest.CaptureFixture[str]) -> None:
    """The type of an event is a text of its producer, too."""
    Path("x.ndjson").touch()
    summary = Summary()
    summary.delivered(HOSTILE[0], 10)
    progress = PublishProgress(EventFile("x.ndjson"), as_json=False)
    progress.show(summary)
    progress.conclude(summary)
    assert unsafe("".join(capsys.readouterr())) == set()
