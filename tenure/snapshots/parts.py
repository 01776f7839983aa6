"""The parts of a snapshot: what the tables of a stream hold, in words that no way of storing it decides.

So a snapshot is read by whatever stores the same facts otherwise. Commands: `tenure.commands.snapshot`, `restore`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from schemas.events import NO_CUSTOMER

#: Names of small values that belong to no partition, and are the stream's: not who holds it, nor a build.
NOTES: Final = ("shown", "feeds:shown")
#: Small logs that belong to no partition.
LOGS: Final = ("targets", "losses", "partitions", "rebuilds", "digests")


class SnapshotHeader(msgspec.Struct, frozen=True, tag="header"):
    """The first part.

    Attributes:
        group: Consumer group of the stream.
        partitions: Over which customers are spread (count).
        in_use: Those that have something stored (count).
        meaning: Settings that decide what numbers mean, as JSON.
        stream_id: Of the mark.
        state_version: Of the tables.
        program: Version of the program that wrote it.
        taken_at_ms: When (ms since 1970).
    """

    group: str
    partitions: int
    in_use: int
    meaning: str
    stream_id: str
    state_version: int
    program: str
    taken_at_ms: int


class PartitionPart(msgspec.Struct, frozen=True, tag="partition"):
    """The head and names of a partition; what follows until the next one belongs to it."""

    partition: int
    #: None where nothing was stored
    head: bytes | None
    names: dict[str, list[str]]


class StatesPart(msgspec.Struct, frozen=True, tag="states"):
    """Some customers with their states; of a schedule of surveys, slots and what they hold."""

    states: list[tuple[str, bytes]]


class CellsPart(msgspec.Struct, frozen=True, tag="cells"):
    """Some cells: keys (see `kpis.counting.cells`) in order, and as many amounts."""

    keys: list[int]
    amounts: list[int]


class RestatedPart(msgspec.Struct, frozen=True, tag="restated"):
    """The restatements of one period."""

    period: str
    revision: int
    changes: dict[str, int]
    entries: list[bytes]


class RequestsPart(msgspec.Struct, frozen=True, tag="requests"):
    """Requests to forget customers that wait."""

    requests: dict[str, bytes]


class SharedPart(msgspec.Struct, frozen=True, tag="shared"):
    """The last part but one: notes and logs of the stream, which belong to no partition."""

    notes: dict[str, bytes]
    logs: dict[str, list[bytes]]


class CountsPart(msgspec.Struct, frozen=True, tag="counts", rename={"states": "customers"}):
    """The last part: how much there is, to compare with what was restored."""

    #: of customers, and that of marks
    states: int
    cells: int


def customers_among(states: Iterable[tuple[str, bytes]]) -> int:
    """Return how many of some states are of a customer: that of marks is of nobody (count)."""
    return sum(name != NO_CUSTOMER for name, _ in states)


Part = SnapshotHeader | PartitionPart | StatesPart | CellsPart | RestatedPart | RequestsPart | SharedPart | CountsPart
encode_part = msgspec.msgpack.Encoder().encode
decode_part = msgspec.msgpack.Decoder(Part).decode
