"""Reading a partition's tables without holding Redis up: in slices, and yet as of one instant.

Each call asks for some thousand names or some hundred spans at most, so that its time-out depends on no amount of data.
What is read is put right by the partition's redo log (`streams.redo`): it is read first, and the last step reads head,
new names and the latest entries at once.
Not here: states (`streams.redis.scan`), and what is written (`streams.redis.tables`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from redis.exceptions import ResponseError

from kpis.counting.cells import Cells, newest
from kpis.counting.spans import SPAN_FIELD_BITS, SPAN_FIELD_MASK, unpacked
from kpis.names import TABLES
from streams.errors import CommitTorn, Conflict, Overtaken, StateUnreadable
from streams.redis.clearing import is_clearing
from streams.redis.commit import is_torn
from streams.redis.connection import asked
from streams.redis.script import LOAD
from streams.redo import Chain, cells_of, mark_of, newest_mark
from streams.tables import Redo, Stored, Under, positions_of

SLICE: Final = 5_000
"""Names that one call asks for, about (count): Redis answers it in some 3 ms."""
SPANS: Final = 500
"""Spans that one call asks for, about (count): some 200 KiB."""
_LEAST_ENTRIES: Final = 2
_MOST_ENTRIES: Final = 1_024
_LIGHT_BYTES: Final = 64 * 1024
"""So many entries of the redo log one call asks for; more while they are light together."""
_GROUPS: Final = 200
"""Groups whose sizes one call asks for (count)."""
_CELLS_A_LOOK: Final = 100_000
"""So many cells are read before the redo log is looked at: it must reach back so far (count)."""
_CALM_TRIES: Final = 5
"""So often the redo log is read in the hope that nobody commits meanwhile (count)."""
_ROUNDS: Final = 20
"""Rounds before a partition counts as too fast to be read (count)."""
_FIELD_BYTES: Final = (SPAN_FIELD_BITS + 7) // 8
_Client = Any  # redis.asyncio.Redis | RedisCluster: their commands are typed as sync or async, which helps nobody
_Result = TypeVar("_Result")
_ADVICE: Final = (
    "somebody else has written a key that begins with {prefix} ({error}); delete it, or run `tenure rebuild --from "
    "kafka`; then restart the worker"
)


def field_of(span: int) -> bytes:
    """Return the bytes that name a span within its group in Redis."""
    return (span & SPAN_FIELD_MASK).to_bytes(_FIELD_BYTES, "big")


def _unpacked(partition: int, group: int, found: Mapping[bytes, bytes]) -> Cells:
    """Return the cells of a hash of spans."""
    spans = [group << SPAN_FIELD_BITS | int.from_bytes(field, "big") for field in found]
    return _cells_of(partition, spans, list(found.values()))


def _cells_of(partition: int, spans: Sequence[int], packed: Sequence[bytes]) -> Cells:
    try:
        return unpacked(spans, packed)
    except ValueError as error:
        raise StateUnreadable(partition, f"{error}; count anew under another TENURE_REDIS_PREFIX") from error


def check_head(partition: int, head: bytes | None, under: Under | None) -> None:
    """Raise Conflict where another head is stored than the one that something is read under.

    The head is read on the same connection, with what is read or after it: a Redis that has fallen back is another
    one, or has been started again, and closes the connection.
    """
    if under is not None and head != under.head:
        raise Conflict(partition, positions_of(under.head), positions_of(head))


async def _answers(pipe: Any) -> list[Any]:
    """Run a pipeline; errors are raised as they come, for it would put its own words before theirs."""
    answers: list[Any] = await pipe.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


class PartitionReader:
    """Reads the partitions under one prefix."""

    def __init__(self, client: _Client, *, prefix: str) -> None:
        """Take a client of `connect`, and the prefix of all keys."""
        self._redis = client
        self._prefix = prefix

    def key(self, partition: int, rest: str) -> str:
        """Return the name of a key of a partition."""
        return f"{self._prefix}:{{{partition}}}:{rest}"

    async def asked(self, partition: int, call: Callable[[], Awaitable[_Result]]) -> _Result:
        """Await a call that reads a partition.

        Raises:
            StateUnreadable: A key of ours holds what is none of ours.
            TablesUnavailable: See `streams.redis.connection.asked`.
        """
        try:
            return await asked(call)
        except ResponseError as error:
            if "WRONGTYPE" not in str(error):
                raise
            raise StateUnreadable(partition, _ADVICE.format(prefix=self._prefix, error=error)) from error

    async def whole(self, partition: int, keys: Sequence[str], *, starts: Sequence[int] = ()) -> list[Any]:
        """Return the head, and what the keys hold, read in one step: lists first, then hashes in pairs.

        Args:
            partition: Its number.
            keys: Of the partition.
            starts: From which place on each list is wanted; the keys beyond are hashes.

        Raises:
            CommitTorn: Half of a commit is in the partition, or it is being cleared.
        """
        first = [self.key(partition, "h"), self.key(partition, "b")]
        arguments = [len(starts), *starts]
        answer = await self.asked(partition, lambda: LOAD.run(self._redis, [*first, *keys], arguments))
        head, counts, *found = answer
        if is_torn(*counts) or is_clearing(head):
            raise CommitTorn(partition)
        return [head, *found]

    async def load(self, partition: int, since: Stored | None = None) -> Stored:
        """Return head and names as of one instant; see `streams.tables.Tables.load`."""
        names = {table: list(since.names[table] if since else ()) for table in TABLES}

        async def ask_lengths() -> list[int]:
            pipe = self._redis.pipeline(transaction=False)
            for table in TABLES:
                pipe.llen(self.key(partition, f"n:{table}"))
            return await _answers(pipe)

        # Names stay and keep their places: all but the last ones may be read before.
        for table, length in zip(TABLES, await self.asked(partition, ask_lengths), strict=True):
            known = names[table]
            while length - len(known) > SLICE:
                key, first = self.key(partition, f"n:{table}"), len(known)
                some = await self.asked(partition, lambda: self._redis.lrange(key, first, first + SLICE - 1))  # noqa: B023
                known += [name.decode() for name in some]
                if not some:
                    break
        stored, _ = await self.instant(partition, names)
        return stored

    async def instant(
        self, partition: int, names: Mapping[str, list[str]], *, entries: int = 1
    ) -> tuple[Stored, list[bytes]]:
        """Return the head, all names and the newest entries of the redo log, read in one step.

        Args:
            partition: Its number.
            names: Those that are known already, by table.
            entries: Of the redo log (count).
        """
        keys = [*(self.key(partition, f"n:{table}") for table in TABLES), self.key(partition, "w")]
        starts = [*(len(names[table]) for table in TABLES), -entries]
        head, *lists = await self.whole(partition, keys, starts=starts)
        grown = {
            table: [*names[table], *(name.decode() for name in more)]
            for table, more in zip(TABLES, lists[:-1], strict=True)
        }
        return Stored(head, grown), lists[-1]

    async def redo(self, partition: int) -> Redo:
        """Return the redo log and the head that it leads to, as of one instant.

        In two calls where nobody commits in between, as its last entry tells: a script would take ten times as long to
        pass on some megabytes.
        """
        key = self.key(partition, "w")
        for _ in range(_CALM_TRIES):
            entries = await self.asked(partition, lambda: self._redis.lrange(key, 0, -1))
            (head,) = await self.whole(partition, ())
            if (newest_mark(entries) or mark_of(None)) == mark_of(head):
                return Redo(head, entries)
        return Redo(*await self.whole(partition, [key], starts=[0]))

    async def spans(self, partition: int, spans: Sequence[int], under: Under | None = None) -> Cells:
        """Return the cells of spans as they are written, sorted; see `Tables` for `under`."""
        parts = [await self._some_spans(partition, spans[at : at + SPANS], under) for at in range(0, len(spans), SPANS)]
        return newest(parts)

    async def _some_spans(self, partition: int, spans: Sequence[int], under: Under | None) -> Cells:
        by_group: dict[int, list[int]] = {}
        for span in spans:
            by_group.setdefault(span >> SPAN_FIELD_BITS, []).append(span)

        async def ask() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            for group, members in by_group.items():
                pipe.hmget(self.key(partition, f"c:{group}"), [field_of(span) for span in members])
            pipe.get(self.key(partition, "h"))
            return await _answers(pipe)

        *answers, head = await self.asked(partition, ask)
        check_head(partition, head, under)
        found = [packed or b"" for some in answers for packed in some]
        return _cells_of(partition, [span for members in by_group.values() for span in members], found)

    async def slices(self, partition: int, group: int, under: Under | None = None) -> AsyncIterator[Cells]:
        """Yield the cells of a group, slice by slice, some twice; what changes meanwhile is old, new or absent.

        Nothing changes `under` a head: see `Tables`.
        """
        key, cursor = self.key(partition, f"c:{group}"), 0

        async def ask() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            pipe.hscan(key, cursor, count=SPANS)
            pipe.get(self.key(partition, "h"))
            return await _answers(pipe)

        while True:
            (cursor, found), head = await self.asked(partition, ask)
            check_head(partition, head, under)
            yield _unpacked(partition, group, found)
            if not cursor:
                return

    async def _slices_of(self, partition: int, groups: Sequence[int]) -> AsyncIterator[Cells]:
        """Yield the cells of groups, as `slices` does; small groups are asked for together."""
        for at in range(0, len(groups), _GROUPS):
            some = groups[at : at + _GROUPS]
            sizes = dict(zip(some, await self._of_groups(partition, "hlen", some), strict=True))
            together: list[int] = []
            for group in some:
                if sizes[group] > SPANS:
                    async for found in self.slices(partition, group):
                        yield found
                    continue
                if together and sum(sizes[each] for each in together) + sizes[group] > SPANS:
                    yield await self._whole_groups(partition, together)
                    together = []
                together.append(group)
            yield await self._whole_groups(partition, together)

    async def _whole_groups(self, partition: int, groups: Sequence[int]) -> Cells:
        """Return the cells of small groups."""
        answers = await self._of_groups(partition, "hgetall", groups)
        return newest([_unpacked(partition, group, found) for group, found in zip(groups, answers, strict=True)])

    async def _of_groups(self, partition: int, command: str, groups: Sequence[int]) -> list[Any]:
        """Return what a command says of the spans of each group; all are sent at once."""

        async def ask() -> list[Any]:
            pipe = self._redis.pipeline(transaction=False)
            for group in groups:
                getattr(pipe, command)(self.key(partition, f"c:{group}"))
            return await _answers(pipe)

        return await self.asked(partition, ask)

    async def snapshot(self, partition: int, groups: Sequence[int], since: Stored) -> tuple[Stored, Cells]:
        """Return head and names, all cells of groups, and those of groups that are new, as of one instant.

        A slice is older or newer than that instant, but for the cells that the redo log names.

        Args:
            partition: Its number.
            groups: All that there are by the names of `since`.
            since: What was loaded before.

        Raises:
            Overtaken: More was written than can be read meanwhile, or the tables went back.
        """
        following = _Following(self, partition, since)
        await following.begin()
        parts: list[Cells] = []
        count = 0
        async for some in self._slices_of(partition, groups):
            parts.append(some)
            count += len(some.keys)
            if count >= _CELLS_A_LOOK:
                count = 0
                await following.look()
        stored, changes = await following.finish()
        return stored, newest([*parts, *changes])

    async def tail(self, partition: int, first: int, last: int) -> list[bytes]:
        """Return entries of the redo log by their places from the end, which is -1."""
        key = self.key(partition, "w")
        return await self.asked(partition, lambda: self._redis.lrange(key, first, last))


class _Following:
    """Changes of a partition's cells up to a head: what is read of them in their places may be older or newer."""

    def __init__(self, reader: PartitionReader, partition: int, since: Stored) -> None:
        self._reader = reader
        self._partition = partition
        self._stored = since
        #: the mark of the head up to which `_changes` has all changes
        self._reached = mark_of(since.head)
        #: by entry, oldest first
        self._changes: list[Cells] = []
        #: entries that one call asks for (count)
        self._many = _LEAST_ENTRIES

    async def begin(self) -> None:
        """Take in the redo log; before any cell is read in its place, for what is written there goes from here."""
        found = await self._reader.redo(self._partition)
        reached = mark_of(found.head)
        chain = Chain(since=self._reached, until=reached)
        chain.take(found.entries)
        if not chain.complete:
            raise Overtaken(f"partition {self._partition} is written faster than it is read")
        self._changes = [cells_of(entry) for entry in found.entries]
        self._reached = reached

    async def look(self) -> None:
        """Take in what changed since the last look, as far as the redo log still has it."""
        entries = await self._reader.tail(self._partition, -self._many, -1)
        until, count = newest_mark(entries) or self._reached, 0
        chain = Chain(since=self._reached, until=until)
        while True:
            chain.take(entries)
            if chain.complete:
                break
            count += len(entries)
            self._weigh(entries)
            # Entries that are added meanwhile push the others on: some come twice, and none is left out.
            entries = await self._reader.tail(self._partition, -count - self._many, -count - 1)
            if not entries:
                return
        self._changes += chain.cells()
        self._reached = until

    def _weigh(self, entries: Sequence[bytes]) -> None:
        """Ask for more entries at a time while they are small: there are many then."""
        if sum(map(len, entries)) < _LIGHT_BYTES:
            self._many = min(2 * self._many, _MOST_ENTRIES)

    async def finish(self) -> tuple[Stored, list[Cells]]:
        """Return head and names, and all changes, by entry, as of one instant."""
        for _ in range(_ROUNDS):
            names = self._stored.names
            self._stored, entries = await self._reader.instant(self._partition, names, entries=self._many)
            chain = Chain(since=self._reached, until=mark_of(self._stored.head))
            chain.take(entries)
            if chain.complete:
                return self._stored, [*self._changes, *chain.cells()]
            self._weigh(entries)
            await self.look()
        raise Overtaken(f"partition {self._partition} is written faster than it is read, or by an older program")
