"""Revokes of a producer's events: the same for the same event whenever they are made, so that twice is once.

Their id says which event they take back, and their time is its time: a second one is a repetition, and no conflict.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from kpis.instants import instant_text
from schemas.events import Revoke

HEADER_UNDONE_BY: Final = "tenure-undone-by"
"""Who has sent a revoke by `tenure undo`."""
_PREFIX: Final = "undo:"
_LONGEST_ID: Final = 256
_write: Final = msgspec.json.Encoder().encode


def revoke_id(source: str, event_id: str) -> str:
    """Return the id of the revoke of an event; where names are long, a hash stands for them."""
    plain = f"{_PREFIX}{source}:{event_id}"
    if len(plain) <= _LONGEST_ID:
        return plain
    both = msgspec.json.encode([source, event_id])
    return f"{_PREFIX}{hashlib.sha256(both).hexdigest()}"


def is_ours(event_id: str) -> bool:
    """Tell whether a revoke of this id was made here."""
    return event_id.startswith(_PREFIX)


def revoke_json(customer_id: str, source: str, event_id: str, time_ms: int) -> bytes:
    """Return the revoke of an event as a record's value.

    Args:
        customer_id: Whose event it is.
        source: Its source, which a revoke has to name.
        event_id: Its id.
        time_ms: Its `time` (ms since 1970).
    """
    return _write(
        {
            "id": revoke_id(source, event_id),
            "type": Revoke.TYPE,
            "source": source,
            "customer_id": customer_id,
            "time": instant_text(time_ms),
            "revokes": event_id,
        }
    )
