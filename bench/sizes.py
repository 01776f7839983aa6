"""The bytes that a customer's state takes, by how many subscriptions the customer has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from kpis.fold.fold import Fold
from kpis.names import Names
from schemas.decoding.decoder import Decoder
from schemas.decoding.rules import LATEST_MS

_SUBSCRIPTIONS = (1, 5)


class _Line(NamedTuple):
    value: bytes
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def state_bytes() -> Mapping[int, int]:
    """Return the bytes of a state after one signup for each subscription, by how many there are."""
    return {count: _bytes_after(count) for count in _SUBSCRIPTIONS}


def _bytes_after(count: int) -> int:
    signups = [
        {
            "id": f"signup-{number}",
            "type": "signup",
            "customer_id": "c",
            "time": f"2026-01-0{number + 1}T09:00:00Z",
            "plan": "pro",
            "mrr_minor": 4900,
            # Who has one needs no id for it.
            **({"subscription_id": f"s{number}"} if count > 1 else {}),
        }
        for number in range(count)
    ]
    decoded = Decoder(latest_ms=LATEST_MS).decode([_Line(json.dumps(signup).encode()) for signup in signups])
    states, _ = Fold(Names()).fold(decoded.events, decoded.times, {}, [50_000 << 4] * count)
    return len(states["c"])
