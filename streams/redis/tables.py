"""Tables on Redis, or on Redis Cluster: one transaction commits a batch.

All keys of a partition share its hash tag, so that one transaction may write them on a cluster too:

    <prefix>:{<partition>}:h            the head: positions and counts of events
    <prefix>:{<partition>}:b            how many commits were begun, and how many ended
    <prefix>:{<partition>}:s:<customer> a customer's state
    <prefix>:{<partition>}:c:<group>    counters of one value of one dimension: span -> its cells, packed
    <prefix>:{<partition>}:n:<table>    names, in the order of their numbers
    <prefix>:{<partition>}:w            the redo log: what the newest commits changed of both (see `streams.redo`)
    <prefix>:{<partition>}:r            by period that is over: revision, and what restatements changed of each count
    <prefix>:{<partition>}:r:<period>   its newest restatements, oldest first
    <prefix>:{<partition>}:f            requests to forget customers: customer -> request
    <prefix>:g<number>:{<partition>}:…  the same of a later generation: `tenure rebuild` has built it beside another one
    <prefix>:mark                       the stream's mark, with the generation that holds
    <prefix>:note:<name>                small values that belong to no partition
    <prefix>:log:<name>                 small logs that belong to no partition, as lists
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any, Final, cast

from kpis.counting.cells import Cells, newest, of_groups
from kpis.counting.spans import SPAN_FIELD_BITS
from streams.errors import COUNT_ELSEWHERE, CommitTorn, Conflict, StateUnreadable
from streams.redis.clearing import clear_keys
from streams.redis.commands import Argument, Command, in_parts, pieces_of, setting
from streams.redis.commit import DoneInPart, Torn, run_where
from streams.redis.connection import asked, check_durability, connect, unsafe_of
from streams.redis.reading import PartitionReader, check_head, field_of
from streams.redis.scan import Seen, scan_customers, scan_keys
from streams.redis.script import ASK
from streams.redo import newest_states, parts_of_entry, states_of
from streams.tables import (
    RESTATEMENTS_KEPT,
    Commit,
    Erasure,
    PeriodUpdate,
    Redo,
    Restated,
    Stored,
    StreamMark,
    Under,
    Written,
    positions_of,
)

__all__ = ["RedisTables", "check_durability", "connect"]
_SLICE: Final = 5000
_SCANNED: Final = 2500
"""Customers of the redo log that a scan passes on together, at most (count)."""
_DAMAGED: Final = b"damaged"
"""A head that is none: the partition's tables hold one commit in part."""
_FOREIGN_KEYS: Final = (
    "Redis has stored a commit in part, for somebody else writes keys that begin with {prefix} ({error}); "
    f"have them write elsewhere, then {COUNT_ELSEWHERE}"
)
_Client = Any  # redis.asyncio.Redis | RedisCluster: their commands are typed as sync or async, which helps nobody


def _restating(key: str, updates: Sequence[PeriodUpdate]) -> list[Command]:
    """Return the commands that add restatements of periods, and forget the oldest."""
    commands: list[Command] = []
    fields: list[Argument] = []
    for period, entries, revision, changes in updates:
        if entries:  # a copy may have the sums of a period alone
            commands += [("RPUSH", f"{key}:{period}", *entries), ("LTRIM", f"{key}:{period}", -RESTATEMENTS_KEPT, -1)]
        fields += (period, revision)
        for name, change in changes.items():
            fields += (f"{period} {name}", change)
    return [*commands, ("HSET", key, *fields)] if fields else []


def _mark_text(mark: StreamMark) -> str:
    """Return a mark as it is stored; of the first generation as earlier versions read it."""
    return json.dumps({name: value for name, value in mark._asdict().items() if name != "generation" or value})


