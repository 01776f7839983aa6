"""Messages about movements: what customers' facts come to, for other systems, one record for each movement there is.

Not an event: nobody may send one to the stream. A record's key is the movement's id, and the topic keeps the last of
each; one without a value says that the movement never was. For its reader: docs/export.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from schemas.instants import EPOCH
from schemas.relations import MOVEMENTS, ColumnKind, RelationRow

_COLUMNS: Final = tuple(column.name for column in MOVEMENTS.columns)
_ENCODE: Final = msgspec.json.Encoder().encode
MESSAGE_TYPE: Final = "movement"
HEADER_OWNER: Final = "tenure-owner"
"""The header by which the stream knows what it has exported."""


def movement_id(customer_id: str, bucket_at_ms: int, place: int) -> str:
    """Return the id of a movement: the same whenever, and by whomever, it is computed; 32 hexadecimal digits.

    Args:
        customer_id: Whose.
        bucket_at_ms: Start of its bucket (ms since 1970).
        place: In that bucket, 1 or 2.
    """
    return hashlib.sha256(f"{place}/{bucket_at_ms}/{customer_id}".encode()).hexdigest()[:32]


def movement_message(row: RelationRow, dimensions: Sequence[str]) -> tuple[bytes, bytes]:
    """Return key and value of the record of a movement.

    Args:
        row: Of the relation `movements`, with the values of dimensions in it.
        dimensions: Every dimension but plan.
    """
    columns = MOVEMENTS.columns_with(dimensions)
    first = MOVEMENTS.segments or 0
    values = [*row[:first], *row[first + len(dimensions) :]]
    found = dict(zip(_COLUMNS, values, strict=True))
    instants = {each.name for each in columns if each.kind is ColumnKind.INSTANT}
    key = movement_id(found["customer_id"], found["bucket_at"], found["place"])
    told = {name: _instant(value) if name in instants else value for name, value in found.items()}
    segments = dict(zip(dimensions, row[first:], strict=False))
    return key.encode(), _ENCODE({"type": MESSAGE_TYPE, "id": key, **told, "segments": segments})


def _instant(at_ms: int) -> str:
    """Return an instant in UTC with milliseconds."""
    at = EPOCH + dt.timedelta(milliseconds=at_ms)
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
