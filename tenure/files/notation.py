"""The notation of a file: what its user says of how values are written that events know in one form only.

It holds for the whole file. What is made of it: `tenure.files.members`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from schemas.adapters.adapter import Adapter


class MoneyForm(StrEnum):
    """The unit of a file's money: the minor one that events have (cents), or the major one (dollars)."""

    MINOR = "minor"
    MAJOR = "major"


class TimeForm(StrEnum):
    """The form of a file's instants: text, or seconds or milliseconds since 1970-01-01T00:00:00Z."""

    RFC3339 = "rfc3339"
    EPOCH_S = "epoch-s"
    EPOCH_MS = "epoch-ms"


class Notation(NamedTuple):
    """The notation of one file.

    Attributes:
        file_format: ndjson, csv or parquet; None decides by the name's ending.
        money: The unit of the members that hold money.
        time: The form of the members that are instants; text that has an offset is read in any case.
        time_zone: That of times without an offset; None refuses these.
        default_currency: The currency of rows that name none (ISO 4217).
        adapter: Of the system whose records the file holds; None is the product's own events.
        query: SQL whose answer holds the records, instead of the file itself; see `tenure.files.table_rows`.
    """

    file_format: str | None = None
    money: MoneyForm = MoneyForm.MINOR
    time: TimeForm = TimeForm.RFC3339
    time_zone: ZoneInfo | None = None
    default_currency: str = "USD"
    adapter: Adapter | None = None
    query: str | None = None

    @property
    def is_that_of_events(self) -> bool:
        """Tell whether values are written as events have them, so that nothing has to be converted."""
        return self.money is MoneyForm.MINOR and self.time is TimeForm.RFC3339 and self.time_zone is None
