"""SQL over the tables of a stream, or of a file that is replayed: what `tenure sql` answers.

DuckDB answers, in memory, with copies of the relations that a query names. A query reads nothing else: no file, no
network, no variable of the environment; and it is one SELECT. The relations: `schemas.relations` and docs/sql.md.
"""

from __future__ import annotations

import datetime as dt
import decimal
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from kpis.instants import instant_text
from schemas.documents.sql import SqlAnswer, SqlColumn
from schemas.instants import EPOCH
from schemas.relations import OF_COUNTERS, OF_CUSTOMERS, RELATIONS
from streams.errors import UsageError
from streams.settings.settings import Settings
from tenure.outlets.arrow_tables import ArrowRows, module_of_extra
from tenure.outlets.reading import columns_of_relation, rows_of_counters, rows_of_customers
from tenure.reports.customers import Scope, Source, lacking, open_source

_EXTRA: Final = "duckdb"
_WORD: Final = re.compile(r"[a-z_0-9]+")
_LOCKED: Final = (
    "SET temp_directory=''",
    "SET enable_external_access=false",
    "SET python_enable_replacements=false",
    "SET autoinstall_known_extensions=false",
    "SET autoload_known_extensions=false",
    "SET lock_configuration=true",
)


class SqlQuery(NamedTuple):
    """A query that was looked at.

    Attributes:
        text: One SELECT.
        relations: Those that it names.
        limit: Rows of the answer at most (count).
    """

    text: str
    relations: frozenset[str]
    limit: int


def checked_sql(text: str, limit: int) -> SqlQuery:
    """Return a query that may be answered.

    Args:
        text: SQL of DuckDB.
        limit: Rows at most (count).

    Raises:
        UsageError: DuckDB is not installed, or cannot read it; or it is not one SELECT.
    """
    duckdb = module_of_extra("duckdb", _EXTRA)
    with duckdb.connect(":memory:") as connection:
        try:
            statements = connection.extract_statements(text)
            kinds = [statement.type for statement in statements]
            if kinds != [duckdb.StatementType.SELECT]:
                raise UsageError("the query is not one SELECT; nothing can be changed here, only read")
        except duckdb.Error as error:
            raise _refused(error) from error
    # Whatever is spelled as a relation is read: DuckDB's own list of tables fails at joins of named queries.
    return SqlQuery(text, frozenset(set(_WORD.findall(text.lower())) & RELATIONS.keys()), limit)


async def answer_sql(settings: Settings, scope: Scope, query: SqlQuery, *, seconds: float | None = None) -> SqlAnswer:
    """Return the answer to a query, of the running stream or of a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Of which of the two, and as of when.
        query: What `checked_sql` returns.
        seconds: How long DuckDB may take; None: as long as it does.

    Raises:
        UsageError: DuckDB refuses the query, or takes too long.
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`.
    """
    async with open_source(settings, scope) as source:
        tables = await relation_tables(source, query.relations)
        return lacking(run_sql(settings, tables, query, as_of=instant_text(source.at_ms), seconds=seconds), source)


async def relation_tables(source: Source, relations: frozenset[str]) -> dict[str, Any]:
    """Return tables of Arrow, by the name of the relation."""
    found = {name: ArrowRows(columns_of_relation(RELATIONS[name], source.settings), zoned=False) for name in relations}
    of_customers = [each.name for each in OF_CUSTOMERS if each.name in relations]
    if of_customers:
        async for part in rows_of_customers(source, of_customers):
            found[part.relation].take(part.rows)
    if relations & {each.name for each in OF_COUNTERS}:
        async for part in rows_of_counters(source, relations):
            found[part.relation].take(part.rows)
    return {name: rows.table() for name, rows in found.items()}


def run_sql(
    settings: Settings, tables: dict[str, Any], query: SqlQuery, *, as_of: str, seconds: float | None = None
) -> SqlAnswer:
    """Return DuckDB's answer.

    Args:
        settings: They name the dimensions.
        tables: Of the relations that the query names; where it names none, all are there without rows.
        query: What is asked.
        as_of: T.
        seconds: How long it may take; None: as long as it does.

    Raises:
        UsageError: DuckDB refuses the query, or takes too long.
    """
    duckdb = module_of_extra("duckdb", _EXTRA)
    with duckdb.connect(":memory:") as connection:
        _lay_out(connection, settings, tables)
        try:
            with _interrupted(connection, seconds):
                result = connection.execute(query.text)
                rows = result.fetchmany(query.limit + 1)
            columns = [SqlColumn(name=str(each[0]), type=str(each[1]).lower()) for each in result.description or ()]
        except duckdb.InterruptException as error:
            raise UsageError(f"the query takes longer than {seconds:g} s; ask for less") from error
        except duckdb.Error as error:
            raise _refused(error) from error
    shown = [[_plain(value) for value in row] for row in rows[: query.limit]]
    return SqlAnswer(as_of=as_of, columns=columns, rows=shown, truncated=len(rows) > query.limit)


def _lay_out(connection: Any, settings: Settings, tables: dict[str, Any]) -> None:
    """Make the relations that have a table, or all of them empty; the connection can read nothing else from then on."""
    for name in tables or RELATIONS:
        table = tables.get(name)
        if table is None:
            table = ArrowRows(columns_of_relation(RELATIONS[name], settings), zoned=False).table()
        connection.register("given", table)
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')  # noqa: S608 - a name of ours
        connection.unregister("given")
    for line in _LOCKED:
        connection.execute(line)


@contextmanager
def _interrupted(connection: Any, seconds: float | None) -> Iterator[None]:
    """Interrupt what a connection does in a block once it takes too long."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _refused(error: Exception) -> UsageError:
    text = " ".join(str(error).split())
    if "disabled by configuration" in text:
        return UsageError(
            f"the query reads something beside the relations of docs/sql.md, which is not allowed: {text}"
        )
    return UsageError(f"the query cannot be answered: {text}")


def _plain(value: Any) -> str | int | float | bool | None:
    """Return a value as JSON has it; instants in UTC, what has no form there as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dt.datetime):
        in_utc = value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value
        return instant_text((in_utc - EPOCH) // dt.timedelta(milliseconds=1))
    if isinstance(value, float | decimal.Decimal):
        number = float(value)
        return number if number - number == 0 else None
    return str(value)
