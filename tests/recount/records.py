"""Records as they lie in Kafka or in a file, and the lines of a file as records.

A record's key and topic decide no number: a type on the wrong topic and a record on the wrong partition count alike.
Definitions: the contract, topics and events.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record.

    Attributes:
        value: Its bytes; None, as of a tombstone, is an empty value.
        topic: The topic that it lies on; None for a line of a file.
        key: The customer id, by right.
        headers: Names and values, in their order.
        timestamp_ms: Kafka's timestamp (milliseconds since 1970); None where there is none, as in files.
    """

    value: bytes | None
    topic: str | None = None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int | None = None

    @property
    def is_line(self) -> bool:
        """Whether it is a line of a file."""
        return self.topic is None


#: A record, the bytes of a line, or the members of one.
Sent: TypeAlias = Record | bytes | Mapping[str, object]


def record_of(sent: Sent) -> Record:
    """Return what was sent as a record."""
    if isinstance(sent, Record):
        return sent
    return Record(value=sent if isinstance(sent, bytes) else json.dumps(sent).encode())


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines of a file of NDJSON; a line of white space alone is no record."""
    return [line for line in content.split(b"\n") if line.strip()]
