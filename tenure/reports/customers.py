"""Looking at customers one by one: all states of a running stream, or of a file that is replayed for it.

Only the way to the states: what is made of them is pure and lies in `kpis`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from kpis.choosing.groups import ScanQuestion, Summable, summed_up
from kpis.customer.touchpoints import MarkFact
from kpis.filters import Filter
from kpis.instants import end_of_bucket_ms
from kpis.names import Names
from kpis.population.episodes import StretchCollector, Stretches, chosen
from schemas.documents.document import AnyDocument
from schemas.wording import counted
from streams.clock import Clock, WallClock
from streams.embedded.log import Log
from streams.errors import InputError
from streams.partition.losses import StreamLosses
from streams.readable import readable
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.files.notation import Notation
from tenure.files.reader import STANDARD_INPUT
from tenure.files.replay import Replayed, replayed
from tenure.operations.losses import with_losses
from tenure.reports.filtered import check_values, values_of
from tenure.reports.kept import KeptScans, taken_of
from tenure.reports.passes import Passes
from tenure.reports.scan_thread import ScanThread
from tenure.stored.customers import scan_all
from tenure.stored.marks import read_marks, with_marks
from tenure.stored.opening import counted_tables

S = TypeVar("S", bound=Summable)
StretchPasses: TypeAlias = Passes[StretchCollector, Stretches]


def stretch_passes(thread: ScanThread | None = None) -> StretchPasses:
    """Return passes that keep when customers were active, and may go on in a thread; nothing is read yet."""
    return Passes(_collecting, StretchCollector.stretches, thread=thread)


def _collecting(settings: Settings) -> Callable[[Names], StretchCollector]:
    bucket_ms, what = settings.bucket_minutes * 60_000, settings.what_counts
    return lambda names: StretchCollector(names, bucket_ms=bucket_ms, what=what)


def _unheard(line: str) -> None:
    """Stand in where nobody listens."""


class Scope(NamedTuple):
    """The scope of a look: which customers, as of when, and by what they are split.

    Attributes:
        at_ms: T (ms since 1970); None means the end of the running bucket, or of that of the file's latest event.
        by: Dimensions whose segments are wanted.
        file: A file of events (NDJSON, CSV or Parquet), "-" for standard input; None means the running stream.
        notation: How the file's values are written.
        tell: Told in a line how many events of the file were refused, if any.
        where: Only customers for whom it holds.
        stretches: Earlier passes over the running stream, which need not be made again.
        kept: Earlier scans of it, likewise.
    """

    at_ms: int | None = None
    by: tuple[str, ...] = ()
    file: str | None = None
    notation: Notation = Notation()
    tell: Callable[[str], None] = _unheard
    where: Filter | None = None
    stretches: StretchPasses | None = None
    kept: KeptScans | None = None


class Source(NamedTuple):
    """Tables whose customers are looked at."""

    settings: Settings
    tables: Tables
    partitions: int
    #: T (ms since 1970)
    at_ms: int
    #: of a file; the running stream's is Kafka's
    log: Log | None = None
    #: what a number in the file counts: lines, rows or elements
    place: str = ""
    #: of a running stream
    losses: StreamLosses | None = None
    #: its name for good, see `streams.tables.StreamMark`; empty for a file
    stream_id: str = ""
    #: only customers for whom it holds
    where: Filter | None = None
    #: all there are
    marks: Sequence[MarkFact] = ()
    #: earlier passes over these tables
    stretches: StretchPasses | None = None
    #: earlier scans of them
    kept: KeptScans | None = None


@asynccontextmanager
async def open_source(settings: Settings, scope: Scope, *, clock: Clock | None = None) -> AsyncIterator[Source]:
    """Open the tables of the running stream, or replay a file into tables of its own.

    Args:
        settings: Of the stream: where its Redis is, and what its numbers mean.
        scope: Which of the two, and as of when.
        clock: What time it is, for the running stream.

    Raises:
        InputError: The file cannot be read; or it holds no event, and no instant is given.
        UsageError: There is no stream under this prefix.
        ConfigurationError: Its tables were counted under other settings.
        TablesUnavailable: Redis does not answer.
    """
    if scope.file is not None:
        found = await replayed(scope.file, settings, scope.notation)
        if scope.at_ms is None and not found.last_ms:
            raise InputError(scope.file, _without_events(found))
        if found.refused:
            scope.tell(_refused(scope.file, found.refused))
        at_ms = _at_ms(settings, scope, found.last_ms)
        marks = await read_marks(settings, found.tables, found.partitions)
        yield Source(
            settings, found.tables, found.partitions, at_ms, found.log, found.place, where=scope.where, marks=marks
        )
        return
    async with counted_tables(settings) as (tables, mark, losses):
        now_ms = (clock or WallClock()).now_ms()
        yield Source(
            settings,
            tables,
            mark.partitions,
            _at_ms(settings, scope, now_ms),
            losses=losses,
            stream_id=mark.id,
            where=scope.where,
            marks=await read_marks(settings, tables, mark.partitions),
            stretches=scope.stretches,
            kept=scope.kept,
        )


def lacking(document: AnyDocument, source: Source) -> AnyDocument:
    """Return a document that was made of a source with what stands beside its numbers: losses, and marks.

    See `with_losses` and `with_marks`.
    """
    found = with_losses(document, source.losses, source.settings, at_ms=source.at_ms)
    return with_marks(found, source.marks, at_ms=source.at_ms)


def where_text(scope: Scope) -> str | UnsetType:
    """Return the condition that a document of a scope names; UNSET where it is of all customers."""
    return UNSET if scope.where is None else scope.where.text


def _at_ms(settings: Settings, scope: Scope, latest_ms: int) -> int:
    return end_of_bucket_ms(latest_ms, settings.bucket_minutes) if scope.at_ms is None else scope.at_ms


def _refused(file: str, refused: Counter[str]) -> str:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in refused.most_common())
    was = "was" if refused.total() == 1 else "were"
    named = "standard input" if file == STANDARD_INPUT else readable(file)
    return (
        f"{named}: {counted(refused.total(), 'events')} {was} refused and count nowhere ({reasons}); "
        f"`tenure replay {readable(file)}` lists them"
    )


def _without_events(found: Replayed) -> str:
    return (
        f"holds no event that counts (dead letters: {found.refused.total():,}, tests: {found.tests:,}); "
        "look at it with `tenure replay`, or name an instant with --at"
    )


def _check_where(source: Source, names: Iterable[Names]) -> None:
    if source.where is not None:
        check_values(source.where, values_of(names))


async def scanned(source: Source, question: ScanQuestion[S]) -> S:
    """Return a scan that has taken all customers that the source is of.

    Raises:
        UsageError: No customer ever had a value that the source's filter names.
        TenureError: As `scan_all`.
    """
    groups = None
    if source.kept is not None:
        groups = await source.kept.read(source.settings, source.tables, source.partitions, question)
    if groups is None:
        scan = question.make(source.where)
        names: dict[int, Names] = {}
        async for part in scan_all(source.settings, source.tables, range(source.partitions)):
            names[part.partition] = part.names
            for taken in taken_of(part):
                question.take(scan, taken)
        _check_where(source, names.values())
        return scan
    _check_where(source, (part.names for part in groups.values()))
    return summed_up(groups.values(), question, source.where)


async def stretches_of(source: Source) -> list[Stretches]:
    """Return when all customers that the source is of were active, by partition.

    Raises:
        UsageError: No customer ever had a value that its filter names.
        TenureError: As `scan_all`.
    """
    passes = source.stretches or stretch_passes()
    stretches = list((await passes.read(source.settings, source.tables, source.partitions)).values())
    if source.where is None:
        return stretches
    check_values(source.where, values_of(part.names for part in stretches))
    return [chosen(part, source.where) for part in stretches]