class RedisTables:
    """Implements `streams.tables.Tables`."""

    def __init__(self, client: _Client, *, prefix: str) -> None:
        """Take a client of `connect`, and the prefix of all keys."""
        self._redis = client
        self._prefix = prefix
        self._generation: int | None = None
        self._reader = PartitionReader(client, prefix=prefix)
        self._notes = f"{prefix}:note:"
        self._logs = f"{prefix}:log:"
        self._mark_key = f"{prefix}:mark"
        #: what Redis refused of commits that it carried out in part, by their head
        self._in_part: dict[bytes, DoneInPart] = {}

    @property
    def generation(self) -> int:
        """See `Tables`."""
        return self._generation or 0

    def beside(self, generation: int) -> RedisTables:
        """See `Tables`."""
        found = RedisTables(self._redis, prefix=self._prefix)
        found._be(generation)
        return found

    def _be(self, generation: int) -> None:
        self._generation = generation
        self._reader = PartitionReader(self._redis, prefix=self._space)

    @property
    def _space(self) -> str:
        """The beginning of all keys of partitions."""
        return f"{self._prefix}:g{self._generation}" if self._generation else self._prefix

    def _key(self, partition: int, rest: str) -> str:
        return self._reader.key(partition, rest)

    async def load(self, partition: int, since: Stored | None = None) -> Stored:
        """See `Tables`."""
        return await self._reader.load(partition, since)

    async def snapshot(
        self, partition: int, groups: Sequence[int], since: Stored | None = None
    ) -> tuple[Stored, Cells]:
        """See `Tables`."""
        before = since or await self.load(partition)
        stored, cells = await self._reader.snapshot(partition, groups, before)
        return stored, of_groups(cells, groups) if since is None else cells

    async def read_head(self, partition: int) -> bytes | None:
        """See `Tables`."""
        (head,) = await self._reader.whole(partition, ())
        return cast("bytes | None", head)

    async def read_redo(self, partition: int) -> Redo:
        """See `Tables`."""
        return await self._reader.redo(partition)

    async def read_states(self, partition: int, customers: Sequence[str]) -> list[bytes | None]:
        """See `Tables`."""
        newer = newest_states((await self.read_redo(partition)).entries)  # first: what is written meanwhile goes
        others = [customer for customer in customers if customer not in newer]
        written = dict(zip(others, await self.read_written(partition, others), strict=True))
        return [newer[customer] if customer in newer else written[customer] for customer in customers]

    async def read_written(
        self, partition: int, customers: Sequence[str], *, under: Under | None = None
    ) -> list[bytes | None]:
        """See `Tables`."""
        start, head = self._key(partition, "s:"), self._key(partition, "h")
        out: list[bytes | None] = []
        for at in range(0, len(customers), _SLICE):
            keys = [head, *(start + customer for customer in customers[at : at + _SLICE])]
            found, *states = await asked(lambda keys=keys: self._redis.mget(keys))  # type: ignore[misc]
            check_head(partition, found, under)
            out += states
        return out

    async def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """See `Tables`; on a cluster that is moving slots meanwhile, customers may be missing."""
        seen = Seen()
        for partition in partitions:
            async for states in self._scan_redo(partition, seen):
                yield partition, list(states.items())
        async for partition, customers in scan_customers(
            self._redis, prefix=self._space, partitions=partitions, seen=seen
        ):
            found = await self.read_written(partition, customers)
            pairs = [(name, state) for name, state in zip(customers, found, strict=True) if state is not None]
            if pairs:
                yield partition, pairs

    async def scan_customers(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[str]]]:
        """See `Tables`; on a cluster that is moving slots meanwhile, customers may be missing."""
        seen = Seen()
        for partition in partitions:
            async for states in self._scan_redo(partition, seen):
                yield partition, list(states)
        async for found in scan_customers(self._redis, prefix=self._space, partitions=partitions, seen=seen):
            yield found

    async def _scan_redo(self, partition: int, seen: Seen) -> AsyncIterator[dict[str, bytes]]:
        """Yield the states that the redo log holds, the newest entries first; their keys have been seen by then."""
        start = self._key(partition, "s:")
        for entry in reversed((await self.read_redo(partition)).entries):
            states = states_of(entry)
            fresh = await seen.fresh([(start + customer).encode() for customer in states])
            for at in range(0, len(fresh), _SCANNED):
                customers = [key.decode()[len(start) :] for key in fresh[at : at + _SCANNED]]
                yield {customer: states[customer] for customer in customers}

    async def read_spans(self, partition: int, spans: Sequence[int], *, under: Under | None = None) -> Cells:
        """See `Tables`."""
        return await self._reader.spans(partition, spans, under)

    async def read_group(self, partition: int, group: int, *, under: Under | None = None) -> Cells:
        """See `Tables`."""
        return newest([some async for some in self._reader.slices(partition, group, under)])

    async def restated(
        self, partition: int, periods: Sequence[str] = (), *, under: Under | None = None
    ) -> dict[str, Restated]:
        """See `Tables`."""
        found = await self._restated(partition, (), under)
        for period in periods:
            if period in found:  # one at a time: its entries may be a thousand
                found |= {
                    name: known
                    for name, known in (await self._restated(partition, [period], under)).items()
                    if name == period
                }
        return found

    async def _restated(self, partition: int, periods: Sequence[str], under: Under | None) -> dict[str, Restated]:
        """Return the restatements of all periods, and the entries of some, read in one step."""
        keys = [*(self._key(partition, f"r:{period}") for period in periods), self._key(partition, "r")]
        head, *lists, flat = await self._reader.whole(partition, keys, starts=[0] * len(periods))
        check_head(partition, head, under)
        entries = dict(zip(periods, lists, strict=True))
        found: dict[str, Restated] = {}
        for field, amount in zip(flat[::2], flat[1::2], strict=True):
            period, _, count = field.decode().partition(" ")
            known = found.get(period) or Restated(0, {}, entries.get(period, []))
            if count:
                known.changes[count] = int(amount)
            found[period] = known if count else known._replace(revision=int(amount))
        return found

    async def restatements(self, partition: int, period: str, *, under: Under | None = None) -> list[bytes]:
        """See `Tables`."""
        head, entries = await self._reader.whole(partition, [self._key(partition, f"r:{period}")], starts=[0])
        check_head(partition, head, under)
        return cast("list[bytes]", entries)

    async def commit(self, partition: int, commit: Commit) -> None:
        """See `Tables`."""
        commands = self._writing(partition, commit.written)
        commands += self._erasing(partition, commit.erasure)
        for table, names in commit.names.items():
            commands += [("RPUSH", self._key(partition, f"n:{table}"), *part) for part in pieces_of(names)]
        commands += _restating(self._key(partition, "r"), commit.restated)
        redo, kept = self._key(partition, "w"), commit.written.kept
        entry = parts_of_entry(commit.expected, commit.head, commit.cells, commit.states)
        commands.append(in_parts(("RPUSH", redo), entry))
        if kept is not None:
            commands.append(("LTRIM", redo, -kept, -1))
        head, counter = self._key(partition, "h"), self._key(partition, "b")
        commands.append(("SET", head, commit.head))
        try:
            if commit.head in self._in_part:  # tried again, since the answer to the next line was lost
                raise self._in_part[commit.head]
            stored = await asked(lambda: run_where(self._redis, head, commit.expected, commands, counter=counter))
        except Torn as error:
            raise CommitTorn(partition) from error
        except DoneInPart as error:
            self._in_part[commit.head] = error
            await asked(lambda: self._redis.set(head, _DAMAGED))  # or the next to load it would go on from there
            raise StateUnreadable(partition, _FOREIGN_KEYS.format(prefix=self._prefix, error=error)) from error
        if stored not in (commit.expected, commit.head):  # our own head: an answer was lost, the commit was not
            raise Conflict(partition, positions_of(commit.expected), positions_of(stored))

    def _writing(self, partition: int, written: Written) -> list[Command]:
        """Return the commands that write states and spans to their places."""
        by_group: dict[int, list[Argument]] = {}
        for span, cells in written.spans.items():
            by_group.setdefault(span >> SPAN_FIELD_BITS, []).extend((field_of(span), cells))
        commands = setting(written.states, self._key(partition, "s:"))
        for group, pairs in by_group.items():
            commands += [("HSET", self._key(partition, f"c:{group}"), *part) for part in pieces_of(pairs)]
        return commands

    def _erasing(self, partition: int, erasure: Erasure) -> list[Command]:
        """Return the commands that remove customers, and what names them."""
        start, requests = self._key(partition, "s:"), self._key(partition, "f")
        commands: list[Command] = [("UNLINK", start + customer) for customer in erasure.gone]
        for period, entries in erasure.relisted.items():
            key = self._key(partition, f"r:{period}")
            commands += [("DEL", key), ("RPUSH", key, *entries)]
        for customer, request in erasure.requests.items():
            commands.append(("HDEL", requests, customer) if request is None else ("HSET", requests, customer, request))
        return commands

    async def ask_to_forget(self, partition: int, customer: str, request: bytes, known: bytes | None = None) -> None:
        """See `Tables`."""
        key = self._key(partition, "f")
        await asked(lambda: ASK.run(self._redis, [key], [customer, request, known or b""]))

    async def forget_requests(self, partition: int) -> dict[str, bytes]:
        """See `Tables`."""
        found = await asked(lambda: self._redis.hgetall(self._key(partition, "f")))
        return {customer.decode(): request for customer, request in found.items()}

    async def clear(self, partition: int) -> None:
        """See `Tables`."""
        await clear_keys(self._redis, self._key(partition, ""), partition)

    async def discard(self, partition: int, *, held: bytes | None = None) -> None:
        """See `Tables`."""
        start, head = self._key(partition, ""), self._key(partition, "h")
        kept = {head.encode(), f"{start}b".encode()} if held is not None else set()
        async for keys in scan_keys(self._redis, f"{start}*", [start]):
            gone = [key for key in keys if key not in kept]
            if gone and held is None:
                await asked(lambda gone=gone: self._redis.unlink(*gone))  # type: ignore[misc]
            elif gone and held is not None:
                # Fenced each time: a replica that has taken over meanwhile may not know that these tables are left.
                commands = [("UNLINK", *gone), ("SET", head, held)]
                stored = await asked(lambda commands=commands: run_where(self._redis, head, held, commands))  # type: ignore[misc]
                if stored != held:
                    raise Conflict(partition, {}, positions_of(stored))

    async def mark(self, mark: StreamMark) -> StreamMark:
        """See `Tables`."""
        text = _mark_text(mark._replace(generation=self.generation))
        await asked(lambda: self._redis.set(self._mark_key, text, nx=True))
        found = await self.read_mark()
        assert found is not None
        if not found.id and mark.id:  # two workers at once: the later one's holds, and both read it at the next start
            found = found._replace(id=mark.id)
            await asked(lambda: self._redis.set(self._mark_key, _mark_text(found), xx=True))
        return found

    async def read_mark(self) -> StreamMark | None:
        """See `Tables`."""
        found = await asked(lambda: self._redis.get(self._mark_key))
        if found is None:
            return None
        mark = StreamMark(**json.loads(found))
        if self._generation is None:
            self._be(mark.generation)
        return mark

    async def switch(self, expected: StreamMark, mark: StreamMark) -> bool:
        """See `Tables`."""
        before = await asked(lambda: self._redis.get(self._mark_key))
        if before is None or StreamMark(**json.loads(before)) != expected:
            return False
        text = _mark_text(mark).encode()
        commands = [("SET", self._mark_key, text)]
        stored = await asked(lambda: run_where(self._redis, self._mark_key, before, commands))
        return stored in (before, text)

    async def note(self, name: str, value: bytes | None) -> bytes | None:
        """See `Tables`."""
        key = self._notes + name
        if value is not None:
            await asked(lambda: self._redis.set(key, value))
            return value
        return cast("bytes | None", await asked(lambda: self._redis.get(key)))

    async def append(self, name: str, entry: bytes) -> None:
        """See `Tables`."""
        await asked(lambda: self._redis.rpush(self._logs + name, entry))

    async def entries(self, name: str, first: int = 0) -> list[bytes]:
        """See `Tables`."""
        return cast("list[bytes]", await asked(lambda: self._redis.lrange(self._logs + name, first, -1)))

    async def unsafe(self) -> list[str]:
        """See `unsafe_of`."""
        return await unsafe_of(self._redis)

    async def close(self) -> None:
        """See `Tables`."""
        await self._redis.aclose()
