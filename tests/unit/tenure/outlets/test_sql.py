"""Queries: they read the relations and nothing else, and what is wrong with one is said in a line."""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import threading
from pathlib import Path

import pytest

from schemas.documents.sql import SqlAnswer
from schemas.relations import RELATIONS
from streams.errors import UsageError
from streams.settings.settings import Settings
from tenure.outlets import arrow_tables
from tenure.outlets.reading import columns_of_relation
from tenure.outlets.sql import LIMITS, SqlLimits, answer_sql, checked_sql
from tenure.outlets.sql_text import write_answer
from tenure.reports.customers import Scope
from tests.recount.short_events import cancel, signup
from tests.unit.tenure.outlets.exported import file_of

SECRET = "nobody-may-read-this"
ENDLESS = "SELECT count(*) FROM range(100000000000) AS a, range(100000000000) AS b WHERE a.range + b.range = 7"


def asked(folder: Path, text: str, *, limit: int = 100, limits: SqlLimits | None = None) -> SqlAnswer:
    """Return the answer to a query over two customers."""
    file = file_of(folder, [signup("ada", "2026-01-01", "pro", 4900), signup("bob", "2026-01-02", "basic", 900),
                            cancel("bob", "2026-01-20", reason="price")])  # fmt: skip
    return asyncio.run(answer_sql(Settings(), Scope(file=str(file)), checked_sql(text, limit), limits=limits))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM read_parquet('http://127.0.0.1:1/x.parquet')",
        "SELECT * FROM settings",
        "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 'x')",
        "COPY customers TO '{folder}/out.csv'",
        "ATTACH '{folder}/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "CREATE TABLE mine AS SELECT 1",
        "DELETE FROM customers",
        "PRAGMA database_list",
        "SELECT 1; SELECT 2",
        "",
        "SELEC 1",
        "SELECT nothing FROM customers",
    ],
)
def test_query_that_reads_or_changes_anything_else_is_refused(text: str, tmp_path: Path) -> None:
    """It may come over HTTP, from somebody who may see numbers and nothing more."""
    file = tmp_path / "secret.txt"
    file.write_text(SECRET, encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(UsageError) as refused:
        asked(tmp_path, text.format(file=file, folder=tmp_path))
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {path.name for path in tmp_path.iterdir()} - before <= {"events.ndjson"}


def test_every_relation_has_the_columns_of_the_list(tmp_path: Path) -> None:
    """The page says which; those of a relation that the query does not name are there too."""
    for name, relation in RELATIONS.items():
        found = asked(tmp_path, f'SELECT * FROM "{name}" LIMIT 0')  # noqa: S608 - a name of ours
        assert [column.name for column in found.columns] == [
            column.name for column in columns_of_relation(relation, Settings())
        ]
    assert len(asked(tmp_path, "SHOW TABLES").rows) == len(RELATIONS)


def test_values_are_those_of_json(tmp_path: Path) -> None:
    """Instants are texts in UTC, and what is not finite is nothing."""
    text = "SELECT min(signed_up_at), sum(mrr), 1.5::DECIMAL(4,2), 'nan'::DOUBLE, [1], true FROM customers WHERE active"
    answer = asked(tmp_path, text)
    assert answer.rows == [["2026-01-01T00:00:00Z", 4900, 1.5, None, "[1]", True]]
    assert answer.as_of == "2026-01-20T01:00:00Z"


def test_relations_are_found_in_joins_and_in_what_has_a_name(tmp_path: Path) -> None:
    """Only those that a query names are read; one that is missed would be empty."""
    text = """WITH s AS (SELECT * FROM history WHERE active), e AS (SELECT * FROM main.customers)
              SELECT s.plan, count(e.customer_id) FROM s LEFT JOIN e USING (customer_id)
              WHERE EXISTS (SELECT 1 FROM "Movements" AS m WHERE m.customer_id = s.customer_id)
              GROUP BY ALL ORDER BY ALL"""
    assert checked_sql(text, 1).relations == {"history", "customers", "movements"}
    assert asked(tmp_path, text).rows == [["basic", 1], ["pro", 1]]


def test_answer_is_cut_at_the_limit_and_says_so(tmp_path: Path) -> None:
    """A million rows in a terminal help nobody."""
    assert asked(tmp_path, "SELECT customer_id FROM customers", limit=1).truncated
    assert not asked(tmp_path, "SELECT customer_id FROM customers", limit=2).truncated


def test_query_that_takes_too_long_is_interrupted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One that never ends must not hold a place of the API for ever, nor write a traceback into its log."""
    with pytest.raises(UsageError, match=r"takes longer than 0.2 s"):
        asked(tmp_path, ENDLESS, limits=LIMITS._replace(seconds=0.2))
    gc.collect()
    assert caplog.text == ""


async def test_query_of_who_is_cancelled_is_interrupted(tmp_path: Path) -> None:
    """A signal, or the limit of the API for all reports, ends it too; the thread has ended by then."""
    before = threading.active_count()
    file = file_of(tmp_path, [signup("ada", "2026-01-01", "pro", 4900)])
    answering = asyncio.create_task(answer_sql(Settings(), Scope(file=str(file)), checked_sql(ENDLESS, 1)))
    while threading.active_count() == before:
        await asyncio.sleep(0.01)
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT list(range) FROM range(200000000)", "more than 512 MiB beside the relations"),
        ("SELECT repeat('x', 9000000) FROM range(2)", "larger than 16,000,000 bytes"),
        ("SELECT range, repeat('x', 1600) FROM range(10001)", "larger than 16,000,000 bytes"),
    ],
)
def test_query_that_takes_too_much_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """One caller of the API must not take the memory of all others."""
    with pytest.raises(UsageError, match=said):
        asked(tmp_path, text, limit=20_000, limits=LIMITS)


def test_relations_count_beside_the_memory_of_a_query(tmp_path: Path) -> None:
    """A large stream needs more for its relations than a query may take."""
    small = LIMITS._replace(memory_mib=8, threads=1)
    assert asked(tmp_path, "SELECT count(*) FROM customers", limits=small).rows == [[2]]
    assert asked(tmp_path, "SELECT current_setting('threads')::INTEGER", limits=small).rows == [[1]]


def test_csv_holds_no_formula() -> None:
    """Names come from events."""
    output = io.StringIO()
    answer = SqlAnswer(as_of="", columns=[], rows=[["=cmd()", -1, None, True]], truncated=False)
    write_answer(answer, output)
    assert list(csv.reader(io.StringIO(output.getvalue())))[1] == ["'=cmd()", "-1", "", "true"]


def test_extra_that_is_not_installed_is_named() -> None:
    """DuckDB is not there for everybody."""
    with pytest.raises(UsageError, match=r"nosuchmodule is not installed; install tenure\[duckdb\]"):
        arrow_tables.module_of_extra("nosuchmodule", "duckdb")
