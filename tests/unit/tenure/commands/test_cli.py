"""The command: what it lists, what it refuses in one line, and with which status it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from kpis.filters import Filter
from kpis.instants import instant_text
from schemas.documents.report import Report
from streams.errors import CheckFailed, UsageError
from tenure.cli import app, leave_only
from tenure.files.findings import Findings
from tenure.files.notation import Notation
from tenure.reports import kpi
from tests.unit.tenure.reports.fake_report import fake_report, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from click.testing import Result

    from streams.settings.settings import Settings

ROOT = Path(__file__).parents[4]
GOLDEN = "docs/examples/golden.ndjson"
OF_GOLDEN = ("--file", GOLDEN, "--at", "2025-03-31")


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> None:
    del nothing_set
    monkeypatch.setenv("COLUMNS", "120")


def run(*arguments: str, stdin: str | None = None) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, list(arguments), input=stdin)  # type: ignore[return-value]


def only_line(result: Result) -> str:
    """Return the single line on standard error of a command that ended with 2."""
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.mark.parametrize(
    "arguments", [("customer", "\udcff"), ("dlq", "replay", "--set", "\udcff=x"), ("validate", "--topic", "\udcff")]
)
def test_argument_that_is_not_utf_8_is_refused_in_one_line(arguments: tuple[str, ...]) -> None:
    """A terminal with another encoding sends such bytes; Python makes half characters of them, which nothing writes."""
    assert "is not UTF-8; write it in UTF-8" in only_line(run(*arguments))
    assert "\\xff" in only_line(run(*arguments))


def test_file_whose_name_is_not_utf_8_is_read(tmp_path: Path) -> None:
    """A file's name may be any bytes."""
    path = tmp_path / "\udcff.ndjson"
    path.write_bytes(b"")
    assert run("validate", str(path)).exit_code == 0


def test_name_that_no_topic_can_have_is_refused() -> None:
    """Kafka's clients fail on a name that is too long in ways of their own."""
    assert "is no topic name" in only_line(run("validate", "--topic", "a" * 250))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What `kpi` and `replay` ask those who count; they are answered with a report made by hand."""
    questions: list[dict[str, Any]] = []

    async def read_report(
        settings: Settings, *, at_ms: Sequence[int], by: Sequence[str] = (), where: Filter | None = None
    ) -> list[Report]:
        assert where is None
        questions.append({"at_ms": list(at_ms), "by": list(by), "group": settings.group})
        return [told(fake_report(as_of=instant_text(instant))) for instant in at_ms]

    async def replay(
        path: str,
        settings: Settings,
        notation: Notation,
        *,
        at_ms: Sequence[int],
        by: Sequence[str] = (),
        where: Filter | None = None,
    ) -> kpi.ReplayedReport:
        assert (notation, where) == (Notation(), None)
        questions.append({"path": path, "at_ms": list(at_ms), "by": list(by), "group": settings.group})
        return kpi.ReplayedReport([told(fake_report())], Findings())

    (tmp_path / "some.ndjson").touch()
    monkeypatch.setattr(kpi, "read_report", read_report)
    monkeypatch.setattr("tenure.reports.kpi.replay", replay)
    return questions


def test_help_lists_the_commands_in_the_order_a_newcomer_needs_them() -> None:
    """The first one that is read is the first one that is tried."""
    for arguments in ((), ("--help",)):
        result = run(*arguments)
        assert result.exit_code == 0
        listed = [line.split()[0] for line in result.stdout.split("Commands:")[1].splitlines() if line.startswith("  ")]
        assert listed[:8] == ["demo", "topics", "worker", "validate", "publish", "replay", "kpi", "company"]


@pytest.mark.parametrize("command", ["demo", "topics", "worker", "validate", "publish", "replay", "kpi", "company"])
def test_every_command_has_help(command: str) -> None:
    """Whoever does not know an option asks the command."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Options:" in result.stdout


@pytest.mark.parametrize(
    ("named", "left"), [("kpi", ["kpi"]), ("target", ["target"]), ("dlq", ["dlq"]), ("--help", None), ("kpii", None)]
)
def test_options_are_read_of_the_command_that_is_named(
    monkeypatch: pytest.MonkeyPatch, named: str, left: list[str] | None
) -> None:
    """Options of thirty commands take longer to read than help takes to print; a list or a guess needs them all."""
    everything = list(get_group(app).commands)
    monkeypatch.setattr(app, "registered_commands", [*app.registered_commands])
    monkeypatch.setattr(app, "registered_groups", [*app.registered_groups])
    leave_only(named)
    assert list(get_group(app).commands) == (everything if left is None else left)


