"""Records of other systems are known by their members, and events of the product are taken for none of them."""

from __future__ import annotations

import msgspec
import pytest

from schemas.adapters.recognition import adapter_for, event_named

STRIPE = b'{"id":"evt_1","object":"event","type":"invoice.paid","data":{"object":{}}}'


def test_event_of_stripe_is_known_and_named() -> None:
    """The line number alone does not lead to the record in Stripe's dashboard; its id does."""
    assert adapter_for(STRIPE) == "stripe"
    assert event_named("stripe", STRIPE) == "evt_1 (invoice.paid)"


@pytest.mark.parametrize(
    "value",
    [
        b'{"id":"e","type":"signup","customer_id":"c","time":"2026-01-01T00:00:00Z","object":"event"}',
        b'{"specversion":"1.0","id":"e","source":"/x","type":"signup","data":{}}',
        b'{"id":"e","object":"teapot"}',
        b'{"id":"e","object":["event"]}',
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
    assert event_named("stripe", value) in ("", "e")


def test_names_of_any_length_are_cut() -> None:
    """They stand in one line with what is wrong."""
    value = msgspec.json.encode({"id": "x" * 1000, "object": "event", "type": 7})
    assert event_named("stripe", value) == "x" * 80
