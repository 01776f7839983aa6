"""A log in memory with Kafka's semantics: topics, partitions, offsets, consumer groups, rebalances, fencing.

Pure: no asyncio, no clock, no randomness, no I/O. Time comes in as `now_seconds`; who waits is told by plain callbacks,
called at once, which should only set a flag. `streams.embedded.transport` carries it to Faust; the tests in
tests/contract hold it to what Kafka does. Not here: segments, replication, compaction by key, exactly-once producers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import count
from typing import TYPE_CHECKING, Final

from faust.types import TP

from streams.batching.assignment import Claim, assign
from streams.batching.partitioner import murmur2
from streams.batching.witness import Committed
from streams.records import NO_HEADERS, Headers, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_POSITIVE: Final = 0x7FFFFFFF


class Fenced(Exception):
    """The member is unknown to its group, or its generation is over."""


class Refused(Exception):
    """The position asked for is not in the log.

    Args:
        tp: Topic and partition.
        position: The offset asked for.
    """

    def __init__(self, tp: TP, position: int) -> None:
        self.tp = tp
        self.position = position
        super().__init__(f"{tp.topic}/{tp.partition} has no offset {position}")


class PartitionLog:
    """The records of one partition, in the order of their offsets.

    Args:
        retained_records: Older records are deleted beyond this many; None keeps all.
    """

    __slots__ = ("_offsets", "_records", "earliest", "end", "retained_records")

    def __init__(self, retained_records: int | None = None) -> None:
        self.earliest = 0
        self.end = 0
        self.retained_records = retained_records
        self._offsets = array("q")
        self._records: list[Record] = []

    def append(self, record: Record) -> None:
        """Add a record whose offset is `end`."""
        assert record.offset == self.end, f"offset {record.offset} at end {self.end}"
        self._offsets.append(record.offset)
        self._records.append(record)
        self.end += 1
        # Twice the limit at once, so that deleting costs little per record.
        if self.retained_records is not None and len(self._records) >= 2 * self.retained_records:
            self.delete_before(self._offsets[-self.retained_records])

    def skip(self, offsets: int) -> None:
        """Leave a hole, as a transaction's markers and aborted records do."""
        self.end += offsets

    def delete_before(self, offset: int) -> None:
        """Delete all records below an offset, as retention does."""
        self.earliest = max(self.earliest, min(offset, self.end))
        gone = bisect_left(self._offsets, self.earliest)
        del self._offsets[:gone]
        del self._records[:gone]

    def read(self, position: int, limit: int) -> tuple[list[Record], int]:
        """Return at most `limit` records from a position on, and the position after them.

        Raises:
            LookupError: The position is below the earliest offset or beyond the end.
        """
        if not self.earliest <= position <= self.end:
            raise LookupError(position)
        first = bisect_left(self._offsets, position)
        records = self._records[first : first + limit]
        after = first + len(records)
        return records, self.end if after == len(self._records) else records[-1].offset + 1


