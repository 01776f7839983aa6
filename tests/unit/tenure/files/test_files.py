"""Files of events: every format gives the same events, bad lines survive as they are, and errors say what to do."""

import csv
import gzip
import importlib
import io
import json
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.errors import InputError, UsageError
from streams.routing import heading_of
from tenure.files import reader
from tenure.files.members import BOOLEAN_MEMBERS, INSTANT_MEMBERS, INTEGER_MEMBERS
from tenure.files.notation import MoneyForm, Notation, TimeForm
from tenure.files.reader import EventFile, FileRecord

Event = dict[str, Any]

EVENTS: tuple[Event, ...] = (
    {
        "id": "e1",
        "type": "signup",
        "customer_id": "42",
        "time": "2026-03-01T10:00:00.250000Z",
        "plan": "pro, yearly",
        "mrr_minor": 9900,
        "country": "RO",
    },
    {"id": "e2", "type": "survey", "customer_id": "42", "time": "2026-03-02T00:00:00Z", "kind": "nps", "score": 9},
    {
        "id": "e3",
        "type": "cancel",
        "customer_id": "43",
        "time": "2026-03-03T00:00:00Z",
        "reason": "too_expensive",
        "involuntary": False,
        "test": True,
        "sequence": -2,
    },
    {"id": "né", "type": "onboarding", "customer_id": 'with "quotes"', "time": "2026-03-04T00:00:00Z"},
)
OF_EVENTS = Notation()
HEADER = b"id,type,customer_id,time\n"
COLUMNS = tuple(dict.fromkeys(member for event in EVENTS for member in event))


def read(path: Path | str, notation: Notation = OF_EVENTS) -> list[FileRecord]:
    """Read a whole file."""
    return list(EventFile(str(path), notation).records())


def objects(records: Iterable[FileRecord]) -> list[Event]:
    """Return records as objects."""
    return [json.loads(record.value) for record in records]


def write_lines(path: Path, *lines: bytes) -> Path:
    """Write lines, each with its end."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def write_csv(path: Path, delimiter: str = ",") -> Path:
    """Write the events as a table, booleans as they are in JSON."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter=delimiter)
        table.writeheader()
        for event in EVENTS:
            cells = {member: json.dumps(cell) if isinstance(cell, bool) else cell for member, cell in event.items()}
            table.writerow(cells)
    return path


def write_parquet(path: Path, **columns: Any) -> Path:
    """Write the events as a table with instants as timestamps; columns given by name replace those of the events."""
    table = {name: [event.get(name) for event in EVENTS] for name in COLUMNS}
    table["time"] = [datetime.fromisoformat(event["time"]) for event in EVENTS]
    pq.write_table(pa.table({**table, **columns}), path)
    return path


def test_every_format_gives_the_same_events(tmp_path: Path) -> None:
    """The numbers may not depend on which program wrote the file."""
    lines = [json.dumps(event).encode() for event in EVENTS]
    ndjson = write_lines(tmp_path / "events.ndjson", *lines)
    compressed = tmp_path / "events.ndjson.gz"
    compressed.write_bytes(gzip.compress(ndjson.read_bytes(), mtime=0))
    compressed_csv = tmp_path / "events.csv.gz"
    compressed_csv.write_bytes(gzip.compress(write_csv(tmp_path / "events.csv").read_bytes(), mtime=0))
    paths = [
        ndjson,
        compressed,
        tmp_path / "events.csv",
        compressed_csv,
        write_csv(tmp_path / "semicolons.csv", ";"),
        write_csv(tmp_path / "events.tsv", "\t"),
        write_parquet(tmp_path / "events.parquet"),
    ]
    expected = [{**event, "time": datetime.fromisoformat(event["time"])} for event in EVENTS]
    for path in paths:
        actual = [{**event, "time": datetime.fromisoformat(event["time"])} for event in objects(read(path))]
        assert expected == actual, path.name