def test_version_is_told() -> None:
    """The first question of every report of a fault."""
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("tenure")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bogus"], "bogus"),
        (["--bogus"], "--bogus"),
        (["kpi", "--att", "2026-01-01"], "--at"),
        (["kpi", "--at"], "--at"),
        (["replay"], "FILE"),
        (["demo", "--speed", "fast"], "--speed"),
        (["kpi", "--lens", "best"], "--lens best: there is only standard, stripe, baremetrics, profitwell\n"),
        (["explain", "churn", "--lens", "strip"], "baremetrics, profitwell; did you mean stripe?\n"),
        (["cohorts", "--period", "year"], "--period year: there is only month, week\n"),
        (["company", "--end", "2026-02-30"], "--end 2026-02-30: there is no such day; write for example 2026-03-01\n"),
        (["company", "--end", "tomorrow"], "--end tomorrow: not a day; write for example 2026-03-01\n"),
        (["company", "--end", "0001-02-01"], "only the years 2000 to 2099 are counted\n"),
        (["explain", "churn", "--limit", "x"], "--limit x: it must be a whole number of at least 0\n"),
        (["publish", "-", "--rate", "0"], "--rate 0: it must be a number from 0.001 to 1000000\n"),
        (["publish", "-", "--rate", "inf"], "--rate inf: it must be a number from 0.001 to 1000000\n"),
        (["company", "--days", "-1"], "--days -1: it must be a number from 1 to 3650\n"),
        (["demo", "--seed", "x"], "--seed x: it must be a whole number of at least 0\n"),
        (["demo", "--speed", "1e400"], "--speed 1e400: it must be a number from 1 to 31536000\n"),
        (["demo", "--seconds", "nan"], "--seconds nan: it must be a number of at least 0.1\n"),
        (["resume", "x"], "PARTITION x: it must be a whole number of at least 0\n"),
        (["kpi", "--by", "plam"], "did you mean plan?"),
        (["kpi", "--window", "31"], "1d, 7d, 30d, 90d, 365d, month\n"),
        (["kpi", "--window", "2d"], "--window 2d: there is only 1d, 7d, 30d, 90d, 365d, month\n"),
        (["kpi", "--window", "365 days"], "did you mean 365d?"),
        (["kpi", "--window", "mont"], "did you mean month?"),
        (["target", "set", "retention", "31d", "90%"], "WINDOW 31d: there is only 1d, 7d, 30d, 90d, 365d, month\n"),
        (["kpi", "--at", "yesterday"], "2026-03-01"),
        (["kpi", "--at", "2026-02-30"], "no such day"),
        (["kpi", "--at", "2026-03-01T00:00:00"], "2026-03-01T00:00:00Z"),
        (["kpi", "--at", "1999-12-31"], "2000"),
        (["kpi", "--config", "nowhere.toml"], "nowhere.toml"),
        (["publish", "nowhere.ndjson"], "no such file"),
        (["publish", "-", "--topic", "t", "--mixed"], "leave one out"),
        (["publish", "-", "--format", "xml"], "ndjson, csv, parquet"),
        (["replay", "-", "--money", "dollars"], "--money dollars: there is only minor, major\n"),
        (["publish", "-", "--time", "epoch"], "--time epoch: there is only rfc3339, epoch-s, epoch-ms"),
        (
            ["replay", "-", "--time-zone", "Europe/Bucarest"],
            "--time-zone Europe/Bucarest: no such time zone; did you mean",
        ),
        (["publish", "-", "--time-zone", "+02:00"], "write an IANA name such as Europe/Lisbon"),
        (["lenses", "--money", "major"], "--money major: name the file with --file, or leave it out"),
        (["explain", "churn", "--time", "epoch-s"], "--time epoch-s: name the file with --file"),
        (["cohorts", "--time-zone", "Europe/Paris"], "--time-zone Europe/Paris: name the file with --file"),
        (["replay", "nowhere.ndjson"], "no such file"),
        (["topics", "--partitions", "3"], "--create"),
        (["topics", "--create", "--replication", "0"], "--replication"),
        (["target", "bogus"], "bogus"),
        (["target", "set", "retention", "365d"], "VALUE"),
        (["target", "set", "retention", "365d", "90", "--owner", "anna"], "for 90 % write 90%"),
        (["target", "set", "nps", "30d", "-0.1"], "-0"),
        (
            ["target", "history", "churn"],
            "did you mean churn_standard, churn_stripe, churn_baremetrics or churn_profitwell?",
        ),
        (["target", "set", "retentoin", "30d", "3%"], "did you mean retention?"),
        (["history", "--from", "yesterday"], "--from yesterday"),
        (["history", "--to", "2099-01-01"], "at least 3 h ago"),
        (["history", "--by", "plam"], "did you mean plan?"),
    ],
)
def test_wrong_use_ends_with_2_and_one_line(arguments: list[str], said: str) -> None:
    """Scripts read the status, people the line; nobody reads a traceback."""
    assert said in only_line(run(*arguments))


