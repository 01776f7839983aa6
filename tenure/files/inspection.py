"""Inspection of a file's events: decodes them as the stream does, and tells what is refused, mended and ignored.

It changes nothing and holds few records at a time. What only the customer's state can tell (repetitions, too many
facts) it does not know.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, Protocol

import msgspec

from schemas.adapters.recognition import event_named
from schemas.adapters.registry import ADAPTERS
from schemas.decoding.adapted import adapter_of, is_announced
from schemas.decoding.decoder import Decoded, Decoder
from schemas.decoding.wire_formats import members_of, recognised
from schemas.events import Event
from schemas.refusals import Refusal, member_of
from streams.records import Headers
from tenure.files.advice import advice_on
from tenure.files.findings import MENDED, REFUSED, Example, Findings
from tenure.files.ignored import Ignored
from tenure.files.notation import Notation
from tenure.files.tables import FileRecord
from tenure.files.translation import FileTranslator

_RECORDS_AT_ONCE: Final = 1_000
_BYTES_AT_ONCE: Final = 4 * 1024 * 1024
_VALUE_SHOWN: Final = 64
_PLACE_IN_LIST: Final = re.compile(r"\[\d+\]")


class InspectedRecord(NamedTuple):
    """A record of a file as the decoder wants it (`schemas.decoding.diagnosis.Readable`)."""

    value: bytes
    timestamp: int
    headers: Headers
    number: int
    fault: str


class InspectedSource(Protocol):
    """A source of records: a file, or topics."""

    @property
    def notation(self) -> Notation:
        """The form of its values."""

    @property
    def translator(self) -> FileTranslator | None:
        """Translates its records, where they are of another system."""

    @property
    def is_table(self) -> bool:
        """Tell whether its values are cells, which have no quotes of their own."""

    def place_of(self, number: int) -> str:
        """Return where a record is, in words, by its number."""


class Inspection:
    """Looks at the records of one source, one after the other.

    Args:
        file: That the records are of.
        decoder: Which judges them as the stream will.
        findings: To which it adds what it finds.
        judged: Is given the records of each step, and what they were decoded to.

    Attributes:
        findings: As given; complete after `finish`.
        records: How many were looked at (count).
        refused: How many of them were refused, by reason (counts).
        ignored: Members that no event type has.
    """

    def __init__(
        self,
        file: InspectedSource,
        decoder: Decoder,
        findings: Findings | None = None,
        *,
        judged: Callable[[list[InspectedRecord], Decoded[InspectedRecord]], None] | None = None,
    ) -> None:
        self.findings = findings or Findings()
        self.records = 0
        self.refused: Counter[str] = Counter()
        self.ignored = Ignored(decoder.signup)
        self._file = file
        self._decoder = decoder
        self._judged = judged
        self._waiting: list[InspectedRecord] = []
        self._waiting_bytes = 0

    def take(self, record: FileRecord, timestamp_ms: int = 0) -> None:
        """Take a record.

        Args:
            record: The next one of the file.
            timestamp_ms: When it reaches the log (ms since 1970); of no meaning to a decoder for files.
        """
        found = None if record.headers else recognised(record.value)
        self.take_announced(record if found is None else record._replace(headers=found.headers), timestamp_ms)

    def take_announced(self, record: FileRecord, timestamp_ms: int) -> None:
        """Take a record whose headers alone say what it holds, as in a log; see `take`."""
        self._waiting.append(InspectedRecord(record.value, timestamp_ms, record.headers, record.number, record.fault))
        self._waiting_bytes += len(record.value)
        if len(self._waiting) >= _RECORDS_AT_ONCE or self._waiting_bytes >= _BYTES_AT_ONCE:
            self._look()

    def finish(self) -> None:
        """Look at what was taken last, and note what is ignored; nothing follows."""
        self._look()
        self.ignored.note_in(self.findings)

    def _look(self) -> None:
        decoded = self._decoder.decode(self._waiting)
        self.records += len(self._waiting)
        self.refused.update(refusal.reason.value for _, refusal in decoded.refused)
        for record, refusal in sorted(decoded.refused, key=lambda each: each[0].number):
            self._note_refused(record, refusal)
        self._note_mended(decoded)
        self._note_ignored(decoded)
        if self._judged is not None:
            self._judged(self._waiting, decoded)
        self._waiting, self._waiting_bytes = [], 0

    def _note_refused(self, record: InspectedRecord, refusal: Refusal) -> None:
        if is_announced(record.headers):
            self._note_not_understood(record, refusal)
            return
        member = "" if record.fault else member_of(refusal.detail) or ""

        def example() -> Example:
            advice = ""
            if member:
                members = members_of(record.value, record.headers)
                advice = advice_on(member, members, self._file.notation, is_table=self._file.is_table)
            return Example(f"{self._place(record)}: {record.fault or refusal.detail}", advice)

        self.findings.add(REFUSED, f"{refusal.reason.value}{', ' if member else ''}{member}", example)

    def _note_not_understood(self, record: InspectedRecord, refusal: Refusal) -> None:
        """Note a record of another system that its adapter does not understand."""
        named = adapter_of(record.headers)
        # Anybody may write headers into a topic; each name would be a kind of its own.
        adapter = named if named is not None and named in ADAPTERS else ""
        # Of lists, each place would be a kind of its own, too.
        member = _PLACE_IN_LIST.sub("[]", member_of(refusal.detail, by_adapter=True) or "") if adapter else ""

        def example() -> Example:
            event = event_named(adapter, record.value)
            return Example(f"{self._place(record)}: {event}{': ' if event else ''}{refusal.detail}")

        self.findings.add(REFUSED, ", ".join(filter(None, (refusal.reason.value, adapter, member))), example)

    def _note_mended(self, decoded: Decoded[InspectedRecord]) -> None:
        for index, members in sorted(decoded.mended.items(), key=lambda each: decoded.records[each[0]].number):
            record, event = decoded.records[index], decoded.events[index]
            for member in members:
                self.findings.add(MENDED, member, partial(self._mending, record, event, member))

    def _note_ignored(self, decoded: Decoded[InspectedRecord]) -> None:
        known = self.ignored.known
        having = []
        for event, record in zip(decoded.events, decoded.records, strict=True):
            members = members_of(record.value, record.headers)
            if not known.issuperset(members):
                having.append((record, event, members))
        for record, event, members in sorted(having, key=lambda each: each[0].number):
            self.ignored.take(event, members, partial(self._place, record))

    def _mending(self, record: InspectedRecord, event: Event, member: str) -> Example:
        raw = members_of(record.value, record.headers).get(member)
        sent = "" if raw is None else bytes(raw)[: 4 * _VALUE_SHOWN].decode("utf-8", "replace")
        shown = sent if len(sent) <= _VALUE_SHOWN else sent[:_VALUE_SHOWN] + "…"
        kept = getattr(event, member)
        default = next(f.default for f in msgspec.structs.fields(event) if f.name == member)
        read = "absent" if kept == default else msgspec.json.encode(kept).decode()
        return Example(f"{self._place(record)}: {member}: {shown} is read as {read}")

    def _place(self, record: InspectedRecord) -> str:
        return self._file.place_of(record.number)
