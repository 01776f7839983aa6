"""Rows of a query that DuckDB answers, as JSON objects, for adapters.

What the columns mean, the adapter knows. A query reads whatever DuckDB reads, such as several Parquet files, or a
database file of its own; DuckDB is only needed here and loaded only then.
For its user: docs/adapters/table.md.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from streams.errors import InputError
from tenure.files.parquet import rows_of_batch
from tenure.files.tables import FileRecord, check_names

_ROWS_A_BATCH: Final = 4096
_DATABASES: Final = (".duckdb", ".ddb", ".db")
#: What a query calls the file that is named beside it.
VIEW: Final = "file"
_INSTALL: Final = "pip install 'tenure[duckdb]'"


def query_rows(path: str, query: str) -> Iterator[FileRecord]:
    """Yield the rows that DuckDB answers a query with, as JSON objects of their cells; what has no value is left out.

    Args:
        path: A database file, a folder in which the files lie that the query names, or a file of CSV, Parquet or JSON,
            which the query calls `file`.
        query: SQL of DuckDB.

    Raises:
        InputError: The file or the query cannot be read.
    """
    try:
        duckdb: Any = importlib.import_module("duckdb")
        importlib.import_module("pyarrow")
    except ImportError as error:
        raise InputError(path, f"a query needs DuckDB and pyarrow, which are not installed: {_INSTALL}") from error
    number = 0
    try:
        with _connected(duckdb, path) as connection, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about speed, and nothing that a user can change
            reader = connection.execute(query).to_arrow_reader(_ROWS_A_BATCH)
            check_names(path, list(reader.schema.names))
            for batch in reader:
                for row in rows_of_batch(batch):
                    number += 1
                    yield FileRecord(number, row)
    except (duckdb.Error, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(path, f"the query cannot be answered: {reason}", number + 1 if number else None) from error


def _connected(duckdb: Any, path: str) -> Any:
    """Return a connection to a database file, read only, or to none, in whose place files are looked for in a folder.

    Nothing is fetched from elsewhere, and times are those of the table, whatever the time zone of this machine is.
    """
    file = Path(path)
    if not file.exists():
        raise InputError(path, "there is no such file or folder")
    config = {"TimeZone": "UTC", "autoinstall_known_extensions": False}
    if file.suffix.lower() in _DATABASES:
        return duckdb.connect(str(file), read_only=True, config=config)
    folder = file if file.is_dir() else file.parent
    connection = duckdb.connect(":memory:", config={**config, "file_search_path": str(folder.resolve())})
    if not file.is_dir():
        quoted = str(file.resolve()).replace("'", "''")
        connection.execute(f"CREATE VIEW {VIEW} AS SELECT * FROM '{quoted}'")  # noqa: S608 - its quotes are doubled
    return connection
