"""Export into PostgreSQL: a table for each relation, with a primary key, in a schema of its own.

Some customers at a time are replaced in one transaction, their digests with them: a kill leaves each as it was or as it
is. An advisory lock keeps two exports from one schema. The connection string is a secret, and nothing of it is said.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import xxhash

from kpis.instants import instant_of
from schemas.instants import milliseconds
from schemas.relations import (
    CUSTOMER_ID,
    CUSTOMERS,
    HISTORY,
    MOVEMENTS,
    RELATIONS,
    RENEWALS,
    SUBSCRIPTIONS,
    SURVEYS,
    ColumnKind,
)
from streams.errors import ConfigurationError, Unavailable, UsageError
from tenure.outlets.arrow_tables import module_of_extra
from tenure.outlets.export import (
    DIGEST,
    DUE_AT,
    OF_EXPORT,
    ChangedCustomer,
    ExportHead,
    KnownCustomer,
    KnownPartition,
)
from tenure.outlets.reading import columns_of_relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from schemas.relations import RelationRow
    from streams.settings.settings import Settings

EXTRA: Final = "postgres"
SETTING: Final = "TENURE_EXPORT_POSTGRES"
DEFAULT_SCHEMA: Final = "tenure"
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TYPES: Final = {
    ColumnKind.TEXT: "text",
    ColumnKind.INTEGER: "bigint",
    ColumnKind.FLAG: "boolean",
    ColumnKind.FRACTION: "double precision",
    ColumnKind.INSTANT: "timestamptz",
}
_KEYS: Final = {
    CUSTOMERS.name: (CUSTOMER_ID,),
    SUBSCRIPTIONS.name: (CUSTOMER_ID, "subscription_id"),
    HISTORY.name: (CUSTOMER_ID, "from_at"),
    MOVEMENTS.name: (CUSTOMER_ID, "bucket_at", "place"),
    SURVEYS.name: (CUSTOMER_ID, "survey_key"),
    RENEWALS.name: (CUSTOMER_ID, "renewal_key"),
}
_SECRETS: Final = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""The options of libpq that others must not see; paths of files with secrets are none."""
_SHOWN: Final = ("host", "hostaddr", "port", "dbname")
"""Those that messages name."""
_STATE: Final = f"{DIGEST} bigint NOT NULL, {DUE_AT} timestamptz"
_HEADS: Final = {
    "exports": (
        "CREATE TABLE exports (one boolean PRIMARY KEY DEFAULT true CHECK (one), stream text NOT NULL,"
        " meaning text NOT NULL, as_of timestamptz NOT NULL)"
    ),
    "export_partitions": "CREATE TABLE export_partitions (partition bigint PRIMARY KEY, numbering text NOT NULL)",
}


def check_schema(name: str) -> str:
    """Return the name of a schema.

    Raises:
        UsageError: It needs quotes, or is none.
    """
    if _SCHEMA.fullmatch(name) is None:
        raise UsageError(f"--schema {name}: use lower-case letters, digits and underscores, 63 at most")
    return name


def checked_dsn(argument: str | None, setting: str | None) -> str:
    """Return the connection string.

    Args:
        argument: As the command was given it; a password in it is seen in the list of processes.
        setting: As the settings have it.

    Raises:
        UsageError: There is none, or the argument holds a secret, or it cannot be read.
    """
    conninfo = module_of_extra("psycopg.conninfo", EXTRA)
    psycopg = module_of_extra("psycopg", EXTRA)
    given = argument or setting
    if not given:
        raise UsageError(f"where to is not said; give a connection string without a password, or set {SETTING}")
    named = "the connection string" if argument else SETTING
    try:
        parts = conninfo.conninfo_to_dict(given)
    except psycopg.Error:
        raise UsageError(f"{named} cannot be read; write for example postgresql://user@host/database") from None
    if "://" in given and any("@" in str(parts.get(name, "")) for name in _SHOWN):
        # What libpq takes for a host or a database is then the end of a password, and its messages would show that.
        raise UsageError(f"{named} has an @ behind the user; in a password write %40 for @, %2F for / and %3A for :")
    held = [name for name in _SECRETS if name in parts]
    if argument and held:
        raise UsageError(
            f"{named} holds a {held[0]}, which others see in the list of processes; set {SETTING}, or its file, instead"
        )
    return given


