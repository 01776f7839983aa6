"""A wire format is one module behind one seam: an invented one is read without a word about it anywhere else."""

import json
from collections.abc import Sequence

import pytest

from schemas.decoding import wire_formats
from schemas.decoding.adapted import headers_of_refused
from schemas.decoding.decoder import Decoder
from schemas.decoding.wire_formats import members_of
from schemas.refusals import Reason, Refusal
from streams.routing import Router, heading_of
from streams.settings.settings import Settings
from tests.unit.schemas.lines import Line, say

ANNOUNCED = (("content-type", b"application/x-turned"),)
EVENT = json.dumps(say("activity", feature="reports")).encode()


class Turned:
    """JSON with each byte turned by its highest bit: never UTF-8, so that nobody takes it for text."""

    HOLDS_JSON = False

    def is_announced(self, headers: wire_formats.Headers) -> bool:
        """See `WireFormat`."""
        return ANNOUNCED[0] in headers

    def carries_event(self, name: str) -> bool:
        """See `WireFormat`."""
        return name == "turned-by"

    def is_read(self, name: str) -> bool:
        """See `WireFormat`."""
        return name == "turned-by"

    def translate(self, value: bytes, headers: wire_formats.Headers) -> tuple[bytes, Refusal | None]:
        """See `WireFormat`."""
        del headers
        return turned(value), None if value[0] >= 0x80 else Refusal(Reason.MALFORMED_JSON, "it is not turned")

    def headers_of(self, value: bytes) -> Sequence[tuple[str, bytes]] | None:
        """See `WireFormat`."""
        return ANNOUNCED if value[:1] >= b"\x80" else None

    def heading_of(self, value: bytes) -> tuple[str | None, str | None]:
        """See `WireFormat`."""
        del value
        return "c1", "activity"


def turned(value: bytes) -> bytes:
    """Turn bytes, or turn them back."""
    return bytes(byte ^ 0x80 for byte in value)


@pytest.fixture(autouse=True)
def with_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the format behind the others."""
    monkeypatch.setattr(wire_formats, "FORMATS", (*wire_formats.FORMATS, Turned()))


def test_record_in_an_invented_format_is_the_event_that_it_holds() -> None:
    """Bytes that are no text are judged after they are translated, on both paths of the decoder."""
    decoder, record = Decoder(), Line(turned(EVENT), headers=ANNOUNCED)
    whole = decoder.decode([record])
    alone = decoder.decode([Line(EVENT)])
    assert whole.refused == []
    assert (whole.events, whole.times) == (alone.events, alone.times)
    settled = Line(turned(EVENT.replace(b"reports", b"No Slug")), headers=ANNOUNCED)
    assert decoder.decode([settled]).mended == {0: ("feature",)}


def test_fault_that_a_format_finds_is_the_reason_of_the_refusal() -> None:
    """Only the format knows what is wrong with its own bytes."""
    refused = Decoder().decode([Line(EVENT, headers=ANNOUNCED)]).refused
    assert [refusal for _, refusal in refused] == [Refusal(Reason.MALFORMED_JSON, "it is not turned")]


def test_bytes_of_a_format_that_nothing_announces_are_no_json() -> None:
    """The header decides what a record is; guessing by its bytes would read a damaged record as something else."""
    refused = Decoder().decode([Line(turned(EVENT))]).refused
    assert [refusal.reason for _, refusal in refused] == [Reason.MALFORMED_JSON]


def test_forwarding_and_files_know_the_format_too() -> None:
    """A record that is sent on without its headers would be another one; a file has no headers until we send it."""
    assert wire_formats.carries_event("turned-by")
    assert wire_formats.is_read("turned-by")
    assert wire_formats.carries_event("ce_id")
    assert not wire_formats.carries_event("traceparent")
    route = Router(Settings()).route(turned(EVENT))
    assert (route.topic, route.key, route.headers) == ("customer.activity", b"c1", ANNOUNCED)


FRAMED = b"\x00\x00\x00\x00\x07" + EVENT
REFUSED = headers_of_refused("stripe", Refusal(Reason.OVERSIZED, "stripe: it is"))


@pytest.mark.parametrize(
    ("value", "headers"), [(EVENT, ()), (FRAMED, ()), (turned(EVENT), ANNOUNCED)], ids=["json", "framed", "announced"]
)
def test_members_are_those_that_the_decoder_reads_in_every_format(value: bytes, headers: wire_formats.Headers) -> None:
    """Advice on a dead letter, findings in a file and the key of a record are chosen by the same members."""
    assert members_of(value, headers).keys() == json.loads(EVENT).keys()
    assert heading_of(value, headers)[1:] == ("c1", "activity")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "headers"), [(EVENT, REFUSED), (b"{", ()), (b"", ())], ids=["refused", "cut", "empty"]
)
def test_record_without_an_event_has_no_members(value: bytes, headers: wire_formats.Headers) -> None:
    """What an adapter does not understand may have a member of the same name that means something else."""
    assert members_of(value, headers) == {}
    assert heading_of(value, headers)[1:] == (None, None)  # type: ignore[arg-type]