def test_wrong_setting_ends_with_2_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """As wrong use does, and before anything is connected to."""
    monkeypatch.setenv("TENURE_WINDOWS_DAYS", "7,1")
    for command in ("worker", "kpi", "demo"):
        assert "TENURE_WINDOWS_DAYS is '7,1'" in only_line(run(command))


def test_instant_between_two_boundaries_names_both() -> None:
    """A KPI is as of a bucket boundary; rounding silently would be another number."""
    line = only_line(run("kpi", "--at", "2026-03-01T10:20:00+02:00"))
    assert "2026-03-01T08:00:00Z" in line
    assert "2026-03-01T09:00:00Z" in line


def test_kpi_prints_the_json_of_the_contract_in_the_order_asked(asked: list[dict[str, Any]]) -> None:
    """Scripts hold on to its shape."""
    result = run("kpi", "--at", "2026-03-02", "--at", "2026-03-01T00:00:00Z", "--by", "plan", "--json")
    assert result.exit_code == 0
    assert [entry["as_of"] for entry in json.loads(result.stdout)] == ["2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"]
    assert asked == [{"at_ms": [1_772_409_600_000, 1_772_323_200_000], "by": ["plan"], "group": "tenure"}]


def test_date_is_its_first_instant_in_the_business_time_zone(
    monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]
) -> None:
    """The first of a month is when the month begins for the business."""
    monkeypatch.setenv("TENURE_BUSINESS_TIME_ZONE", "America/New_York")
    run("kpi", "--at", "2026-07-01", "--json")
    assert [instant_text(instant) for instant in asked[0]["at_ms"]] == ["2026-07-01T04:00:00Z"]


def test_kpi_without_an_instant_is_as_of_the_end_of_the_running_bucket(asked: list[dict[str, Any]]) -> None:
    """An event counts the moment it is processed."""
    before_ms = time.time_ns() // 1_000_000
    assert run("kpi", "--json").exit_code == 0
    (at_ms,) = asked[0]["at_ms"]
    assert at_ms % 3_600_000 == 0
    assert 0 < at_ms - before_ms <= 3_600_000


def test_replay_without_an_instant_leaves_it_to_the_last_event(asked: list[dict[str, Any]]) -> None:
    """Only who has read the file knows where it ends."""
    run("replay", "some.ndjson", "--json")
    assert asked == [{"path": "some.ndjson", "at_ms": [], "by": [], "group": "tenure"}]


def test_replay_tells_what_became_of_the_events_on_standard_error_and_ends_with_1(tmp_path: Path) -> None:
    """A number without the events that were refused looks like one with them."""
    file = tmp_path / "events.csv"
    file.write_text(
        "id,type,customer_id,time,plan,mrr_minor,reason\n"
        "a,signup,c,2026-01-05T10:00:00Z,pro,4900,\n"
        "a,signup,c,2026-01-05T10:00:00Z,pro,4900,\n"
        "b,signup,d,2026-01-05T10:00:00Z,pro,49.00,\n"
        "c,cancel,c,2026-01-07T10:00:00Z,,,Too expensive\n",
        encoding="utf-8",
    )
    result = run("replay", str(file), "--at", "2026-02-01", "--json")
    events = json.loads(result.stdout)[0]["events"]
    assert (events["applied"], events["duplicate"], events["dead_letters"]["invalid_member"]) == (2, 1, 1)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{file}: 2 applied, 1 repeated, 1 refused",
        "refused, invalid_member, mrr_minor: 1",
        '  line 4: mrr_minor: must be an integer from 0 to 10^12; got "49.00"',
        (
            "  it has decimals: say --money major if the file has major units, such as dollars; "
            "write it without decimals if it has minor ones, such as cents"
        ),
        "mended, reason: 1",
        '  line 5: reason: "Too expensive" is read as "too_expensive"',
        "tenure: 1 of 4 events was refused; see above",
    ]
    assert run("replay", str(file), "--at", "2026-02-01", "--money", "major").exit_code == 0