def test_lines_that_are_no_events_are_passed_on_byte_for_byte(tmp_path: Path) -> None:
    """What is dropped while reading is never seen again; as a dead letter it can be looked into and sent again."""
    bad = (b"{", b"null", b"Z\xfcrich", b'  {"a":1} ', b"\x00\x01", b'{"type":"sign')
    path = write_lines(tmp_path / "bad.ndjson", *bad)
    assert [record.value for record in read(path)] == list(bad)


def test_blank_lines_are_no_records_but_count_as_lines(tmp_path: Path) -> None:
    """A message about line 4 has to mean what an editor shows as line 4."""
    path = tmp_path / "blank.ndjson"
    path.write_bytes(b'\n{"id":"a"}\r\n  \t\n{"id":"b"}')
    assert read(path) == [FileRecord(2, b'{"id":"a"}'), FileRecord(4, b'{"id":"b"}')]


def test_a_byte_order_mark_is_no_part_of_the_first_record(tmp_path: Path) -> None:
    """Windows programs write one, and the first event would be malformed JSON."""
    ndjson = write_lines(tmp_path / "bom.ndjson", b'\xef\xbb\xbf{"id":"a"}')
    assert read(ndjson) == [FileRecord(1, b'{"id":"a"}')]
    table = write_lines(tmp_path / "bom.csv", b"\xef\xbb\xbfid,type,customer_id,time", b"a,signup,c,t")
    assert objects(read(table))[0]["id"] == "a"


def test_a_line_without_end_is_cut_instead_of_filling_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without line ends is a mistake that must cost one dead letter, not the machine."""
    monkeypatch.setattr(reader, "LONGEST_LINE_BYTES", 8)
    path = write_lines(tmp_path / "long.ndjson", b"1234567", b"12345678", b"x" * 100, b"z")
    assert [record.value for record in read(path)] == [b"1234567", b"12345678", b"x" * 8, b"z"]
    assert [record.number for record in read(path)] == [1, 2, 3, 4]


def test_rows_of_csv_that_cannot_be_read_are_passed_on_as_they_stand(tmp_path: Path) -> None:
    """A row with a cell too many, broken quotes or another encoding is refused with a reason, and the rest counts."""
    header = b"id,type,customer_id,time,plan"
    bad = (b"a,signup,c,t,pro,more", b"a,signup,c", b'a,"sign"up,c,t,pro', b"a,signup,Z\xfcrich,t,pro")
    path = write_lines(tmp_path / "bad.csv", header, *bad, b",,,,", b"", b'b,signup,c,t,"two', b'lines"')
    *refused, last = read(path)
    assert [(record.number, record.value) for record in refused] == list(enumerate(bad, 2))
    assert [record.fault.split(";")[0] for record in refused] == [
        "it has 6 cells, and the header 5",
        "it has 3 cells, and the header 5",
        "its quotes do not say where cells end",
        "it is not UTF-8",
    ]
    assert last.number == 8
    assert json.loads(last.value) == {
        "id": "b",
        "type": "signup",
        "customer_id": "c",
        "time": "t",
        "plan": "two\nlines",
    }


@pytest.mark.parametrize("rows", [5, 10_000])
def test_a_quote_that_is_never_closed_costs_its_line_alone(tmp_path: Path, rows: int) -> None:
    """One stray quote would hide all that follows it, up to the end of a short file, or csv's limit for a cell."""
    row = b"a,signup,c,2026-01-01T00:00:00Z"
    path = write_lines(tmp_path / "quote.csv", b"id,type,customer_id,time", row, b'b,signup,"c,t', *[row] * rows)
    first, refused, *others = read(path)
    assert refused[:2] == (3, b'b,signup,"c,t')
    assert [record.number for record in others] == list(range(4, rows + 4))
    assert {record.value for record in others} == {first.value}


