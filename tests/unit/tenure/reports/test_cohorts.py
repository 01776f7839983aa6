"""What `tenure cohorts` prints: JSON, CSV, and a table that says what it leaves out."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from kpis.population.cohorts import MONTH, WEEK
from schemas.catalogue.cohort_measures import CohortMeasure
from schemas.documents.cohorts import CohortReport, CohortTable
from schemas.documents.document import plain
from schemas.instants import milliseconds
from tenure.cli import app
from tenure.reports.cohorts import CSV_COLUMNS, cohort_report, write_csv
from tenure.reports.cohorts_text import SHOWN_VALUES, Room, cohort_tables, percent
from tests.recount.short_events import Event, cancel, change, signup
from tests.unit.kpis.stretches import stretches_of

EVENTS = [
    signup("a", "2026-01-05", "basic", country="DE"),
    signup("b", "2026-01-31", "pro", country="FR"),
    cancel("b", "2026-02-10"),
    signup("c", "2026-03-02", "basic", country="DE"),
]
AT_MS = milliseconds(datetime(2026, 3, 10, tzinfo=UTC))


def report_of(
    events: list[Event], *, period: str = MONTH, by: tuple[str, ...] = (), at_ms: int = AT_MS
) -> CohortReport:
    """Return a report of a few events."""
    return cohort_report(stretches_of(events), at_ms=at_ms, period=period, by=by, time_zone="UTC", currency="USD")


def text_of(shown: RenderableType, width: int = 80, *, colours: bool = False) -> str:
    """Return what a terminal would show."""
    output = io.StringIO()
    console = Console(width=width, file=output, force_terminal=colours, color_system="truecolor" if colours else None)
    console.print(shown)
    return output.getvalue()


def long_history(cohorts: int, values: int = 1) -> list[Event]:
    """Return customers of so many months and plans, the later plans with fewer customers."""
    months = [f"{2000 + n // 12}-{n % 12 + 1:02}-03" for n in range(cohorts)]
    return [
        signup(f"{month} {value} {n}", month, f"plan-{value:02}")
        for month in months
        for value in range(values)
        for n in range(values - value)
    ]


def test_json_holds_all_customers_and_each_segment_with_counts_before_shares() -> None:
    """Scripts hold on to its shape; from the counts they may sum what they like."""
    report = plain(report_of(EVENTS, by=("plan", "country")))
    assert (report["as_of"], report["period"], report["time_zone"]) == ("2026-03-10T00:00:00Z", "month", "UTC")
    money = {"mrr_start": 9_800, "mrr_net": 4_900, "mrr_gross": 4_900}
    first = {"period": 1, "matured": 2, "active": 1, "share": 0.5, **money}
    second = {"period": 2, "matured": 1, "active": 1, "share": 1.0, **dict.fromkeys(money, 4_900)}
    assert report["all"] == {
        "size": 3,
        "mrr_start": 14_700,
        "periods": [first, second],
        "cohorts": [
            {"cohort": "2026-01", "size": 2, "mrr_start": 9_800, "periods": [first, second]},
            {"cohort": "2026-03", "size": 1, "mrr_start": 4_900, "periods": []},
        ],
    }
    assert {name: list(values) for name, values in report["segments"].items()} == {
        "plan": ["basic", "pro"],
        "country": ["DE", "FR"],
    }
    assert report["segments"]["plan"]["pro"]["cohorts"] == [
        {
            "cohort": "2026-01",
            "size": 1,
            "mrr_start": 4_900,
            "periods": [
                {
                    "period": 1,
                    "matured": 1,
                    "active": 0,
                    "share": 0.0,
                    "mrr_start": 4_900,
                    "mrr_net": 0,
                    "mrr_gross": 0,
                }
            ],
        }
    ]
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_nobody_is_an_empty_table_and_no_error() -> None:
    """The first thing that a new user asks is asked too early."""
    report = report_of([], by=("plan",))
    assert report.all == CohortTable(size=0, mrr_start=0, periods=[], cohorts=[])
    assert report.segments == {"plan": {}}
    assert "no customers so far" in text_of(cohort_tables(report, Room(80)))


def test_csv_has_a_line_for_each_cohort_and_period() -> None:
    """A spreadsheet pivots lines, and it must not take what has not matured for nobody."""
    output = io.StringIO()
    write_csv(report_of(EVENTS, by=("plan",)), output)
    rows = list(csv.reader(io.StringIO(output.getvalue())))
    assert rows[0] == list(CSV_COLUMNS)
    assert rows[1:5] == [
        ["", "", "2026-01", "2", "0", "", "", "", "9800", "", ""],
        ["", "", "2026-01", "2", "1", "2", "1", "0.5", "9800", "4900", "4900"],
        ["", "", "2026-01", "2", "2", "1", "1", "1.0", "4900", "4900", "4900"],
        ["", "", "2026-03", "1", "0", "", "", "", "4900", "", ""],
    ]
    assert ["plan", "pro", "2026-01", "1", "1", "1", "0", "0.0", "4900", "0", "0"] in rows


def test_the_table_can_be_read_without_colours() -> None:
    """Pipes, logs and one man in twelve have none."""
    lines = text_of(cohort_tables(report_of(EVENTS), Room(80))).splitlines()
    assert [line.split() for line in lines if re.match(r"(month|\d{4}-\d\d|all) ", line)] == [
        ["month", "size", "1", "2"],
        ["2026-01", "2", "50", "100~"],
        ["2026-03", "1"],
        ["all", "3", "50", "100"],
    ]
    assert any(line.startswith("~ of those only") for line in lines)


def test_who_stays_is_shown_by_the_background() -> None:
    """A heat map is read at a glance."""
    shown = text_of(cohort_tables(report_of(EVENTS), Room(80)), colours=True)
    assert "48;2;253;231;37" in shown  # everybody
    assert "48;2;33;145;140" in shown  # half of them


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("rows", [5, None])
def test_the_table_fits_and_says_what_it_leaves_out(width: int, rows: int | None) -> None:
    """What is cut off in silence is taken for the whole."""
    report = report_of(long_history(40), at_ms=milliseconds(datetime(2003, 6, 1, tzinfo=UTC)))
    lines = text_of(cohort_tables(report, Room(width, rows)), width=width).splitlines()
    assert max(map(len, lines)) <= width
    said = "\n".join(lines)
    shown = [line for line in lines if re.match(r"\d{4}-\d\d ", line)]
    assert len(shown) == (rows or 40)
    assert shown[-1].startswith("2003-04")
    assert ("35 older cohorts do not fit" in said) == (rows is not None)
    longest = 40 if rows is None else 5
    columns = min(longest, (width - 17) // 5)
    assert (f"months {columns + 1} to {longest} do not fit" in said) == (longest > columns)
    assert f" {columns}" in next(line for line in lines if line.startswith("month "))


def test_only_the_largest_segments_are_shown_and_the_rest_is_mentioned() -> None:
    """A dimension may have thousands of values."""
    shown = text_of(cohort_tables(report_of(long_history(1, values=13), by=("plan",)), Room(80)))
    assert [line for line in shown.splitlines() if line.startswith("plan plan-")] == [
        f"plan plan-{value:02}: {13 - value}" for value in range(SHOWN_VALUES)
    ]
    assert "3 smaller values of plan are left out" in shown


@pytest.mark.parametrize(
    ("part", "shown"),
    [(0, "0"), (1, "1"), (500, "50"), (999, "99"), (1000, "100"), (1001, "101"), (2000, "200"), (10_000, ">999")],
)
def test_nothing_and_all_are_shown_for_nothing_else(part: int, shown: str) -> None:
    """999 of 1,000 rounds to 100, and that one customer is what the table is looked at for."""
    assert percent(part, 1000) == shown


def test_the_table_of_money_shows_what_is_left_of_the_first_mrr() -> None:
    """Customers who stay and pay more make up for those who leave, net but not gross."""
    events = [
        signup("a", "2026-01-05", mrr_minor=1_000),
        signup("b", "2026-01-06", mrr_minor=1_000),
        change("a", "2026-01-20", mrr_minor=2_500),
        cancel("b", "2026-01-25"),
        signup("free", "2025-12-01", mrr_minor=10),
        change("free", "2025-12-01T00:30:00Z", mrr_minor=0),
    ]
    found = {}
    for shown in CohortMeasure:
        lines = text_of(cohort_tables(report_of(events), Room(80), shown)).splitlines()
        found[shown] = [line.split()[1:] for line in lines if line.startswith(("2025-12", "2026-01"))]
    assert found == {
        CohortMeasure.CUSTOMERS: [["1", "0", "0", "0"], ["2", "50", "50"]],
        CohortMeasure.NET: [["0", "–", "–", "–"], ["20", "125", "125"]],
        CohortMeasure.GROSS: [["0", "–", "–", "–"], ["20", "50", "50"]],
    }


# -- the command


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Some events in a file."""
    path = tmp_path / "some.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in EVENTS), encoding="utf-8")
    return str(path)


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; return its status and what it printed."""
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "100"})
    return result.exit_code, result.stdout, result.stderr


def test_a_file_needs_no_running_stream(file: str) -> None:
    """The agents of the stream fold it, so its cohorts are those that the stream would have."""
    arguments = ["cohorts", "--file", file, "--at", "2026-03-10", "--by", "plan"]
    status, printed, _ = run(*arguments, "--json")
    assert status == 0
    assert json.loads(printed) == plain(report_of(EVENTS, by=("plan",)))
    assert "2026-01" in run(*arguments)[1]
    assert run(*arguments, "--csv")[1].startswith("dimension,value,cohort,")


def test_a_file_without_an_instant_ends_with_its_last_event(file: str) -> None:
    """Only who has read the file knows where it ends."""
    status, printed, _ = run("cohorts", "--file", file, "--period", "week", "--json")
    assert (status, json.loads(printed)) == (
        0,
        plain(report_of(EVENTS, period=WEEK, at_ms=milliseconds(datetime(2026, 3, 2, 1, tzinfo=UTC)))),
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cohorts", "--json", "--csv"], "leave one out"),
        (["cohorts", "--period", "year"], "there is only month, week"),
        (["cohorts", "--by", "plam"], "did you mean plan?"),
        (["cohorts", "--at", "2026-03-01T00:10:00Z"], "multiple of 60 minutes"),
        (["cohorts", "--file", "nowhere.ndjson"], "no such file"),
        (["cohorts", "--format", "csv"], "--file"),
        (["lifetime", "--at", "yesterday"], "2026-03-01"),
        (["lifetime", "--file", "nowhere.ndjson"], "no such file"),
        (["lifetime", "--by", "countri"], "did you mean country?"),
    ],
)
def test_wrong_use_of_the_scanning_commands_ends_with_2_and_one_line(arguments: list[str], said: str) -> None:
    """Scripts read the status, people the line; nobody reads a traceback."""
    status, printed, complaint = run(*arguments)
    assert (status, printed) == (2, "")
    assert said in complaint
    assert complaint.count("\n") == 1