@pytest.mark.parametrize("command", [["kpi"], ["replay", "some.ndjson"]])
def test_tables_are_printed_without_json(asked: list[dict[str, Any]], command: list[str]) -> None:
    """People get tables, and no escape sequences where they go to a file."""
    result = run(*command, "--window", "30", "--lens", "standard")
    assert asked
    assert "Retention" in result.stdout
    assert "90 days" not in result.stdout
    assert "Stripe" not in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(("error", "status"), [(CheckFailed("a check failed"), 1), (UsageError("change it"), 2)])
def test_fault_decides_the_exit_status(monkeypatch: pytest.MonkeyPatch, error: Exception, status: int) -> None:
    """1 is a failed check, 2 is for the user to put right."""

    async def fail(_settings: Settings, **_: object) -> list[dict[str, Any]]:
        raise error

    monkeypatch.setattr(kpi, "read_report", fail)
    result = run("kpi")
    assert (result.exit_code, result.stderr) == (status, f"tenure: {error}\n")


def test_our_own_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is our fault must reach us whole."""

    async def fail(_settings: Settings, **_: object) -> list[dict[str, Any]]:
        raise AssertionError("ours")

    monkeypatch.setattr(kpi, "read_report", fail)
    assert isinstance(run("kpi").exception, AssertionError)


def test_kafka_that_is_away_ends_publish_with_1_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usage was right, so it is not 2; and aiokafka's own complaints stay out of the way."""
    monkeypatch.setenv("TENURE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = run("publish", "-", stdin='{"id":"1","type":"signup","customer_id":"a"}\n')
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "127.0.0.1:1 does not answer" in result.stderr


def test_kafka_that_is_away_ends_topics_with_1_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the topics of a Kafka that is away asks at a terminal, and does not want to wait."""
    monkeypatch.setenv("TENURE_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    for arguments in ([], ["--json"], ["--create"]):
        result = run("topics", *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.count("\n") == 1
        assert "127.0.0.1:1 does not answer" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["kpi"], ["history"], ["resume"], ["explain", "churn"], ["target", "list"], ["cohorts", "--json"]]
)
def test_redis_that_is_away_ends_with_1_and_a_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """It may run elsewhere, or not yet: whoever reads the line must know what to change; its password is no part."""
    monkeypatch.setenv("TENURE_REDIS_URL", "redis://anna:s3cr3tpw@127.0.0.1:1/0")
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("tenure: Redis at redis://anna:****@127.0.0.1:1/0 does not answer: Error 111")
    assert result.stderr.endswith("; start it, or set TENURE_REDIS_URL\n")
    assert "s3cr3tpw" not in result.stderr


def test_sentinels_that_are_away_are_told_without_the_objects_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client writes out all that it knows of a connection; the name of the primary is what helps."""
    monkeypatch.setenv("TENURE_REDIS_URL", "redis+sentinel://127.0.0.1:1/order")
    said = "does not answer: No master found for 'order'; start it, or set TENURE_REDIS_URL\n"
    assert run("kpi").stderr == f"tenure: Redis at redis+sentinel://127.0.0.1:1/order {said}"


def test_company_prints_one_event_a_line_the_same_for_the_same_seed() -> None:
    """An example that others can repeat."""
    first = run("company", "--days", "20", "--customers", "30", "--seed", "7")
    assert first.exit_code == 0
    lines = first.stdout.splitlines()
    assert sum(1 for line in lines if line.startswith("{")) > 30
    assert run("company", "--days", "20", "--customers", "30", "--seed", "7").stdout == first.stdout
    assert run("company", "--days", "20", "--customers", "30", "--seed", "8").stdout != first.stdout


STOPPABLE = """
import asyncio, sys
from tenure.worker.signals import Stopped, run_until_stopped

async def work():
    try:
        print("ready", flush=True)
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0)
        print("closed", flush=True)

try:
    run_until_stopped(work())
except Stopped as stopped:
    sys.exit(stopped.signal_number)
"""


@pytest.fixture
def _hangups_arrive() -> Iterator[None]:
    """A process that was begun under `nohup` hands on to those that it begins that they ignore hangups."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


SLOW_END = """
        print("closing", flush=True)
        sys.stdin.read()
        for _ in range(100):
            await asyncio.sleep(0)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("_hangups_arrive")
def test_signal_lets_the_work_close_what_it_opened(number: signal.Signals) -> None:
    """Ctrl-C, an orchestrator's stop and a terminal that is closed are the usual ends of a worker, and of a demo."""
    with subprocess.Popen([sys.executable, "-c", STOPPABLE], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == "closed\n"
        assert process.wait(timeout=20) == number


def test_broken_pipe_is_no_error() -> None:
    """`tenure company | head -1` is a sensible thing to do."""
    command = f"{sys.executable} -c 'from tenure.cli import main; main()' company --days 60 --customers 200 | head -1"
    result = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S602
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


@pytest.mark.usefixtures("_hangups_arrive")
def test_second_hangup_does_not_cut_short_what_the_first_began() -> None:
    """The shell sends one to its jobs, and the terminal another; what is cut short leaves its folder behind."""
    slow = STOPPABLE.replace("        await asyncio.sleep(0)\n", SLOW_END)
    with subprocess.Popen(
        [sys.executable, "-c", slow], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "closing\n"
        process.send_signal(signal.SIGHUP)
        process.stdin.close()
        assert process.stdout.read() == "closed\n"
        assert process.wait(timeout=20) == signal.SIGHUP


def test_hangup_that_is_ignored_from_the_beginning_stays_ignored() -> None:
    """`nohup tenure worker &` outlives its terminal; that is what it is for."""
    command = ["/bin/sh", "-c", 'trap \'\' HUP; exec "$0" -c "$1"', sys.executable, STOPPABLE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == signal.SIGTERM


@pytest.mark.usefixtures("_hangups_arrive")
def test_terminal_that_is_closed_leaves_nothing_of_a_demo() -> None:
    """Its Redis lies in a temporary folder; nobody would look for it there."""
    command = [sys.executable, "-c", "from tenure.cli import main; main()", "demo", "--plain", "--metrics-port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        surroundings = os.environ | {"TMPDIR": folder}
        with subprocess.Popen(command, cwd=ROOT, env=surroundings, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Loading")
            assert len(list(Path(folder).iterdir())) == 1
            process.send_signal(signal.SIGHUP)
            process.stdout.read()
            assert process.wait(timeout=20) == 0
        assert list(Path(folder).iterdir()) == []


def ended(arguments: Sequence[str], standard_output: Any) -> tuple[int, str]:
    """Run the command in a process of its own that may buffer; return its status, and its standard error."""
    command = [sys.executable, "-c", "from tenure.cli import main; main()", *arguments]
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        command, cwd=ROOT, env=surroundings, stdout=standard_output, stderr=subprocess.PIPE, text=True, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["replay", GOLDEN], ["replay", GOLDEN, "--json"], ["company", "--days", "30"], ["cohorts", *OF_GOLDEN, "--csv"]],
)
def test_output_that_cannot_be_written_ends_with_1_and_one_line(arguments: list[str]) -> None:
    """A disk that is full is no fault of ours, and half a file must not pass for a whole one."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        status, said = ended(arguments, full)
    assert (status, said.count("\n")) == (1, 1), said
    assert "standard output cannot be written (No space left on device)" in said


@pytest.mark.parametrize("arguments", [["replay", GOLDEN], ["cohorts", *OF_GOLDEN, "--csv"]])
def test_pipe_that_is_closed_before_anything_is_written_stays_quiet(arguments: list[str]) -> None:
    """What is short is written when the command ends; Python would complain then that it could not flush."""
    reading, writing = os.pipe()
    os.close(reading)
    assert ended(arguments, writing) == (1, "")
    os.close(writing)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_names_are_shown_as_they_are_whatever_the_surroundings_say(options: list[str], tmp_path: Path) -> None:
    """A plan may be named in any script, or look like markup, and tables are drawn with more than ASCII."""
    file = tmp_path / "events.ndjson"
    event = {"id": "1", "type": "signup", "customer_id": "c", "time": "2026-03-01T09:00:00Z", "plan": "größe[/x]:key:"}
    file.write_text(json.dumps(event | {"mrr_minor": 100}), encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "from tenure.cli import main; main()",
        "replay",
        str(file),
        "--by",
        "plan",
        *options,
    ]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, check=False)
    assert (result.returncode, result.stderr) == (0, f"{file}: 1 applied\n".encode())
    assert "größe[/x]:key:" in result.stdout.decode()