def test_a_quote_that_another_row_would_close_costs_its_line_alone(tmp_path: Path) -> None:
    """Where other rows have quotes, the next one ends the stray one's cell, and what stands between is no cell."""
    good = b'b,signup,"c, d",t'
    path = write_lines(tmp_path / "quote.csv", b"id,type,customer_id,time", b'a,signup,"c,t', good, b'a,signup,c,"t')
    records = read(path)
    assert [records[0][:2], records[2][:2]] == [(2, b'a,signup,"c,t'), (4, b'a,signup,c,"t')]
    assert json.loads(records[1].value)["customer_id"] == "c, d"


def test_no_line_of_a_table_is_read_more_often_than_it_has_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all lines have lost their outer quotes, each would be read as a cell of all before it: that takes hours."""
    count, original = 1_000, csv.reader
    made = []

    def counted(*given: Any, **options: Any) -> Any:
        made.append(given)
        return original(*given, **options)

    monkeypatch.setattr(csv, "reader", counted)
    path = write_lines(tmp_path / "quotes.csv", b"id,type,customer_id,time", *[b'a","signup","c","t'] * count)
    assert len(read(path)) == count
    assert count < len(made) < 4 * count


@pytest.mark.parametrize(
    ("member", "cell", "expected"),
    [
        ("mrr_minor", "4900", 4900),
        ("mrr_minor", "4900.0", "4900.0"),
        ("mrr_minor", "4900.50", "4900.50"),
        ("amount_minor", "49.", "49."),
        ("score", "9.0", 9),
        ("mrr_minor", " 4900 ", 4900),
        ("mrr_minor", "49.5", "49.5"),
        ("mrr_minor", "free", "free"),
        ("mrr_minor", "9" * 30, "9" * 30),
        ("sequence", "-3", -3),
        ("involuntary", "True", True),
        ("involuntary", "0", False),
        ("involuntary", "t", True),
        ("completed", "F", False),
        ("involuntary", "perhaps", "perhaps"),
        ("channel", "NULL", None),
        ("channel", "\\N", None),
        ("channel", "null", "null"),
        ("plan", "2024", "2024"),
        ("plan", " pro", " pro"),
    ],
)
def test_cells_become_what_their_member_is_or_stay_text(
    tmp_path: Path, member: str, cell: str, expected: object
) -> None:
    """A cell that is no integer must be refused as such, not guessed at, and a numeric plan is still a name."""
    header = f"id,type,customer_id,time,{member}".encode()
    path = write_lines(tmp_path / "cells.csv", header, f"a,signup,c,t,{cell}".encode())
    actual = objects(read(path))[0].get(member)
    assert (type(actual), actual) == (type(expected), expected)


def test_integer_and_boolean_members_are_those_of_the_event_structs() -> None:
    """The table's types follow from the events'; a new member must not need a second place to be typed."""
    by_amount = {"amount_minor", "interval_count", "quantity"}
    assert {"mrr_minor", "score", "sequence"} | by_amount == INTEGER_MEMBERS
    assert {"involuntary", "completed", "test", "trial", "incentive"} == BOOLEAN_MEMBERS
    assert {"time", "effective_at", "until"} == INSTANT_MEMBERS


def test_parquet_columns_that_went_through_pandas_are_read_as_what_they_were(tmp_path: Path) -> None:
    """Gaps make pandas turn integers and booleans into floats, and ids that look like numbers into integers."""
    path = write_parquet(
        tmp_path / "pandas.parquet",
        score=[9.0, float("nan"), float("nan"), 9.5],
        involuntary=[None, None, 0.0, 1.0],
        customer_id=[42, 42, 43, 44],
        time=pa.array([1_772_359_200_123_456_789] * 4, pa.timestamp("ns", "UTC")),
    )
    events = objects(read(path))
    assert [event.get("score") for event in events] == [9, None, None, 9.5]
    assert [event.get("involuntary") for event in events] == [None, None, False, True]
    assert [event["customer_id"] for event in events] == ["42", "42", "43", "44"]
    assert events[0]["time"] == "2026-03-01T10:00:00.123456Z"


def test_instants_in_parquet_become_utc_whatever_their_zone_and_unit(tmp_path: Path) -> None:
    """The zone of a Parquet column says how to show an instant, not which one it is."""
    instant = datetime(2026, 3, 1, 10, tzinfo=UTC)
    for kind in (pa.timestamp("s", "+02:00"), pa.timestamp("ms", "Europe/Bucharest"), pa.timestamp("us", "UTC")):
        path = write_parquet(tmp_path / "zones.parquet", time=pa.array([instant] * 4, kind))
        assert {event["time"] for event in objects(read(path))} == {"2026-03-01T10:00:00Z"}
    far = write_parquet(tmp_path / "far.parquet", time=pa.array([10**18] * 4, pa.timestamp("us", "UTC")))
    assert objects(read(far))[0]["time"] == str(10**18)


def test_parquet_columns_without_a_zone_hold_local_times(tmp_path: Path) -> None:
    """That they are UTC is a guess; a month's last evening would be counted in the next one."""
    naive = datetime(2026, 3, 1, 0, 30)  # noqa: DTZ001 - that is what is tested
    days = write_parquet(tmp_path / "days.parquet", time=pa.array([naive.date()] * 4))
    times = write_parquet(tmp_path / "times.parquet", time=pa.array([naive] * 4, pa.timestamp("s")))
    assert [objects(read(path))[0]["time"] for path in (days, times)] == ["2026-03-01T00:00:00", "2026-03-01T00:30:00"]
    there = Notation(time_zone=ZoneInfo("Europe/Bucharest"))
    assert objects(read(days, there))[0]["time"] == "2026-02-28T22:00:00Z"
    assert objects(read(times, there))[0]["time"] == "2026-02-28T22:30:00Z"


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not everybody has it: who needs it must not have to read a traceback."""
    path = write_parquet(tmp_path / "events.parquet")

    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match="pip install pyarrow"):
        read(path)


def test_standard_input_is_ndjson_and_compressed_is_fine() -> None:
    """`zcat` is one program that nobody needs to know of."""
    content = b'{"id":"a"}\n{"id":"b"}\n'
    for given in (content, gzip.compress(content, mtime=0)):
        file = EventFile("-", standard_input=io.BytesIO(given))
        assert [record.value for record in file.records()] == content.split()
        assert (file.total_bytes, file.bytes_read) == (None, len(given))


def test_a_pipe_hands_over_each_line_as_soon_as_it_is_written(tmp_path: Path) -> None:
    """`tail -f | tenure publish -` has to publish now, not when a buffer is full."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    first_was_read = threading.Event()
    got_it_in_time = []

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            pipe.write(b'{"id":"a"}\n')
            got_it_in_time.append(first_was_read.wait(20))
            pipe.write(b'{"id":"b"}\n')

    writer = threading.Thread(target=write)
    writer.start()
    values = []
    for record in EventFile(str(path)).records():
        values.append(record.value)
        first_was_read.set()
    writer.join()
    assert (got_it_in_time, values) == ([True], [b'{"id":"a"}', b'{"id":"b"}'])


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    """A progress bar that ends at 97 % makes people wait."""
    lines = [json.dumps(event).encode() for event in EVENTS] * 30_000
    plain = write_lines(tmp_path / "events.ndjson", *lines)
    compressed = tmp_path / "events.ndjson.gz"
    compressed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    for path in (plain, compressed, write_csv(tmp_path / "a.csv"), write_parquet(tmp_path / "a.parquet")):
        file = EventFile(str(path))
        seen = []
        for place, _ in enumerate(file.records()):
            if place % 10_000 == 0:
                seen.append(file.bytes_read)
        assert seen == sorted(seen)
        assert file.bytes_read == file.total_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("missing.ndjson", None, "there is no such file"),
        ("events.xlsx", b"PK", "say --format ndjson or csv or parquet"),
        ("events", b"{}", "say --format"),
        ("utf16.ndjson", b"\xff\xfe{\x00", "save it as UTF-8"),
        ("empty.csv", b"", "the first row of CSV names the columns"),
        ("header.csv", b"id,kind\n", "the column 'type' is missing"),
        ("twice.csv", b"id,type,customer_id,time,id\n", "two columns are named 'id'"),
        ("latin.csv", b"id,type,customer_id,time,Z\xfcrich\n", "not UTF-8"),
        ("quote.csv", b'id,type,customer_id,"ti"me\n', "header row cannot be read"),
        ("cut.ndjson.gz", gzip.compress(b"{}\n" * 1000, mtime=0)[:-12], "damaged or cut off"),
        ("text.parquet", b"hello there", "cannot be read as Parquet"),
        ("csv.parquet", HEADER, "this looks like csv; say --format csv"),
        ("events.txt", HEADER, "which looks like csv; say --format csv"),
        ("events.log", b'{"id":"a"}', "which looks like ndjson; say --format ndjson"),
        ("json.csv", b' {"id":"a"}', "this looks like JSON; say --format ndjson"),
        ("array.csv", b'[{"id":"a"}]', "this looks like JSON; say --format ndjson"),
        ("csv.json", HEADER, "this looks like CSV; say --format csv"),
        ("excel.xlsx", b"PK\x03\x04..xl/workbook.xml", "save it as CSV"),
        ("excel.csv", b"PK\x03\x04..[Content_Types].xml", "save it as CSV"),
        ("old.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
        ("zip.ndjson", b"PK\x03\x04..events.ndjson", "unpack it"),
        ("little.csv", HEADER.decode().encode("utf-16-le"), "looks like UTF-16"),
        ("big.csv", HEADER.decode().encode("utf-16-be"), "looks like UTF-16"),
        ("zstd.ndjson", b"\x28\xb5\x2f\xfd....", "zstd -dc FILE"),
        ("parquet.csv", b"PAR1....", "say --format parquet"),
        ("page.csv", b"<!DOCTYPE html>", "this is HTML or XML"),
        ("pretty.json", b'{\n  "id": "a",\n  "type": "signup"\n}\n', "jq -c . FILE"),
        ("wrapped.json", b'{"events": [\n{"id": "a"},\n{"id": "b"}]}\n', ".NAME[]"),
        ("cut.json", b'[{"id":"a"},\n{"id":', "it is cut off after 1 whole element;"),
        ("more.json", b'[{"id":"a"}]\n{"id":"b"}', "something else follows"),
        (
            "tar.csv.gz",
            gzip.compress(b"0" * 257 + b"ustar", mtime=0),
            "what the gzip archive holds cannot be read: this is a tar",
        ),
        ("export.tar.gz", gzip.compress(b"0" * 257 + b"ustar", mtime=0), "this is a tar archive"),
        ("utf16.csv.gz", gzip.compress(HEADER.decode().encode("utf-16"), mtime=0), "the text is UTF-16"),
        ("twice.csv.gz", gzip.compress(gzip.compress(HEADER, mtime=0), mtime=0), "compressed with gzip twice"),
        ("empty.parquet", b"", "cannot be read as Parquet"),
    ],
)
def test_files_that_cannot_be_read_are_refused_in_one_line_that_says_what_to_do(
    tmp_path: Path, name: str, content: bytes | None, advice: str
) -> None:
    """Whoever names a wrong file is one correction away from the right one, and no traceback helps with it."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert advice in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_wrong_format_are_refused(tmp_path: Path) -> None:
    """Both are slips on the command line."""
    with pytest.raises(InputError, match="this is a folder"):
        EventFile(str(tmp_path))
    with pytest.raises(UsageError, match="write ndjson, csv, parquet"):
        EventFile("-", Notation("xml"))
    with pytest.raises(InputError, match="cannot be read from a pipe"):
        EventFile("-", Notation("parquet"))


def test_the_format_can_be_said_where_the_name_does_not(tmp_path: Path) -> None:
    """Files come out of systems that give them names of their own."""
    assert objects(read(write_csv(tmp_path / "export.txt"), Notation("csv")))[0]["mrr_minor"] == 9900


MAJOR = Notation(money=MoneyForm.MAJOR)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("49", "", 4900),
        ("49.5", "usd", 4950),
        ("49.00", "USD", 4900),
        ("4900.", "USD", 490_000),
        ("500", "JPY", 500),
        ("500.0", "JPY", "500.0"),
        ("1.234", "kwd", 1234),
        ("1.234", "EUR", "1.234"),
        ("0.0001", "CLF", 1),
        ("-1.5", "USD", -150),
        ("1,000.00", "USD", "1,000.00"),
        ("$49", "USD", "$49"),
        ("4.9e1", "USD", "4.9e1"),
        ("9" * 19, "USD", "9" * 19),
    ],
)
def test_money_in_major_units_is_read_by_the_decimals_of_its_currency(
    tmp_path: Path, amount: str, currency: str, expected: object
) -> None:
    """A yen has no hundredths: 500 of them are not 50,000."""
    header = b"id,type,customer_id,time,amount_minor,currency"
    path = write_lines(tmp_path / "major.csv", header, f'a,signup,c,t,"{amount}",{currency}'.encode())
    actual = objects(read(path, MAJOR))[0]["amount_minor"]
    assert (type(actual), actual) == (type(expected), expected)


def test_currency_of_rows_without_one_is_the_default_one(tmp_path: Path) -> None:
    """A shop in Tokyo writes its currency nowhere."""
    path = write_lines(tmp_path / "yen.csv", b"id,type,customer_id,time,mrr_minor", b"a,signup,c,t,500")
    assert objects(read(path, MAJOR._replace(default_currency="JPY")))[0]["mrr_minor"] == 500
    assert objects(read(path, MAJOR))[0]["mrr_minor"] == 50_000


@pytest.mark.parametrize(
    ("json_number", "expected"),
    [
        ("49", 4900),
        ("49.50", 4950),
        ("4.9e1", 4900),
        ("49.000", 4900),
        ("0.29", 29),
        ("49.005", "49.005"),
        ("1e400", float("inf")),
        ('"49.00"', "49.00"),
        ("null", None),
    ],
)
def test_numbers_of_ndjson_are_read_as_major_units_exactly(tmp_path: Path, json_number: str, expected: object) -> None:
    """As floats, 0.29 dollars are 28 cents; a text is no number, and is left to be refused."""
    line = f'{{"id":"a","mrr_minor":{json_number},"x":[1.50]}}'
    path = write_lines(tmp_path / "major.ndjson", line.encode())
    (record,) = read(path, MAJOR)
    assert json.loads(record.value) == {"id": "a", "mrr_minor": expected, "x": [1.5]}
    assert read(path)[0].value == line.encode()


def test_parquet_columns_whose_type_has_decimals_hold_no_minor_units(tmp_path: Path) -> None:
    """Of 4900.0 in such a column nobody knows what it is; each value is refused, or read as the user says."""
    amounts = [Decimal("49.00"), None, Decimal("49.50"), Decimal("4900.00")]
    for kind in (pa.float64(), pa.float32(), pa.decimal128(12, 2), pa.decimal128(18, 4)):
        column = pa.array(amounts, pa.decimal128(12, 2)).cast(kind)
        path = write_parquet(tmp_path / "decimals.parquet", mrr_minor=column)
        minor = [event.get("mrr_minor") for event in objects(read(path))]
        assert [amount if amount is None else (type(amount), "." in amount) for amount in minor] == [
            (str, True), None, (str, True), (str, True),
        ]  # fmt: skip
        assert [event.get("mrr_minor") for event in objects(read(path, MAJOR))] == [4900, None, 4950, 490_000]
    for kind in (pa.int64(), pa.decimal128(12, 0)):
        path = write_parquet(tmp_path / "integers.parquet", mrr_minor=pa.array([4900] * 4, kind))
        assert {event["mrr_minor"] for event in objects(read(path))} == {4900}
        assert {event["mrr_minor"] for event in objects(read(path, MAJOR))} == {490_000}
    too_fine = write_parquet(tmp_path / "fine.parquet", mrr_minor=[49.005] * 4)
    assert {event["mrr_minor"] for event in objects(read(too_fine, MAJOR))} == {"49.005"}


BUCHAREST = Notation(time_zone=ZoneInfo("Europe/Bucharest"))
SECONDS, MILLISECONDS = Notation(time=TimeForm.EPOCH_S), Notation(time=TimeForm.EPOCH_MS)


@pytest.mark.parametrize(
    ("text", "notation", "expected"),
    [
        ("2026-01-05 09:00:00", BUCHAREST, "2026-01-05T07:00:00Z"),
        ("2026-07-05T09:00:00.123456789", BUCHAREST, "2026-07-05T06:00:00.123456Z"),
        ("2026-01-05 09:00", BUCHAREST, "2026-01-05T07:00:00Z"),
        ("2026-01-05", BUCHAREST, "2026-01-04T22:00:00Z"),
        ("2026-10-25 03:30:00", BUCHAREST, "2026-10-25T00:30:00Z"),
        ("2026-03-29 03:30:00", BUCHAREST, "2026-03-29T01:30:00Z"),
        ("2026-12-31 23:59:60", BUCHAREST, "2026-12-31T22:00:00Z"),
        ("2026-01-05 09:00:00+00", BUCHAREST, "2026-01-05 09:00:00+00"),
        ("2026-01-05T09:00:00Z", BUCHAREST, "2026-01-05T09:00:00Z"),
        ("2026-02-30 09:00:00", BUCHAREST, "2026-02-30 09:00:00"),
        ("0001-01-01 00:00:00", BUCHAREST, "0001-01-01 00:00:00"),
        ("2026-01-05 09:00:00", Notation(), "2026-01-05 09:00:00"),
        ("1767607200", Notation(), "1767607200"),
        ("1767607200", SECONDS, "2026-01-05T10:00:00Z"),
        ("1767607200.1234567", SECONDS, "2026-01-05T10:00:00.123456Z"),
        ("1767607200.29", SECONDS, "2026-01-05T10:00:00.290000Z"),
        ("1767607200123", MILLISECONDS, "2026-01-05T10:00:00.123000Z"),
        ("1767607200123.4567", MILLISECONDS, "2026-01-05T10:00:00.123456Z"),
        ("-0.0000001", SECONDS, "1969-12-31T23:59:59.999999Z"),
        ("1.7676E+09", SECONDS, "1.7676E+09"),
        ("999999999999999999", SECONDS, "999999999999999999"),
        ("2026-01-05T09:00:00Z", SECONDS, "2026-01-05T09:00:00Z"),
    ],
)
def test_times_are_read_as_the_user_says_that_they_are_written(
    tmp_path: Path, text: str, notation: Notation, expected: str
) -> None:
    """What a database writes has no zone, or is a number: the file does not say which, and a guess moves months."""
    path = write_lines(tmp_path / "times.csv", HEADER.strip(), f"a,cancel,c,{text}".encode())
    assert objects(read(path, notation))[0]["time"] == expected
    ndjson = write_lines(tmp_path / "times.ndjson", json.dumps({"id": "a", "effective_at": text}).encode())
    assert objects(read(ndjson, notation))[0]["effective_at"] == expected


def test_numbers_of_ndjson_and_parquet_may_be_epochs(tmp_path: Path) -> None:
    """Most systems keep times as numbers, and write them so."""
    path = write_lines(
        tmp_path / "a.ndjson", b'{"time":1767607200.25}', b'{"time":1.7676072e9}', b'{"time":"1767607200"}'
    )
    times = [event["time"] for event in objects(read(path, SECONDS))]
    assert times == ["2026-01-05T10:00:00.250000Z", "2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"]
    for kind in (pa.int64(), pa.float64(), pa.decimal128(22, 3)):
        table = write_parquet(tmp_path / "a.parquet", time=pa.array([1_767_607_200] * 4).cast(kind))
        assert {event["time"] for event in objects(read(table, SECONDS))} == {"2026-01-05T10:00:00Z"}


def test_envelope_of_a_cloud_event_has_the_time_and_its_data_the_money(tmp_path: Path) -> None:
    """They lie at two depths."""
    line = b'{"specversion":"1.0","time":1767607200,"data":{"mrr_minor":49.5,"effective_at":1767607200}}'
    path = write_lines(tmp_path / "cloud.ndjson", line)
    assert objects(read(path, MAJOR._replace(time=TimeForm.EPOCH_S)))[0] == {
        "specversion": "1.0",
        "time": "2026-01-05T10:00:00Z",
        "data": {"mrr_minor": 4950, "effective_at": "2026-01-05T10:00:00Z"},
    }


def test_first_line_of_excel_names_the_delimiter(tmp_path: Path) -> None:
    """Excel writes it where its user's language has decimal commas; it is no header."""
    for line, delimiter in ((b"\xef\xbb\xbfsep=;\r", ";"), (b'"sep=|"', "|"), (b"SEP=\t", "\t")):
        rows = [row.replace(",", delimiter).encode() for row in ("id,type,customer_id,time,plan", 'a,signup,c,t,"x,y"')]
        path = write_lines(tmp_path / "excel.csv", line, *rows)
        (record,) = read(path)
        assert record.number == 3
        assert json.loads(record.value)["plan"] == f"x{delimiter}y"


