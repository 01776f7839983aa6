"""A record that an adapter did not understand is refused with what the adapter said."""

import pytest

from schemas.decoding import adapted
from schemas.decoding.decoder import Decoder
from schemas.refusals import Reason, Refusal
from tests.unit.schemas.lines import Line

FAULT = Refusal(Reason.INVALID_MEMBER, "stripe: data.object.customer: must be a text, got 7.5")


@pytest.mark.parametrize("value", [b'{"id": "evt_1"}', b"\xff\x00 framed", b"[]"])
def test_reason_and_detail_are_those_of_the_adapter(value: bytes) -> None:
    """The adapter alone knows what was wrong; what the stream would say of foreign bytes helps nobody."""
    record = Line(value, headers=adapted.headers_of_refused("stripe", FAULT))
    decoded = Decoder(dimensions=(), default_currency="USD", currencies={}).decode([record])
    assert decoded.refused == [(record, FAULT)]
    assert decoded.events == []


@pytest.mark.parametrize("said", [b"", b"nothing known", b"\xff"])
def test_header_that_says_no_reason_refuses_all_the_same(said: bytes) -> None:
    """Anybody can write the header; it never makes an event, and never stops the stream."""
    record = Line(b"{}", headers=((adapted.HEADER_REFUSED, said),))
    ((_, refusal),) = Decoder(dimensions=(), default_currency="USD", currencies={}).decode([record]).refused
    assert refusal.reason is Reason.MALFORMED_JSON
