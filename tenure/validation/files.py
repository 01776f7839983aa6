"""Validation of a file: its records, under the timestamp that they would get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.documents.validation import ValidationReport
from streams.settings.settings import Settings
from tenure.files.reader import EventFile
from tenure.validation.validation import SourceTold, Validation

_RECORDS_BETWEEN: Final = 1_000


def validate_file(
    events: EventFile, settings: Settings, *, as_of_ms: int, progress: Callable[[int], None] = lambda _: None
) -> ValidationReport:
    """Return what the stream would do with the events of a file.

    Args:
        events: The file.
        settings: What numbers mean.
        as_of_ms: When its records reach the log (ms since 1970).
        progress: Is told the number of records so far, again and again.

    Raises:
        InputError: The file cannot be read.
    """
    validation = Validation(settings, events)
    for count, record in enumerate(events.records(), 1):
        validation.take(record, as_of_ms)
        if count % _RECORDS_BETWEEN == 0:
            progress(count)
    return validation.report(SourceTold(events.path, as_of_ms))
