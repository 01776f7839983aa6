"""One record of a log, and where it lies.

The same type for the embedded log and for Kafka. It names what the rest of the product may read of a record and nothing
more; the attributes are those of aiokafka's ConsumerRecord, so that either can stand for the other.
Not here: batches of records (`streams.batching.batches`) and what records mean (`schemas`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

Headers: TypeAlias = Sequence[tuple[str, bytes]]
"""Name and value of each header, in the order in which the producer wrote them; a name may come twice."""

NO_HEADERS: Headers = ()


class TP(NamedTuple):
    """A partition of a topic: the same tuple as Faust's and aiokafka's, which most commands need not load."""

    topic: str
    partition: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record as it was read.

    A struct because a million of them are made in seconds: a named tuple takes twice as long to make, three times as
    long to read, and Python's collector looks at it again and again while it waits.
    """

    topic: str
    partition: int
    offset: int
    """Its place in the partition; offsets rise, with legal holes."""
    timestamp: int
    """Kafka's timestamp, in ms since 1970 UTC; -1 where the log has none."""
    key: bytes | None
    value: bytes | None
    headers: Headers


class ReadableRecord(Protocol):
    """The members of a record that the product reads, whoever made it."""

    @property
    def topic(self) -> str:
        """Name of the topic."""

    @property
    def partition(self) -> int:
        """Number of the partition, from 0."""

    @property
    def offset(self) -> int:
        """Place in the partition."""

    @property
    def timestamp(self) -> int:
        """Kafka's timestamp, in ms since 1970 UTC."""

    @property
    def key(self) -> bytes | None:
        """The key, as bytes; None is no key."""

    @property
    def value(self) -> bytes | None:
        """The value, as bytes; None is a tombstone."""

    @property
    def headers(self) -> Headers:
        """Name and value of each header."""


RECORD_BYTES: Final = 250
"""What a record takes in memory beside its bytes: the struct, its offset and timestamp, the heads of key and value."""
HEADER_BYTES: Final = 200
_headers_of = attrgetter("headers")


def held_bytes(records: Sequence[Record]) -> list[int]:
    """Return about how much memory each record takes (bytes)."""
    sizes = [len(record.value or b"") + len(record.key or b"") + RECORD_BYTES for record in records]
    if have_headers(records):
        for n, record in enumerate(records):
            if record.headers:
                content = sum(len(name) + len(value or b"") for name, value in record.headers)
                sizes[n] += HEADER_BYTES * len(record.headers) + content
    return sizes


def have_headers(records: Iterable[Record]) -> bool:
    """Return whether any of the records has a header."""
    return any(map(_headers_of, records))
