"""Translation of a file's records by an adapter: the events of each, and counts of what became of them.

What an adapter does not understand is passed on as it is, under the headers by which it becomes a dead letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from schemas.adapters.adapter import Adapter
from schemas.adapters.reading import refused
from schemas.documents.translation import FileTranslation
from schemas.refusals import Reason
from streams.translation.foreign_records import ForeignRecords, records_of, refused_record
from tenure.files.tables import FileRecord

KINDS_KEPT: Final = 500
"""Names of kinds come from the file: what comes beyond counts under `OTHER_KINDS`."""
OTHER_KINDS: Final = "other"


class FileTranslator:
    """Translates the records of one file.

    Args:
        adapter: Of the system that they are from.

    Attributes:
        records: How many were translated (count).
        events: How many events that made (count).
        ignored: How many are understood and say nothing that is counted, by kind (counts).
        refused: How many the adapter does not understand, by reason (counts).
    """

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.begin()

    def begin(self) -> None:
        """Forget what was counted."""
        self.records = 0
        self.events = 0
        self.ignored: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def translated(self, record: FileRecord) -> Iterator[FileRecord]:
        """Yield the events of a record, each under its number, or the record itself as one that is refused."""
        self.records += 1
        found = self._found(record)
        if found.refusal is not None:
            self.refused[found.refusal.reason.value] += 1
        elif found.ignored:
            known = found.ignored in self.ignored or len(self.ignored) < KINDS_KEPT
            self.ignored[found.ignored if known else OTHER_KINDS] += 1
        else:
            self.events += len(found.records)
        for value, headers in found.records:
            yield FileRecord(record.number, value, record.fault, headers)

    def _found(self, record: FileRecord) -> ForeignRecords:
        if not record.fault:
            return records_of(self.adapter, record.value, f"record {record.number}")
        refusal = refused(self.adapter.name, Reason.MALFORMED_JSON, record.fault).refusal
        assert refusal is not None, "it says so"
        return refused_record(self.adapter, record.value, refusal)

    def document(self) -> FileTranslation:
        """Return the counts as `--json` prints them."""
        return FileTranslation(
            adapter=self.adapter.name,
            records=self.records,
            events=self.events,
            ignored=dict(self.ignored.most_common()),
            refused=dict(self.refused.most_common()),
        )