@pytest.mark.parametrize("compressed", [False, True])
def test_lines_may_end_as_on_old_macs(tmp_path: Path, compressed: bool) -> None:
    """Some programs for the Mac write them to this day; the whole file would be one line."""
    content = HEADER.replace(b"\n", b"\r") + b"a,signup,c,t\rb,signup,c,t\r\r\nc,signup,c,t"
    path = tmp_path / ("mac.csv.gz" if compressed else "mac.csv")
    path.write_bytes(gzip.compress(content, mtime=0) if compressed else content)
    assert [(record.number, json.loads(record.value)["id"]) for record in read(path)] == [(2, "a"), (3, "b"), (5, "c")]


def test_return_at_the_end_of_one_read_and_feed_at_the_start_of_the_next_are_one_end() -> None:
    """A file is read in pieces, and where they end is chance."""
    content = HEADER.replace(b"\n", b"\r") + b"a,signup,c,t\r\nb,signup,c,t\r"
    for size in range(1, 40):
        lines = reader._PlainLines(io.BufferedReader(io.BytesIO(content), size))
        assert io.BufferedReader(lines, size).read() == HEADER + b"a,signup,c,t\nb,signup,c,t\n"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'{"type":"signup","customer_id":"c"}', ("c", "signup")),
        (b'{"type":"signup","customer_id":7}', ("7", "signup")),
        (b'{"type":"signup","customer_id":true}', (None, "signup")),
        (b'{"customer_id":"c","type":null}', ("c", None)),
        (b'{"customer_id":"c"', (None, None)),
        (b"[1]", (None, None)),
        (b"", (None, None)),
        (b"\xff\xfe", (None, None)),
        (b'{"customer_id":"Z\xfcrich"}', (None, None)),
        (b"[" * 100_000, (None, None)),
        (b'{"specversion":"1.0","type":"com.example.signup","subject":"s"}', ("s", "signup")),
        (b'{"specversion":"1.0","type":"x.cancel","subject":"s","data":{"customer_id":"c"}}', ("c", "cancel")),
        (b'{"subject":"s","type":"com.example.signup"}', (None, "com.example.signup")),
    ],
)
def test_key_and_type_are_read_without_judging_the_event(value: bytes, expected: tuple[str | None, str | None]) -> None:
    """A record needs a key and a topic even when it will be refused, and finding them must never fail."""
    assert heading_of(value)[1:] == expected
