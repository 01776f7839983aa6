"""Records of other systems are known by their members, and events of the product are taken for none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import pytest

from schemas.adapters.recognition import SIGNATURES, adapter_for, event_named
from schemas.adapters.registry import ADAPTERS
from tenure.files.json_documents import records_in

GOLDEN: Final = Path(__file__).parents[3] / "golden"
STRIPE: Final = b'{"id":"evt_1","object":"event","type":"invoice.paid","livemode":false,"data":{"object":{}}}'


def test_event_of_stripe_is_known_and_named() -> None:
    """The line number alone does not lead to the record in Stripe's dashboard; its id does."""
    assert adapter_for(STRIPE) == "stripe"
    assert event_named("stripe", STRIPE) == "evt_1 (invoice.paid)"


@pytest.mark.parametrize(
    "value",
    [
        b'{"id":"e","type":"signup","customer_id":"c","time":"2026-01-01T00:00:00Z","object":"event","livemode":true}',
        b'{"specversion":"1.0","id":"e","source":"/x","type":"signup","data":{}}',
        b'{"id":"e","object":"teapot","livemode":true}',
        b'{"id":"e","object":["event"],"livemode":true}',
        b"[]",
        b"",
        b"\xff\x00",
        b"[" * 100_000,
    ],
    ids=["event", "cloudevent", "unknown", "another-type", "array", "nothing", "not-text", "too-deep"],
)
def test_what_is_none_of_them_is_not_taken_for_one(value: bytes) -> None:
    """Advice that is wrong is worse than none."""
    assert adapter_for(value) == ""
    assert event_named("stripe", value) == ""


def test_names_of_any_length_are_cut() -> None:
    """They stand in one line with what is wrong."""
    value = msgspec.json.encode({"id": "x" * 1000, "object": "event", "type": 7, "livemode": True})
    assert event_named("stripe", value) == "x" * 80


def test_signatures_are_of_adapters_that_there_are() -> None:
    """What is advised must work."""
    assert {signature.adapter for signature in SIGNATURES} <= set(ADAPTERS)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/*.ndjson")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_golden_records_are_known_for_what_they_are(file: Path) -> None:
    """A record of one system must never be taken for another's; its events for none."""
    adapter = file.parent.name.partition("-")[0]
    found = {adapter_for(record) for line in file.read_bytes().splitlines() for record in records_in(line)}
    assert found <= ({""} if file.stem.endswith(".events") else {"", adapter})
