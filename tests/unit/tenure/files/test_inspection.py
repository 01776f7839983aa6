"""What a file's user is told of events that are refused or mended: where, what, and what would be right."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.decoding import rules
from schemas.refusals import Reason
from streams.settings.meaning import decoder_of
from streams.settings.settings import Settings
from tenure.files import inspection
from tenure.files.inspection import Inspection
from tenure.files.notation import MoneyForm, Notation, TimeForm
from tenure.files.reader import EventFile

HEADER = "id,type,customer_id,time,plan,mrr_minor,currency"
SIGNUP = '{"id":"a","type":"signup","customer_id":"c","time":"2026-01-05T10:00:00Z","plan":"pro","mrr_minor":4900'


def inspected(path: Path, notation: Notation = Notation()) -> Inspection:  # noqa: B008 - it is immutable
    """Return what is found in a file."""
    file = EventFile(str(path), notation)
    found = Inspection(file, decoder_of(Settings(), latest_ms=rules.LATEST_MS))
    for record in file.records():
        found.take(record)
    found.finish()
    return found


def csv_file(tmp_path: Path, *rows: str) -> Path:
    """Return a file of rows under `HEADER`."""
    path = tmp_path / "events.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("time", "amount", "currency", "notation", "advice"),
    [
        ("2026-01-05T10:00:00Z", "49.00", "USD", Notation(), "it has decimals: say --money major"),
        ("2026-01-05T10:00:00Z", "4900.0", "", Notation(), "it has decimals: say --money major"),
        ("2026-01-05T10:00:00Z", "$49", "USD", Notation(), "write the amount as digits alone"),
        ("2026-01-05T10:00:00Z", '"4,900"', "USD", Notation(), "write the amount as digits alone"),
        ("2026-01-05T10:00:00Z", "4.9E+03", "USD", Notation(), "write the amount as digits alone"),
        ("2026-01-05T10:00:00Z", "49.005", "usd", Notation(money=MoneyForm.MAJOR), "USD has 2 decimals"),
        ("2026-01-05T10:00:00Z", "1.5", "JPY", Notation(money=MoneyForm.MAJOR), "JPY has no decimals"),
        ("2026-01-05 10:00:00", "4900", "USD", Notation(), "it has no time zone: say which one with --time-zone"),
        ("1767607200", "4900", "USD", Notation(), "say --time epoch-s if 2026-01-05T10:00:00Z is meant"),
        ("1767607200123", "4900", "USD", Notation(), "say --time epoch-ms if 2026-01-05T10:00:00.123000Z is meant"),
        ("1767607200", "4900", "USD", Notation(time=TimeForm.EPOCH_MS), "say --time epoch-s"),
        ("1767607200123", "4900", "USD", Notation(time=TimeForm.EPOCH_S), "say --time epoch-ms"),
    ],
)
def test_way_out_is_named_where_an_option_reads_the_value(
    tmp_path: Path, time: str, amount: str, currency: str, notation: Notation, advice: str
) -> None:
    """Whoever has exported a thousand such rows needs one word, not a thousand corrections."""
    found = inspected(csv_file(tmp_path, f"a,signup,c,{time},pro,{amount},{currency}"), notation)
    assert found.refused.total() == 1
    assert advice in found.findings.lines()[-1]
    assert found.findings.lines()[1].startswith("  line 2: ")


@pytest.mark.parametrize(
    ("members", "notation", "advice"),
    [
        ({"mrr_minor": "4900"}, Notation(), "write 4900 without quotes"),
        ({"mrr_minor": "49.5"}, Notation(money=MoneyForm.MAJOR), "write 49.5 without quotes"),
        ({"mrr_minor": "49.5", "currency": "jpy"}, Notation(money=MoneyForm.MAJOR), "JPY has no decimals"),
        ({"mrr_minor": "49.5"}, Notation(), "it has decimals"),
        ({"mrr_minor": 1, "sequence": "7"}, Notation(), "write 7 without quotes"),
        ({"mrr_minor": 1, "sequence": "first"}, Notation(), "an integer"),
        ({"mrr_minor": 1, "trial": "true"}, Notation(), "write true without quotes"),
        ({"mrr_minor": 1, "trial": "yes"}, Notation(), "true or false"),
    ],
)
def test_quotes_around_a_number_are_named(
    tmp_path: Path, members: dict[str, object], notation: Notation, advice: str
) -> None:
    """That 4900 is no integer is hard to believe for whoever does not see the quotes."""
    path = tmp_path / "quoted.ndjson"
    path.write_text(json.dumps({**json.loads(SIGNUP + "}"), **members}), encoding="utf-8")
    assert advice in inspected(path, notation).findings.lines()[-1]


def test_row_with_too_few_or_too_many_cells_says_how_many_and_what_to_do(tmp_path: Path) -> None:
    """The row is JSON to nobody but us."""
    found = inspected(csv_file(tmp_path, "a,signup", "a,signup,c,2026-01-05T10:00:00Z,pro, yearly,4900,USD"))
    assert found.findings.lines() == [
        "refused, malformed_json: 2",
        "  line 2: it has 2 cells, and the header 7; leave a cell empty where there is no value, and leave out no cell",
        "  line 3: it has 8 cells, and the header 7; put a cell that holds a comma in double quotes",
    ]


def test_good_file_has_no_findings(tmp_path: Path) -> None:
    """Silence has to mean that all is well."""
    local = "a,signup,c,2026-01-05 10:00:00,pro,49.00,USD"
    there = Notation(money=MoneyForm.MAJOR, time_zone=ZoneInfo("Europe/Bucharest"))
    found = inspected(csv_file(tmp_path, local, local), there)
    assert (found.records, found.refused.total(), found.findings.lines()) == (2, 0, [])


def test_refusals_are_counted_by_reason_and_member(tmp_path: Path) -> None:
    """A thousand rows without a plan are one fault, and so are a thousand with a plan that is reserved."""
    found = inspected(
        csv_file(
            tmp_path,
            "a,signup,c,2026-01-05T10:00:00Z,,4900,USD",
            "b,signup,c,2026-01-05T10:00:00Z,NULL,4900,USD",
            "c,signup,c,2026-01-05T10:00:00Z,none,4900,USD",
            "d,signup,c,2026-01-05T10:00:00Z,pro,4900",
            "e,signup,c,1999-01-05T10:00:00Z,pro,4900,USD",
            "f,sign-up,c,2026-01-05T10:00:00Z,pro,4900,USD",
        )
    )
    kinds = {kind: finding.count for kind, finding in found.findings.sections["refused"].items()}
    assert kinds == {
        "missing_member, plan": 2,
        "invalid_member, plan": 1,
        "malformed_json": 1,
        "time_out_of_range, time": 1,
        "unknown_type, type": 1,
    }
    assert found.refused == {
        Reason.MISSING_MEMBER: 2, Reason.INVALID_MEMBER: 1, Reason.MALFORMED_JSON: 1, Reason.TIME_OUT_OF_RANGE: 1,
        Reason.UNKNOWN_TYPE: 1,
    }  # fmt: skip
    assert any(line.startswith("  line 5: it has 6 cells, and the header 7; ") for line in found.findings.lines())


def test_mended_members_are_told_with_what_they_were_and_are_read_as(tmp_path: Path) -> None:
    """What describes an event is mended and never costs it; who sends it should hear of it all the same."""
    path = tmp_path / "mended.ndjson"
    cancel = SIGNUP.replace("signup", "cancel")
    lines = [
        cancel + ',"reason":"Too expensive"}',
        cancel + ',"reason":""}',
        SIGNUP + ',"country":"pt","channel":"other"}',
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    found = inspected(path)
    assert found.findings.lines() == [
        "mended, reason: 2",
        '  line 1: reason: "Too expensive" is read as "too_expensive"',
        '  line 2: reason: "" is read as absent',
        "mended, channel: 1",
        '  line 3: channel: "other" is read as absent',
        "mended, country: 1",
        '  line 3: country: "pt" is read as "PT"',
    ]


def test_places_are_rows_of_parquet_and_elements_of_arrays(tmp_path: Path) -> None:
    """A line number means nothing there."""
    array = tmp_path / "array.json"
    array.write_text(f'[{SIGNUP}}}, {{"id":"b"}}]', encoding="utf-8")
    table = tmp_path / "table.parquet"
    columns = {"id": ["a"], "type": ["signup"], "customer_id": ["c"], "time": ["2026-01-05T10:00:00Z"], "plan": ["pro"]}
    pq.write_table(pa.table({**columns, "mrr_minor": [49.5]}), table)
    assert inspected(array).findings.lines()[1].startswith("  element 2: type")
    assert inspected(table).findings.lines()[1].startswith("  row 1: mrr_minor: ")
    assert inspected(table, Notation(money=MoneyForm.MAJOR)).findings.lines() == []


def test_members_of_a_cloud_event_are_those_of_its_data(tmp_path: Path) -> None:
    """Its envelope holds none of them."""
    path = tmp_path / "cloud.ndjson"
    envelope = (
        '{"specversion":"1.0","id":"a","source":"s","type":"x.signup","subject":"c","time":"2026-01-05T10:00:00Z"'
    )
    path.write_text(envelope + ',"data":{"plan":"pro","mrr_minor":49.5}}\n', encoding="utf-8")
    assert "it has decimals: say --money major" in inspected(path).findings.lines()[-1]


def test_object_around_the_events_is_recognised(tmp_path: Path) -> None:
    """Interfaces answer with one; it stands in one line and looks like an event without an id."""
    path = tmp_path / "answer.json"
    path.write_text(f'{{"page": 1, "events": [{SIGNUP}}}]}}', encoding="utf-8")
    assert inspected(path).findings.lines()[-1].startswith("  its member events holds a list")


def test_few_records_are_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be larger than the memory."""
    monkeypatch.setattr(inspection, "_BYTES_AT_ONCE", 1000)
    path = csv_file(tmp_path, *["a,signup,c,2026-01-05T10:00:00Z,pro,4900,USD"] * 100)
    found = Inspection(EventFile(str(path)), decoder_of(Settings(), latest_ms=rules.LATEST_MS))
    for record in EventFile(str(path)).records():
        found.take(record)
        assert found._waiting_bytes < 1200
    assert found.records > 90
