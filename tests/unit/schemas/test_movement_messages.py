"""Messages about movements: the same id and the same bytes whoever makes them, and all that the relation says."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.movement_messages import movement_id, movement_message
from schemas.relations import MOVEMENTS

ROW = (
    "c-1", 1_772_323_200_000, 1, "upgrade", 1_772_323_200_123, "pro", "team", "PT", "ads", 4900, 9900, 5000, None,
    False,
)  # fmt: skip


def test_message_says_what_the_relation_has_and_its_key_is_its_id() -> None:
    """Receivers keep the last by id."""
    key, value = movement_message(ROW, ("country", "channel"))
    found = json.loads(value)
    assert found["id"].encode() == key == movement_id("c-1", 1_772_323_200_000, 1).encode()
    assert set(found) == {"type", "id", "segments", *(column.name for column in MOVEMENTS.columns)}
    assert found["segments"] == {"country": "PT", "channel": "ads"}
    assert (found["bucket_at"], found["occurred_at"]) == ("2026-03-01T00:00:00.000Z", "2026-03-01T00:00:00.123Z")
    assert (found["mrr_change"], found["reason"], found["involuntary"]) == (5000, None, False)


def test_two_movements_have_two_ids() -> None:
    """One record per movement, whatever the id of the customer is."""
    ids = {movement_id(who, at_ms, place) for who in ("a", "1/a", "b") for at_ms in (0, 3_600_000) for place in (1, 2)}
    assert len(ids) == 12


def test_every_member_is_documented() -> None:
    """A receiver is written by the page."""
    page = (Path(__file__).parents[3] / "docs" / "export.md").read_text(encoding="utf-8")
    _, value = movement_message(ROW, ("country", "channel"))
    assert [name for name in json.loads(value) if f"`{name}`" not in page] == []
