"""SQL over the tables of a stream, or of a file that is replayed: what `tenure sql` answers.

DuckDB answers, in memory, with copies of the relations that a query names. A query reads nothing else: no file, no
network, no variable of the environment; and it is one SELECT. The relations: `schemas.relations` and docs/sql.md.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import re
from functools import partial
from typing import Any, Final, NamedTuple

from kpis.instants import instant_text
from schemas.documents.sql import SqlAnswer, SqlColumn
from schemas.instants import EPOCH
from schemas.relations import OF_COUNTERS, OF_CUSTOMERS, RELATIONS
from streams.errors import UsageError
from streams.settings.settings import Settings
from streams.tasks import to_its_end
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
_ROWS_AT_ONCE: Final = 256
_UNTIL_INTERRUPTED_SECONDS: Final = 0.1


class SqlLimits(NamedTuple):
    """The limits of a query that others send.

    Attributes:
        seconds: How long DuckDB may take.
        memory_mib: What it may take beside the relations (MiB). Single values that it has in hand are not in it.
        threads: That work on it (count).
        answer_bytes: What the answer may come to as text (bytes).
    """

    seconds: float
    memory_mib: int
    threads: int
    answer_bytes: int


LIMITS: Final = SqlLimits(seconds=30.0, memory_mib=512, threads=2, answer_bytes=16_000_000)
"""Of a query that comes over HTTP, or from an assistant."""


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


async def answer_sql(
    settings: Settings, scope: Scope, query: SqlQuery, *, limits: SqlLimits | None = None
) -> SqlAnswer:
    """Return the answer to a query, of the running stream or of a file; who is cancelled interrupts DuckDB.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Of which of the two, and as of when.
        query: What `checked_sql` returns.
        limits: None: whatever this machine has, for whoever asks on it.

    Raises:
        UsageError: DuckDB refuses the query, or it goes beyond a limit.
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`.
    """
    duckdb = module_of_extra("duckdb", _EXTRA)
    async with open_source(settings, scope) as source:
        tables, as_of = await relation_tables(source, query.relations), instant_text(source.at_ms)
        with duckdb.connect(":memory:") as connection:
            running = asyncio.create_task(
                asyncio.to_thread(_run, connection, settings, tables, query, as_of, limits), name="duckdb"
            )
            try:
                await asyncio.wait([running], timeout=None if limits is None else limits.seconds)
                took_too_long = not running.done()
            finally:
                await to_its_end(partial(_ended, running, connection))
        if limits is not None and took_too_long:
            raise UsageError(f"the query takes longer than {limits.seconds:g} s; ask for less")
        return lacking(running.result(), source)


async def _ended(running: asyncio.Task[SqlAnswer], connection: Any) -> None:
    """Interrupt what a connection does until its thread has ended; between two statements it is not noticed."""
    while not running.done():
        connection.interrupt()
        await asyncio.wait([running], timeout=_UNTIL_INTERRUPTED_SECONDS)
    if not running.cancelled():
        running.exception()  # of what was interrupted nobody else asks


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


def _run(
    connection: Any, settings: Settings, tables: dict[str, Any], query: SqlQuery, as_of: str, limits: SqlLimits | None
) -> SqlAnswer:
    """Return DuckDB's answer; where the query names no relation, all are there without rows."""
    duckdb = module_of_extra("duckdb", _EXTRA)
    try:
        _lay_out(connection, settings, tables, limits)
        rows = _fetched(connection.execute(query.text), query.limit, limits)
    except duckdb.OutOfMemoryException as error:
        if limits is None:
            raise _refused(error) from error
        advice = f"the query takes more than {limits.memory_mib} MiB beside the relations; ask for less"
        raise UsageError(advice) from error
    except duckdb.Error as error:
        raise _refused(error) from error
    columns = [SqlColumn(name=str(each[0]), type=str(each[1]).lower()) for each in connection.description or ()]
    return SqlAnswer(as_of=as_of, columns=columns, rows=rows[: query.limit], truncated=len(rows) > query.limit)


def _fetched(result: Any, limit: int, limits: SqlLimits | None) -> list[list[str | int | float | bool | None]]:
    """Return the rows up to one more than the limit, as JSON has their values.

    Raises:
        UsageError: They are larger than an answer may be.
    """
    found: list[list[str | int | float | bool | None]] = []
    size = 0
    while len(found) <= limit:
        some = result.fetchmany(min(_ROWS_AT_ONCE, limit + 1 - len(found)))
        if not some:
            break
        rows = [[_plain(value) for value in row] for row in some]
        size += sum(len(value) if isinstance(value, str) else 8 for row in rows for value in row)
        if limits is not None and size > limits.answer_bytes:
            raise UsageError(
                f"the answer is larger than {limits.answer_bytes:,} bytes; ask for fewer rows, or shorter texts"
            )
        found += rows
    return found


def _lay_out(connection: Any, settings: Settings, tables: dict[str, Any], limits: SqlLimits | None) -> None:
    """Make the relations that have a table, or all of them empty; the connection can read nothing else from then on."""
    for name in tables or RELATIONS:
        table = tables.get(name)
        if table is None:
            table = ArrowRows(columns_of_relation(RELATIONS[name], settings), zoned=False).table()
        connection.register("given", table)
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM given')  # noqa: S608 - a name of ours
        connection.unregister("given")
    if limits is not None:
        (held,) = connection.execute("SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()").fetchone()
        connection.execute(f"SET memory_limit = '{(held >> 20) + limits.memory_mib}MiB'")
        connection.execute(f"SET threads = {limits.threads}")
    for line in _LOCKED:
        connection.execute(line)


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
