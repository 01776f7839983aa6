"""Requests sent for one partition: they keep a late event from having a customer asked twice.

Sixteen bytes for each request, those of a day in one value: the customer's hash and the instant at which it was due.
Days share SLOTS values in turn, so that what is old is overwritten and nothing needs to be deleted. Should two
customers have one hash, one of them may be left alone for once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import numpy as np
import xxhash

from schemas.instants import DAY_MS

#: More than the longest quiet interval and what is kept of requests that are late, in days.
SLOTS: Final = 400
_ENTRY: Final = np.dtype([("customer", "<u8"), ("due_ms", "<i8")])


def slots_of(from_ms: int, to_ms: int) -> list[str]:
    """Return the names of the values that hold what was due in [from, to); at most SLOTS days."""
    days = range(from_ms // DAY_MS, (to_ms - 1) // DAY_MS + 1)
    assert len(days) <= SLOTS, f"{len(days)} days do not fit into {SLOTS} slots"
    return [_slot(day) for day in days]


def _slot(day: int) -> str:
    return str(day % SLOTS)


def _hash_of(customer_id: str) -> int:
    return xxhash.xxh3_64_intdigest(customer_id.encode())


def without_customer(value: bytes, customer_id: str) -> bytes:
    """Return what a slot holds without the requests to a customer."""
    entries = np.frombuffer(value, _ENTRY)
    left: bytes = entries[entries["customer"] != np.uint64(_hash_of(customer_id))].tobytes()
    return left


def split_by_customer(value: bytes, homes: Mapping[int, int]) -> dict[int, bytes]:
    """Return the requests of a slot by what a customer is mapped to; those of customers that are not are left out.

    Args:
        value: Of the slot.
        homes: By the hash of a customer's id.
    """
    entries = np.frombuffer(value, _ENTRY)
    places = np.fromiter((homes.get(each, -1) for each in entries["customer"].tolist()), np.int64, len(entries))
    return {int(home): entries[places == home].tobytes() for home in np.unique(places[places >= 0])}


class SentRequests:
    """Requests of the past, and those that are added."""

    def __init__(self, stored: Mapping[str, bytes | None], *, from_ms: int) -> None:
        """Take what is stored.

        Args:
            stored: Values by slot.
            from_ms: What was due earlier does not matter (ms since 1970): slots may still hold it.
        """
        packed = b"".join(value for value in stored.values() if value)
        entries = np.frombuffer(packed, _ENTRY)
        entries = entries[entries["due_ms"] >= from_ms // DAY_MS * DAY_MS]
        self._entries = np.sort(entries, order="customer")
        self._customers = np.ascontiguousarray(self._entries["customer"])
        self._added: dict[int, list[int]] = defaultdict(list)  # by customer
        self._days: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._changed: set[int] = set()

    def is_quiet(self, customer_id: str, due_ms: int, quiet_ms: int) -> bool:
        """Return whether a request to a customer was due less than the quiet interval before or after an instant."""
        customer = _hash_of(customer_id)
        low = int(np.searchsorted(self._customers, np.uint64(customer), "left"))
        high = int(np.searchsorted(self._customers, np.uint64(customer), "right"))
        known = [*self._entries["due_ms"][low:high].tolist(), *self._added.get(customer, ())]
        return any(abs(due_ms - asked_ms) < quiet_ms for asked_ms in known)

    def add(self, customer_id: str, due_ms: int) -> None:
        """Remember a request."""
        customer, day = _hash_of(customer_id), due_ms // DAY_MS
        self._added[customer].append(due_ms)
        self._days[day].append((customer, due_ms))
        self._changed.add(day)

    def take_changes(self) -> dict[str, bytes]:
        """Return the values that are other than stored since the last call, by slot: the caller stores them."""
        days, self._changed = sorted(self._changed), set()
        return {_slot(day): self._packed(day) for day in days}

    def _packed(self, day: int) -> bytes:
        old = self._entries[self._entries["due_ms"] // DAY_MS == day]
        return np.concatenate((old, np.array(self._days[day], _ENTRY))).tobytes()
