"""Export of all customers into tables elsewhere: each is replaced as a whole when it has changed, and only then.

Late events change the past, so no row is final, and nothing is appended: a target holds, beside each customer, a
digest of the state that the rows were made of. An export looks at all states, and writes those whose digest differs.
Whoever is killed in between leaves whole customers, old or new; the next export goes on with what still differs.
Targets: `tenure.outlets.parquet` and `tenure.outlets.postgres`. For its user: docs/export.md.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import xxhash

from kpis.customer.state import decode
from kpis.instants import instant_text
from kpis.names import Names
from kpis.population.records import CustomerRecords, RecordsScope, records_of
from schemas.documents.export import ExportSummary
from schemas.relations import OF_CUSTOMERS
from streams.errors import CheckFailed, UsageError
from streams.settings.meaning import dimensions_of
from streams.settings.settings import Settings
from tenure.reports.customers import Scope, Source, lacking, open_source
from tenure.stored.customers import Slice, scan_all

VERSION: Final = 1
"""Of the rows: whoever changes what a row says counts it up, and exports begin anew."""
MIXED_NUMBERING: Final = json.dumps([])
"""The numbering of a partition that is written anew: until it is done, some of its digests are of another one."""
OF_EXPORT: Final = tuple(relation.name for relation in OF_CUSTOMERS)
DIGEST: Final = "state_digest"
DUE_AT: Final = "due_at"
"""Columns that the target's customers have beside those of the relation."""


class ExportHead(NamedTuple):
    """The head of a target: what its rows are of, and mean.

    Attributes:
        stream: What `owner_of` returns.
        meaning: The settings that decide what numbers mean, and the version of the rows.
        as_of_ms: T (ms since 1970).
    """

    stream: str
    meaning: str
    as_of_ms: int


class KnownCustomer(NamedTuple):
    """A customer as a target has it: of which state, and from when on the rows differ though nothing arrives (ms)."""

    digest: int
    due_ms: int | None


class KnownPartition(NamedTuple):
    """The customers of a partition as a target has them, by id, and by which numbering their states were read."""

    customers: Mapping[str, KnownCustomer]
    numbering: str


class ChangedCustomer(NamedTuple):
    """A customer whose rows are to be replaced by these; `rows` has every relation, or is empty."""

    customer_id: str
    known: KnownCustomer
    records: CustomerRecords


class ExportTarget(Protocol):
    """Tables elsewhere, of which one export at a time has hold."""

    def begin(self, head: ExportHead) -> ExportHead | None:
        """Make the tables where they are missing; return the head that they have."""

    def known(self, partition: int) -> KnownPartition:
        """Return the customers of a partition."""

    def note_numbering(self, partition: int, numbering: str) -> None:
        """Note for good by which numbering the digests of a partition are to be read, before rows are replaced."""

    def replace(self, partition: int, changed: Sequence[ChangedCustomer]) -> None:
        """Replace the rows of some customers, all of them or none."""

    def finish_partition(self, partition: int, gone: Collection[str], numbering: str) -> None:
        """Remove customers who are not there any more, and note that the partition is done."""

    def finish(self, head: ExportHead) -> None:
        """Note that all partitions are done."""


async def export(settings: Settings, scope: Scope, target: ExportTarget, *, kind: str) -> ExportSummary:
    """Bring a target up to date with the running stream, or with a file.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Which of the two.
        target: Where to.
        kind: What the target is, for the summary.

    Raises:
        UsageError: The target holds the export of another stream, or of one with other settings.
        CheckFailed: It is as of a later instant.
        TenureError: As `tenure.reports.customers.open_source` and `scan_all`, and of the target.
    """
    async with open_source(settings, scope) as source:
        meaning = json.dumps([VERSION, settings.fingerprint(), dimensions_of(settings)])
        head = ExportHead(owner_of(source.stream_id), meaning, source.at_ms)
        _check_head(head, target.begin(head))
        tally: Counter[str] = Counter()
        for partition in range(source.partitions):
            await _export_partition(source, target, partition, tally)
        target.finish(head)
        summary = ExportSummary(
            to=kind,
            as_of=instant_text(source.at_ms),
            customers=tally["customers"],
            changed=tally["changed"],
            removed=tally["removed"],
            rows={name: tally[f"rows/{name}"] for name in OF_EXPORT},
        )
        return lacking(summary, source)


