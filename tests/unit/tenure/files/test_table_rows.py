"""Rows of tables with any columns: of CSV, of Parquet and of a query the same rows, which an adapter reads alike."""

import datetime as dt
import importlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.adapters.registry import adapter_of
from streams.errors import InputError
from tenure.files.notation import Notation
from tenure.files.reader import EventFile
from tenure.files.tables import FileRecord

CSV = "Customer;Plan;MRR;Start;End\nanna;pro;49.00;2026-01-05;\nben;team;199.50;2026-01-06;2026-02-01\n"
TABLE = pa.table(
    {
        "customer": ["anna", "ben"],
        "plan": pa.array(["pro", "team"]).dictionary_encode(),
        "mrr": pa.array([Decimal("49.00"), Decimal("199.50")], pa.decimal128(10, 2)),
        "start": pa.array([dt.date(2026, 1, 5), dt.date(2026, 1, 6)]),
        "end": pa.array([None, dt.datetime(2026, 2, 1, tzinfo=dt.UTC)], pa.timestamp("us", tz="UTC")),
    }
)


def table_rows(path: str, query: str | None = None) -> Iterator[FileRecord]:
    """Return the rows of a file, or of a query."""
    return EventFile(path, Notation(query=query)).rows()


def objects_of(path: Path, query: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    return [msgspec.json.decode(record.value) for record in table_rows(str(path), query)]


def events_of(path: Path, query: str | None = None) -> list[object]:
    """Return what the adapter makes of the rows of a table."""
    adapter = adapter_of("table")
    found = [adapter.translate(record.value) for record in table_rows(str(path), query)]
    assert [each.refusal for each in found] == [None] * len(found)
    return [event for each in found for event in each.events]


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """The table as CSV."""
    path = tmp_path / "rows.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


@pytest.fixture
def parquet_file(tmp_path: Path) -> Path:
    """The same table as Parquet."""
    path = tmp_path / "rows.parquet"
    pq.write_table(TABLE, path)
    return path


def test_table_comes_to_the_same_events_from_csv_parquet_and_a_query(csv_file: Path, parquet_file: Path) -> None:
    """Which tool wrote an export is nothing that a customer did."""
    expected = events_of(csv_file)
    assert len(expected) == 3
    assert events_of(parquet_file) == expected
    assert events_of(parquet_file, "SELECT * FROM file") == expected
    assert events_of(parquet_file.parent, "SELECT * FROM 'rows.parquet'") == expected


def test_query_reads_a_database_file_and_writes_nothing_into_it(tmp_path: Path) -> None:
    """Somebody else's database is only looked at."""
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE subs AS SELECT 'anna' AS customer, 1::HUGEINT << 70 AS big, now() AS at")
    (row,) = objects_of(path, "SELECT customer, big, TIMESTAMPTZ '2026-01-05 09:00:00+02' AS at FROM subs")
    assert row == {"customer": "anna", "big": str(2**70), "at": "2026-01-05T07:00:00Z"}
    with pytest.raises(InputError, match="read-only"):
        objects_of(path, "CREATE TABLE t AS SELECT 1")


def test_cells_keep_their_digits_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    """A float that is written with fifteen decimals, or an id that loses its zeros, is another one."""
    path = tmp_path / "rows.parquet"
    columns = {"id": ["007"], "price": [49.1], "none": pa.array([None], pa.string()), "nan": [float("nan")]}
    pq.write_table(pa.table(columns), path)
    assert next(table_rows(str(path))).value == b'{"id":"007","price":49.1}'
    text = tmp_path / "rows.csv"
    text.write_text("id,price,,\n007,,x,\nNULL,\\N,,\n", encoding="utf-8")
    assert objects_of(text) == [{"id": "007"}, {}]


def test_row_that_cannot_be_read_is_passed_on_with_its_fault(tmp_path: Path) -> None:
    """It becomes a dead letter of its own, and the other rows are read."""
    path = tmp_path / "rows.csv"
    path.write_text("customer,plan\nanna,pro,surplus\nben,team\n", encoding="utf-8")
    faulty, good = table_rows(str(path))
    assert faulty.fault == "it has 3 cells, and the header 2"
    assert (good.number, good.fault) == (3, "")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECTT 1", "the query cannot be answered: Parser Error"),
        ("SELECT * FROM nowhere", "the query cannot be answered: Catalog Error"),
        ("SELECT 1 AS a, 2 AS a", "two columns are named 'a'"),
    ],
    ids=["syntax", "table", "names"],
)
def test_query_that_cannot_be_answered_says_why(parquet_file: Path, query: str, said: str) -> None:
    """SQL is written by hand, and DuckDB says well what is wrong with it."""
    with pytest.raises(InputError, match=said):
        objects_of(parquet_file, query)


def test_missing_file_and_missing_duckdb_are_told_apart(parquet_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one is mended by a name, the other by an installation."""
    with pytest.raises(InputError, match="there is no such file or folder"):
        objects_of(parquet_file.with_name("other.parquet"), "SELECT 1")

    def without_duckdb(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", without_duckdb)
    with pytest.raises(InputError, match=r"pip install 'tenure\[duckdb\]'"):
        objects_of(parquet_file, "SELECT 1")