class PostgresTarget:
    """A schema of a PostgreSQL database.

    Args:
        dsn: As libpq reads it.
        schema: Is made where it is missing.
        settings: They name the dimensions.
    """

    def __init__(self, dsn: str, schema: str, settings: Settings) -> None:
        self._psycopg = module_of_extra("psycopg", EXTRA)
        self._dsn = dsn
        self._schema = schema
        self._columns = {name: columns_of_relation(RELATIONS[name], settings) for name in OF_EXPORT}
        self._connection: Any = None

    def begin(self, head: ExportHead) -> ExportHead | None:
        """See `ExportTarget`.

        Raises:
            UsageError: Another export writes into the schema.
            Unavailable: PostgreSQL does not answer, or refuses.
        """
        with self._answering():
            self._connection = self._psycopg.connect(self._dsn, autocommit=True, application_name="tenure export")
            lock = xxhash.xxh3_64_intdigest(f"tenure export {self._schema}".encode()) - (1 << 63)
            (mine,) = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [lock]).fetchone()
            if not mine:
                raise UsageError(f"another export writes into the schema {self._schema}; wait until it has ended")
            with self._connection.transaction():
                self._make()
            found = self._connection.execute("SELECT stream, meaning, as_of FROM exports").fetchone()
            if found is None:
                self._connection.execute(
                    "INSERT INTO exports (stream, meaning, as_of) VALUES (%s, %s, to_timestamp(0))",
                    [head.stream, head.meaning],
                )
                return None
            return ExportHead(found[0], found[1], milliseconds(found[2]))

    def _make(self) -> None:
        """Make what is missing, and nothing else: an export into tables that are there needs no right to make any."""
        connection = self._connection
        (is_missing,) = connection.execute("SELECT to_regnamespace(%s) IS NULL", [self._schema]).fetchone()
        if is_missing:
            connection.execute(f'CREATE SCHEMA "{self._schema}"')
        connection.execute(f'SET search_path TO "{self._schema}"')
        for name, line in {**_HEADS, **{name: self._table(name) for name in OF_EXPORT}}.items():
            (is_missing,) = connection.execute("SELECT to_regclass(%s) IS NULL", [name]).fetchone()
            if is_missing:
                connection.execute(line)

    def _table(self, name: str) -> str:
        """Return the statement that makes a table; names of columns are ours or checked by the settings."""
        columns = ", ".join(
            f'"{each.name}" {_TYPES[each.kind]}{"" if each.nullable else " NOT NULL"}' for each in self._columns[name]
        )
        state = f", {_STATE}" if name == CUSTOMERS.name else ""
        return f"CREATE TABLE {name} ({columns}{state}, PRIMARY KEY ({', '.join(_KEYS[name])}))"

    def known(self, partition: int) -> KnownPartition:
        """See `ExportTarget`."""
        with self._answering():
            query = f"SELECT {CUSTOMER_ID}, {DIGEST}, {DUE_AT} FROM {CUSTOMERS.name} WHERE partition = %s"  # noqa: S608 - names of ours
            customers = {
                _back(each): KnownCustomer(digest, None if due is None else milliseconds(due))
                for each, digest, due in self._connection.execute(query, [partition])
            }
            query = "SELECT numbering FROM export_partitions WHERE partition = %s"
            found = self._connection.execute(query, [partition]).fetchone()
            return KnownPartition(customers, "" if found is None else found[0])

    def note_numbering(self, partition: int, numbering: str) -> None:
        """See `ExportTarget`."""
        with self._answering():
            self._connection.execute(
                "INSERT INTO export_partitions VALUES (%s, %s)"
                " ON CONFLICT (partition) DO UPDATE SET numbering = excluded.numbering",
                [partition, numbering],
            )

    def replace(self, partition: int, changed: Sequence[ChangedCustomer]) -> None:
        """See `ExportTarget`."""
        with self._answering(), self._connection.transaction():
            self._remove([each.customer_id for each in changed])
            for name in OF_EXPORT:
                kinds = [each.kind for each in self._columns[name]]
                is_whole = name == CUSTOMERS.name
                kinds += [ColumnKind.INTEGER, ColumnKind.INSTANT] if is_whole else []
                with self._connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
                    for each in changed:
                        for row in each.records.rows.get(name, ()):
                            copy.write_row(_values((*row, *each.known) if is_whole else row, kinds))

    def _remove(self, customers: Collection[str]) -> None:
        ids = [_text(each) for each in customers]
        for name in OF_EXPORT:
            self._connection.execute(f"DELETE FROM {name} WHERE {CUSTOMER_ID} = ANY(%s)", [ids])  # noqa: S608 - names of ours

    def finish_partition(self, partition: int, gone: Collection[str], numbering: str) -> None:
        """See `ExportTarget`."""
        with self._answering(), self._connection.transaction():
            if gone:
                self._remove(gone)
            self.note_numbering(partition, numbering)

    def finish(self, head: ExportHead) -> None:
        """See `ExportTarget`."""
        with self._answering():
            self._connection.execute("UPDATE exports SET as_of = %s", [instant_of(head.as_of_ms)])
        self.close()

    def close(self) -> None:
        """End the connection, and with it the lock."""
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Raise Unavailable or ConfigurationError for what PostgreSQL says; it names hosts and users, no passwords."""
        try:
            yield
        except self._psycopg.OperationalError as error:
            raise Unavailable("PostgreSQL", _line(error)) from None
        except self._psycopg.Error as error:
            raise ConfigurationError(SETTING, "****", f"PostgreSQL refuses: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _values(row: RelationRow, kinds: Sequence[ColumnKind]) -> list[Any]:
    return [_value(value, kind) for value, kind in zip(row, kinds, strict=True)]


def _value(value: Any, kind: ColumnKind) -> Any:
    if value is None:
        return None
    if kind is ColumnKind.INSTANT:
        return instant_of(value)
    return _text(value) if kind is ColumnKind.TEXT else value


_NULL: Final = "\N{SYMBOL FOR NULL}"


def _text(value: str) -> str:
    """Return a text without the character that PostgreSQL has no place for, such that no two become one."""
    if "\0" not in value and _NULL not in value:
        return value
    return value.replace(_NULL, _NULL * 2).replace("\0", f"{_NULL}0")


def _back(value: str) -> str:
    """Return what `_text` was given."""
    if _NULL not in value:
        return value
    return re.sub(f"{_NULL}(.)", lambda found: "\0" if found[1] == "0" else found[1], value, flags=re.DOTALL)
