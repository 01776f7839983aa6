"""`tenure validate` as a user meets it: its text, its JSON, its exit status, and files that are wrong on purpose."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from schemas.documents.document import read
from schemas.documents.validation import ValidationReport
from tenure.cli import app
from tests.tidy.repository import ROOT
from tests.unit.tenure.reports.test_reconciliation import stripe_event
from tests.unit.tenure.validation.events import event, instant

GOLDEN = ROOT / "docs" / "examples" / "golden.ndjson"
AS_OF = ("--as-of", "2026-07-01T00:00:00Z")

pytestmark = pytest.mark.usefixtures("nothing_set")


def validate(*arguments: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["validate", *map(str, arguments)])


def file_of(path: Path, *events: Any) -> Path:
    """Return a file of events."""
    file = path / "events.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in events), encoding="utf-8")
    return file


def test_verdict_stands_first_and_the_status_is_0_where_nothing_is_refused() -> None:
    """A script asks for the status, and a person for the first line."""
    result = validate(GOLDEN)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        "123 of 123 events would be applied",
        "Nothing would be refused, and there is nothing to ask: it can be sent.",
    ]


def test_status_is_1_where_an_event_would_be_refused(tmp_path: Path) -> None:
    """So that a job stops before it publishes."""
    result = validate(file_of(tmp_path, event(1), event(2, mrr_minor=-1)), *AS_OF)
    assert result.exit_code == 1
    assert result.stderr == "tenure: 1 of 2 events would be refused; see above\n"
    assert "Mend what would be refused." in result.stdout


def test_questions_alone_are_no_failure(tmp_path: Path) -> None:
    """What is formally right is for a person to judge."""
    result = validate(file_of(tmp_path, event(1), event(2, "cancel")), *AS_OF)
    assert result.exit_code == 0
    assert "Nothing would be refused; answer the question below before numbers are believed." in result.stdout
    assert "(without_signup)" in result.stdout


def test_text_is_readable_in_100_columns_whatever_names_hold(tmp_path: Path) -> None:
    """Names come from others: long ones, and ones that a terminal would obey."""
    nasty = event(1, plan="\x1b[31m" + "x" * 50, customer_id="\u202e" + "y" * 100)
    result = validate(
        file_of(
            tmp_path, nasty, {**nasty, "mrr_minor": 1}, {**event(2), "z" * 90: 1}, event(3, country=7),
            event(4, "cancel"), {"type": "\x1b[2J" + "w" * 99},
        ),
        *AS_OF,
    )  # fmt: skip
    assert "\x1b" not in result.stdout
    assert "\u202e" not in result.stdout
    words = [line for line in result.stdout.splitlines() if len(line) > 100]
    assert not words, words
    for title in ("Refused", "Mended", "Without effect", "Ignored members", "Questions"):
        assert f"\n{title}\n" in result.stdout


def test_json_is_the_whole_report(tmp_path: Path) -> None:
    """And nothing else is on standard output."""
    result = validate(file_of(tmp_path, event(1), event(1)), *AS_OF, "--json")
    report = read(ValidationReport, json.loads(result.stdout))
    assert (report.records, report.applied, report.repeated) == (2, 1, 1)
    assert report.repetitions == ["line 2: signup signup-1 of c-1 again"]
    assert report.as_of == "2026-07-01T00:00:00Z"


def test_records_of_another_system_are_translated_first(tmp_path: Path) -> None:
    """What an adapter does not understand would become a dead letter, too."""
    broken = stripe_event(2)
    del broken["data"]["object"]["customer"]
    result = validate(file_of(tmp_path, stripe_event(1), broken), "--as", "stripe", *AS_OF, "--json")
    report = read(ValidationReport, json.loads(result.stdout))
    assert (result.exit_code, report.applied, report.refused) == (1, 1, 1)
    assert report.translation
    assert report.translation.records == 2
    (reason,) = report.refusals
    assert "stripe" in reason


def test_other_notations_are_read(tmp_path: Path) -> None:
    """The options of replay and publish hold here too."""
    file = tmp_path / "events.csv"
    file.write_text("id,type,customer_id,time,plan,mrr_minor\na,signup,c,1767607200,pro,49.00\n", encoding="utf-8")
    assert validate(file, "--money", "major", "--time", "epoch-s", *AS_OF).exit_code == 0
    result = validate(file, *AS_OF)
    assert result.exit_code == 1
    assert "say --time epoch-s" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a file, or topics with --topic; not both"),
        ((str(GOLDEN), "--topic", "customer.events"), "name a file, or topics with --topic; not both"),
        ((str(GOLDEN), "--last", "5"), "--last 5: it is for --topic; leave it out"),
        (("--topic", "t", "--as-of", "2026-01-01"), "--as-of 2026-01-01: it is for a file"),
        (("--topic", "t", "--money", "major"), "--money major: it is for a file; leave it out with --topic"),
        ((str(GOLDEN), "--as-of", "yesterday"), "--as-of yesterday: not an instant"),
        ((str(GOLDEN), "--as", "strip"), "--as strip: there is no such adapter; did you mean stripe?"),
        ((str(GOLDEN), "--map", "x.toml"), "--map x.toml: say whose records these are, with --as"),
    ],
    ids=["nothing", "both", "last", "as-of", "money", "instant", "adapter", "map"],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: tuple[str, ...], said: str) -> None:
    """The line says what to change."""
    result = validate(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def _xlsx(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")


WRONG: dict[str, tuple[Any, str]] = {
    "utf-16": (GOLDEN.read_text(encoding="utf-8").encode("utf-16"), "UTF-16"),
    "cut gzip": (gzip.compress(GOLDEN.read_bytes())[:900], "gzip archive is damaged or cut off"),
    "html": (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "HTML"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_file_that_is_none_of_events_is_named_for_what_it_is(tmp_path: Path, kind: str) -> None:
    """Not a thousand refusals: one line that says what it looks like."""
    content, said = WRONG[kind]
    file = tmp_path / "events.ndjson"
    file.write_bytes(content)
    result = validate(file, *AS_OF)
    assert result.exit_code != 0
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not result.stdout


def test_bytes_that_nothing_knows_are_refused_one_by_one(tmp_path: Path) -> None:
    """The report says so, and never fails."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(bytes(range(1, 256)) * 8)
    result = validate(file, *AS_OF)
    assert result.exit_code == 1
    assert "malformed_json" in result.stdout
    assert "0 of 9 events would be applied" in result.stdout


def test_workbook_is_named_for_what_it_is(tmp_path: Path) -> None:
    """Of all wrong files the most usual."""
    file = tmp_path / "events.ndjson"
    _xlsx(file)
    result = validate(file, *AS_OF)
    assert result.exit_code != 0
    assert "Excel" in result.stderr


def test_empty_file_has_no_event(tmp_path: Path) -> None:
    """It is no failure: a day may have none; but nobody should take it for an answer."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"")
    result = validate(file, *AS_OF)
    assert result.exit_code == 0
    assert "There is no event in it." in result.stdout


def test_one_document_over_lines_is_refused_with_the_way_out(tmp_path: Path) -> None:
    """An export of an API, pretty-printed."""
    file = tmp_path / "events.json"
    file.write_text(json.dumps({"data": [event(1), event(2)]}, indent=2), encoding="utf-8")
    result = validate(file, *AS_OF)
    assert result.exit_code != 0
    assert "line" in result.stderr


def test_standard_input_is_read() -> None:
    """So that an export can be piped through."""
    result = CliRunner().invoke(app, ["validate", "-", *AS_OF], input=json.dumps(event(1, time=instant())) + "\n")
    assert result.exit_code == 0
    assert result.stdout.startswith("1 of 1 event would be applied\n")