class GroupMember:
    """One consumer of a group."""

    __slots__ = (
        "assigned",
        "generation",
        "holder",
        "joined",
        "name",
        "notify",
        "seen_seconds",
        "timeout_seconds",
        "topics",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.topics: frozenset[str] = frozenset()
        #: who joined under this name last; None where nobody said
        self.holder: object = None
        self.notify: Callable[[], None] = _nobody
        self.seen_seconds = 0.0
        self.timeout_seconds = 0.0
        self.joined = False
        self.assigned: frozenset[TP] = frozenset()
        self.generation = -1


class Group:
    """A consumer group with the eager protocol: any change makes all members rejoin and starts a new generation.

    Args:
        log: Whose partitions it shares out.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.members: dict[str, GroupMember] = {}
        self.committed: dict[TP, Committed] = {}
        self.generation = 0
        self.stable = True
        self._deadline_seconds = 0.0

    def join(
        self, name: str, topics: Iterable[str], notify: Callable[[], None], now_seconds: float, *,
        timeout_seconds: float = 10.0, rebalance_timeout_seconds: float = 60.0, holder: object = None,
    ) -> GroupMember:  # fmt: skip
        """Enter or re-enter the group; the last member to do so ends the rebalance.

        Args:
            name: The member's id; one that is already there is the same member, come back (static membership).
            topics: What it reads.
            notify: Called whenever the member must look at the group again.
            now_seconds: The time.
            timeout_seconds: Without a heartbeat for so long, the member is dropped.
            rebalance_timeout_seconds: Members that do not rejoin for so long are dropped.
            holder: Who joins; takes the place of another one who is there under this name, and who is unknown then.
        """
        member = self.members.setdefault(name, GroupMember(name))
        settled = self.stable and member.joined and member.topics == frozenset(topics)
        member.topics, member.notify, member.holder = frozenset(topics), notify, holder
        member.seen_seconds, member.timeout_seconds = now_seconds, timeout_seconds
        if not settled:
            self._unsettle(now_seconds + rebalance_timeout_seconds)
            member.joined = True
            self._settle_if_complete()
        return member

    def leave(self, name: str, now_seconds: float) -> None:
        """Take a member out; its partitions go to the others."""
        if self.members.pop(name, None) is not None:
            self._unsettle(now_seconds + 60.0)
            self._settle_if_complete()

    def is_taken(self, name: str, holder: object) -> bool:
        """Return whether another one has taken the place of who joined under this name."""
        member = self.members.get(name)
        return member is not None and member.holder is not holder

    def heartbeat(self, name: str, generation: int, now_seconds: float, *, holder: object = None) -> bool:
        """Note that a member lives, and drop those that do not.

        Returns:
            Whether it was recognised and needs not rejoin.
        """
        self.expire(now_seconds)
        member = self.members.get(name)
        if member is None or member.generation != generation or member.holder is not holder:
            return False
        member.seen_seconds = now_seconds
        return self.stable

    def expire(self, now_seconds: float) -> None:
        """Drop members that were not heard of within their time-out, or did not rejoin in time."""
        late = not self.stable and now_seconds > self._deadline_seconds
        for member in list(self.members.values()):
            silent = now_seconds - member.seen_seconds > member.timeout_seconds
            if silent or (late and not member.joined):
                self.leave(member.name, now_seconds)

    def commit(self, name: str, generation: int, offsets: Mapping[TP, Committed]) -> None:
        """Store the group's offsets, each with its metadata.

        Raises:
            Fenced: The member is unknown, or its generation is not the group's.
        """
        if name not in self.members or generation != self.generation:
            raise Fenced(f"{name} of generation {generation}; the group is at {self.generation}")
        self.committed.update(offsets)

    def _unsettle(self, deadline_seconds: float) -> None:
        if not self.stable:
            return
        self.stable, self._deadline_seconds = False, deadline_seconds
        for member in self.members.values():
            member.joined = False
        self._notify_all()

    def _settle_if_complete(self) -> None:
        if not self.members or not all(member.joined for member in self.members.values()):
            return
        self.generation += 1
        self.stable = True
        claims = {
            member.name: Claim(member.topics, member.generation, frozenset(tp.partition for tp in member.assigned))
            for member in self.members.values()
        }
        topics = sorted({topic for member in self.members.values() for topic in member.topics})
        shares = assign(claims, {topic: self._log.partitions(topic) for topic in topics})
        for member in self.members.values():
            member.assigned = frozenset(TP(*tp) for tp in shares[member.name])
            member.generation = self.generation
        self._notify_all()

    def _notify_all(self) -> None:
        for member in list(self.members.values()):
            member.notify()


class Log:
    """Topics, their partitions, and the groups that read them.

    Args:
        default_partitions: Partitions of a topic that is created by being used (count).
        retained_records: What each partition keeps at least; None keeps all.
    """

    def __init__(self, default_partitions: int = 4, *, retained_records: int | None = None) -> None:
        self.default_partitions = default_partitions
        self.retained_records = retained_records
        self.topics: dict[str, list[PartitionLog]] = {}
        self._groups: dict[str, Group] = {}
        self._watchers: dict[int, Callable[[], None]] = {}
        self._watches = count()
        self._keyless = 0
        #: of each topic, another one for each time that it was created
        self.topic_ids: dict[str, str] = {}
        self._ids = count(1)

    def create_topic(self, topic: str, partitions: int | None = None) -> None:
        """Create a topic unless it is there."""
        if topic not in self.topics:
            n = self.default_partitions if partitions is None else partitions
            self.topics[topic] = [PartitionLog(self.retained_records) for _ in range(n)]
            self.topic_ids[topic] = f"{next(self._ids):032x}"

    def recreate_topic(self, topic: str) -> None:
        """Delete a topic, with the offsets that groups have committed to it, and create it anew as it was."""
        partitions = len(self.topics.pop(topic))
        for group in self._groups.values():
            group.committed = {tp: at for tp, at in group.committed.items() if tp.topic != topic}
        self.create_topic(topic, partitions)
        self.wake()

    def partitions(self, topic: str) -> int:
        """Return the number of partitions of a topic; creates it."""
        self.create_topic(topic)
        return len(self.topics[topic])

    def partition(self, tp: TP) -> PartitionLog:
        """Return one partition; creates its topic."""
        self.create_topic(tp.topic)
        number: int = tp.partition
        return self.topics[tp.topic][number]

    def partition_for(self, topic: str, key: bytes | None) -> int:
        """Return the partition that a producer would choose: by murmur2, or in turn without a key."""
        if key is None:
            self._keyless += 1
            return self._keyless % self.partitions(topic)
        return (murmur2(key) & _POSITIVE) % self.partitions(topic)

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, *,
        timestamp_ms: int, partition: int | None = None, headers: Headers = NO_HEADERS,
    ) -> Record:  # fmt: skip
        """Add a record at the end of a partition, and wake who waits for records.

        Args:
            topic: Created if it is not there.
            key: Decides the partition, unless `partition` does.
            value: The record's bytes.
            timestamp_ms: In ms since 1970 UTC.
            partition: Number of the partition.
            headers: Name and value of each header.
        """
        number = self.partition_for(topic, key) if partition is None else partition
        place = self.partition(TP(topic, number))
        record = Record(topic, number, place.end, timestamp_ms, key, value, headers)
        place.append(record)
        self.wake()
        return record

    def group(self, name: str) -> Group:
        """Return a consumer group; creates it."""
        return self._groups.setdefault(name, Group(self))

    def read(self, tp: TP, position: int, limit: int) -> tuple[list[Record], int]:
        """Return at most `limit` records from a position on, and the position after them.

        Raises:
            Refused: The position is not in the log.
        """
        try:
            return self.partition(tp).read(position, limit)
        except LookupError:
            raise Refused(tp, position) from None

    def watch(self, wake: Callable[[], None]) -> int:
        """Call `wake` whenever a record comes; returns the ticket for `unwatch`."""
        ticket = next(self._watches)
        self._watchers[ticket] = wake
        return ticket

    def unwatch(self, ticket: int) -> None:
        """Stop calling."""
        self._watchers.pop(ticket, None)

    def forget_readers(self) -> None:
        """Drop all members of all groups and all who wait: the log stays, for a reader to come."""
        self._watchers.clear()
        for group in self._groups.values():
            group.members.clear()

    def wake(self) -> None:
        """Call all who wait for records."""
        for wake in list(self._watchers.values()):
            wake()


def _nobody() -> None:
    """Stand in for a member's callback until it joins."""
