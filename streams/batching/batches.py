"""A batch: what one read brought of one partition, and the schema by which agents receive it.

One batch is one Faust event, so that Faust's work per event is paid once for thousands of records:

    topic = app.topic("customer.signup", schema=BatchSchema())

    @app.agent(topic)
    async def signups(batches: StreamT[Batch]) -> None:
        async for batch in batches:
            ...

Not here: reading (`streams.batching.consumer`) and what is done with a batch (`agents`, `streams.partition.partition`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faust import Schema
from faust.types import TP, AppT, EventT, Message

from streams.packed import Records
from streams.records import NO_HEADERS

if TYPE_CHECKING:
    from faust.serializers.schemas import DecodeFunction, OnKeyDecodeErrorFun, OnValueDecodeErrorFun


class Lease:
    """The right to what was read of a partition since it was assigned, or since the last seek.

    A seek or a revocation ends it; batches that still wait in a queue are then known to be stale.

    Args:
        generation: The consumer group's generation in which the partition was assigned.
        topic_id: Of the topic that is read, as the log knows it: one that was deleted and made anew has another. None
            where the log has no such ids, or is not asked yet.
    """

    __slots__ = ("generation", "topic_id", "valid")

    def __init__(self, generation: int, topic_id: str | None = None) -> None:
        self.generation = generation
        self.topic_id = topic_id
        self.valid = True


class Batch:
    """Records of one partition that follow each other, and the range of offsets that they cover.

    `start` is the position the read began at and `end` the position after it, so that batches of a partition join
    without gaps: the `end` of one is the `start` of the next, whatever holes transactions or compaction left between
    the records. `records` may be empty: then the log holds nothing for us between `start` and `end`.

    Args:
        topic: Name of the topic.
        partition: Number of the partition.
        start: The offset the read began at; every record's offset is at or beyond it.
        end: The next position to read; every record's offset is below it.
        records: In the order of their offsets.
        lease: Under which it was read.
        moves: Whether it has no records and puts the position at its end, wherever that was: somebody has accepted that
            what lies between is lost.
    """

    __slots__ = ("end", "lease", "moves", "partition", "records", "start", "topic")

    def __init__(
        self, topic: str, partition: int, start: int, end: int, records: Records, lease: Lease, *,
        moves: bool = False,
    ) -> None:  # fmt: skip
        assert not (moves and records), "what moves the position brings no records"
        self.moves = moves
        self.topic = topic
        self.partition = partition
        self.start = start
        self.end = end
        self.records = records
        self.lease = lease

    @property
    def stale(self) -> bool:
        """Return whether the partition was revoked or its position moved since this was read: it will be read again."""
        return not self.lease.valid

    @property
    def tp(self) -> TP:
        """Topic and partition, as Faust names them."""
        return TP(self.topic, self.partition)

    def __len__(self) -> int:
        return len(self.records)

    def __bool__(self) -> bool:
        """A batch without records is still a batch: its position counts."""
        return True

    def __repr__(self) -> str:
        return f"<Batch {self.topic}/{self.partition} [{self.start}, {self.end}) records={len(self.records)}>"


class BatchSchema(Schema):  # type: ignore[misc]  # mypy does not follow Faust
    """Hands the batch to the agent as it is: nothing is decoded here."""

    def compile(
        self,
        app: AppT[Any],
        *,
        on_key_decode_error: OnKeyDecodeErrorFun | None = None,
        on_value_decode_error: OnValueDecodeErrorFun | None = None,
        default_propagate: bool = False,
    ) -> DecodeFunction:
        """Return the function that Faust calls with each message; see faust.Schema.compile."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = default_propagate) -> EventT[Any]:  # noqa: ARG001
            return create_event(None, message.value, NO_HEADERS, message)

        return decode