def owner_of(stream_id: str) -> str:
    """Return the name under which a stream owns what it exports.

    Args:
        stream_id: Of the mark; the stream signs with it, so that no target may show it. Empty for a file.

    Returns:
        32 hexadecimal digits; empty for a file.
    """
    return stream_id and hashlib.sha256(f"tenure export {stream_id}".encode()).hexdigest()[:32]


def _check_head(head: ExportHead, found: ExportHead | None) -> None:
    if found is None:
        return
    if found.stream != head.stream:
        raise UsageError("the target holds the export of another stream; choose another one, or remove what it holds")
    if found.meaning != head.meaning:
        raise UsageError(
            "the target was exported under other settings, or by another version of the rows; choose another one, or "
            "remove its tables"
        )
    if found.as_of_ms > head.as_of_ms:
        raise CheckFailed(
            f"the target is as of {instant_text(found.as_of_ms)}, and this is as of {instant_text(head.as_of_ms)}; "
            "check the clock of this machine"
        )


async def _export_partition(source: Source, target: ExportTarget, partition: int, tally: Counter[str]) -> None:
    scope = RecordsScope(source.at_ms, source.settings.bucket_minutes * 60_000, source.settings.what_counts)
    known = target.known(partition)
    customers, noted = known.customers, known.numbering
    alike: bool | None = None
    numbering, left = "", set(customers)
    async for part in scan_all(source.settings, source.tables, [partition]):
        if alike is None:
            alike = not customers or numbers_alike(part.names, noted)
            customers = customers if alike else {}  # the same bytes may mean other names: all are made anew
        numbering = numbering_of(part.names)
        changed = [each for each in _changed(part, customers, scope) if each.records.rows or each.customer_id in left]
        left.difference_update(customer_id for customer_id, _ in part.states)
        tally["customers"] += len(part.states)
        tally["changed"] += len(changed)
        for each in changed:
            tally.update({f"rows/{name}": len(rows) for name, rows in each.records.rows.items()})
        if changed:
            # Whoever is killed after this has digests of these names, too.
            known_by = numbering if alike else MIXED_NUMBERING
            if known_by != noted:
                target.note_numbering(partition, known_by)
                noted = known_by
            target.replace(partition, changed)
    tally["removed"] += len(left)
    target.finish_partition(partition, left, numbering or noted)


def _changed(part: Slice, customers: Mapping[str, KnownCustomer], scope: RecordsScope) -> list[ChangedCustomer]:
    found = []
    for customer_id, state in part.states:
        digest = xxhash.xxh3_64_intdigest(state) - (1 << 63)  # signed, as tables have it
        known = customers.get(customer_id)
        if known is not None and known.digest == digest and (known.due_ms is None or known.due_ms >= scope.at_ms):
            continue
        records = records_of(customer_id, decode(state), part.partition, part.names, scope, OF_EXPORT)
        found.append(ChangedCustomer(customer_id, KnownCustomer(digest, records.due_ms), records))
    return found


def numbering_of(names: Names) -> str:
    """Return what tells whether another partition's numbers stand for the same names: sizes of tables and a hash."""
    tables = _tables(names)
    sizes = [len(table) for table in tables]
    return json.dumps([sizes, _digest_of(tables, sizes)])


def numbers_alike(names: Names, numbering: str) -> bool:
    """Return whether all numbers of then stand for the same names now; names may have come since.

    Where nothing was noted, or digests of two numberings, they do not.
    """
    if not numbering or numbering == MIXED_NUMBERING:
        return False
    sizes, digest = json.loads(numbering)
    tables = _tables(names)
    return len(sizes) == len(tables) and digest == _digest_of(tables, sizes)


def _tables(names: Names) -> list[Sequence[object]]:
    return [names.plan_names, names.reason_names, names.profile_names, names.currency_names]


def _digest_of(tables: Sequence[Sequence[object]], sizes: Sequence[int]) -> str:
    known = [list(table[:size]) for table, size in zip(tables, sizes, strict=True)]
    return xxhash.xxh3_128_hexdigest(json.dumps(known).encode())
