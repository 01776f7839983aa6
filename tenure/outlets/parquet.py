"""Export into a folder of Parquet files: one for each relation and partition, replaced as a whole.

A file is written beside, made durable, and renamed over the old one: a reader finds whole files at any time. The files
of customers, which hold the digests, are replaced last: after a kill the others are as new as they, or newer.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.relations import CUSTOMER_ID, CUSTOMERS, RELATIONS, Column, ColumnKind
from streams.errors import InputError, UsageError
from tenure.outlets.arrow_tables import ArrowRows, module_of_extra
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

    from streams.settings.settings import Settings

EXTRA: Final = "parquet"
HEAD_FILE: Final = "export.json"
LOCK_FILE: Final = ".lock"
STATE_COLUMNS: Final = (
    Column(DIGEST, ColumnKind.INTEGER, "Digest of the state that the rows were made of."),
    Column(DUE_AT, ColumnKind.INSTANT, "From when on the rows differ though nothing arrives.", nullable=True),
)


class ParquetTarget:
    """A folder of Parquet files.

    Args:
        folder: Is made where it is missing.
        settings: They name the dimensions.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._arrow: Any = module_of_extra("pyarrow", EXTRA)
        self._compute: Any = module_of_extra("pyarrow.compute", EXTRA)
        self._parquet: Any = module_of_extra("pyarrow.parquet", EXTRA)
        self._folder = folder
        self._settings = settings
        self._head: dict[str, Any] = {}
        self._lock: int | None = None
        #: of the partition that is at hand: rows that are new, and ids whose old rows stay
        self._new: dict[str, ArrowRows] = {}
        self._kept: set[str] = set()

    def begin(self, head: ExportHead) -> ExportHead | None:
        """See `ExportTarget`.

        Raises:
            UsageError: Another export writes into the folder.
            InputError: The folder cannot be written.
        """
        with self._written(self._folder, "choose another folder"):
            for name in OF_EXPORT:
                (self._folder / name).mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o644)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UsageError(f"another export writes into {self._folder}; wait until it has ended") from error
        file = self._folder / HEAD_FILE
        if not self._is_there(file):
            # At once: another stream's export may not go on with what a killed one has left.
            self._head = {"stream": head.stream, "meaning": head.meaning, "as_of_ms": 0, "numbering": {}}
            self._write_head()
            return None
        try:
            self._head = json.loads(file.read_text(encoding="utf-8"))
            found = ExportHead(self._head["stream"], self._head["meaning"], self._head["as_of_ms"])
            dict[str, str](self._head["numbering"])
        except OSError as error:
            raise InputError(str(file), f"cannot be read ({_reason(error)}); have it readable") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(str(file), "is not what an export has written; choose another folder") from error
        return found

    def known(self, partition: int) -> KnownPartition:
        """See `ExportTarget`."""
        self._kept = set()
        self._new = {name: ArrowRows(self._columns(name), zoned=True) for name in OF_EXPORT}
        customers: dict[str, KnownCustomer] = {}
        file = self._file(CUSTOMERS.name, partition)
        if self._is_there(file):
            table = self._read(file, [CUSTOMER_ID, DIGEST, DUE_AT])
            due = table.column(DUE_AT).cast(self._arrow.int64()).to_pylist()
            ids, digests = (table.column(name).to_pylist() for name in (CUSTOMER_ID, DIGEST))
            customers = {each: KnownCustomer(*known) for each, *known in zip(ids, digests, due, strict=True)}
        self._kept = set(customers)
        return KnownPartition(customers, self._head["numbering"].get(str(partition), ""))

    def note_numbering(self, partition: int, numbering: str) -> None:
        """See `ExportTarget`."""
        self._head["numbering"][str(partition)] = numbering
        self._write_head()

    def replace(self, partition: int, changed: Sequence[ChangedCustomer]) -> None:
        """See `ExportTarget`; they are written when the partition is finished."""
        for each in changed:
            self._kept.discard(each.customer_id)
            for name, rows in each.records.rows.items():
                state = tuple(each.known) if name == CUSTOMERS.name else ()
                self._new[name].take((*row, *state) for row in rows)

    def finish_partition(self, partition: int, gone: Collection[str], numbering: str) -> None:
        """See `ExportTarget`."""
        self._kept.difference_update(gone)
        for name in sorted(OF_EXPORT, key=lambda name: name == CUSTOMERS.name):
            self._write(name, partition)
        self._new = {}
        self.note_numbering(partition, numbering)

    def finish(self, head: ExportHead) -> None:
        """See `ExportTarget`."""
        self._head["as_of_ms"] = head.as_of_ms
        self._write_head()
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _columns(self, name: str) -> tuple[Column, ...]:
        columns = columns_of_relation(RELATIONS[name], self._settings)
        return (*columns, *STATE_COLUMNS) if name == CUSTOMERS.name else columns

    def _file(self, name: str, partition: int) -> Path:
        return self._folder / name / f"{partition:05}.parquet"

    def _is_there(self, file: Path) -> bool:
        try:
            return file.exists()
        except OSError as error:
            raise InputError(str(file), f"cannot be read ({_reason(error)}); have it readable") from error

    def _read(self, file: Path, columns: list[str] | None = None) -> Any:
        try:
            with file.open("rb") as content:
                return self._parquet.ParquetFile(content).read(columns=columns)
        except self._arrow.ArrowException as error:
            raise InputError(str(file), "is not what an export has written; remove the folder") from error
        except OSError as error:  # also what pyarrow says of a file that is damaged
            if error.errno is None:
                raise InputError(str(file), "is damaged; remove the folder") from error
            raise InputError(str(file), f"cannot be read ({_reason(error)}); have it readable") from error

    def _write(self, name: str, partition: int) -> None:
        file, new = self._file(name, partition), self._new[name].table()
        if self._is_there(file):
            old = self._read(file)
            stays = self._compute.is_in(old.column(CUSTOMER_ID), self._arrow.array(self._kept, self._arrow.string()))
            if not len(new) and self._compute.all(stays).as_py() is not False:
                return
            new = self._arrow.concat_tables([old.filter(stays), new])
        beside = file.with_name(f".{file.name}.part")
        with self._written(file, "make room there", beside):
            with beside.open("wb") as output:
                self._parquet.write_table(new, output, compression="zstd")
                output.flush()
                os.fsync(output.fileno())
            _rename(beside, file)

    def _write_head(self) -> None:
        file, beside = self._folder / HEAD_FILE, self._folder / f".{HEAD_FILE}.part"
        with self._written(file, "make room there", beside):
            with beside.open("w", encoding="utf-8") as output:
                json.dump(self._head, output)
                output.flush()
                os.fsync(output.fileno())
            _rename(beside, file)

    @contextmanager
    def _written(self, file: Path, advice: str, beside: Path | None = None) -> Iterator[None]:
        """Raise InputError where a file cannot be written; of what was written beside it nothing stays."""
        try:
            yield
        except OSError as error:
            if beside is not None:
                with suppress(OSError):
                    beside.unlink()
            raise InputError(str(file), f"cannot be written ({_reason(error)}); {advice}") from error


def _reason(error: OSError) -> str:
    """Return what an operating system, or a library in its name, says."""
    return error.strerror or " ".join(str(error).split()) or type(error).__name__


def _rename(beside: Path, file: Path) -> None:
    """Put a file that is whole in the place of another, for good."""
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
