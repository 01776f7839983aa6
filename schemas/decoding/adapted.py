"""Records of other systems that an adapter did not understand, on their way to the dead letters.

Whoever translates (a file that is published, a topic of another system, the gateway) sends such a record as it is,
with two headers: `tenure-adapter` names the adapter, `tenure-refused` says the reason and the fault. The stream refuses
it with them, so that it is counted and kept like every other record that cannot be applied. The headers have no other
power.
One of the formats of `schemas.decoding.wire_formats`.
"""

from collections.abc import Sequence
from typing import Final

from schemas.refusals import Reason, Refusal

HEADER_ADAPTER: Final = "tenure-adapter"
HEADER_REFUSED: Final = "tenure-refused"
HEADER_ADAPTED: Final = "tenure-adapted"
"""Of what a topic's translation sends: `<adapter>/<topic>/<partition>/<offset>`, the record that it is from."""
#: See `schemas.decoding.wire_formats`.
HOLDS_JSON: Final = False

Headers = Sequence[tuple[str, bytes | None]]
_REASONS: Final = {reason.value: reason for reason in Reason}


def headers_of_refused(adapter: str, refusal: Refusal) -> tuple[tuple[str, bytes], ...]:
    """Return the headers under which a record is sent that an adapter does not understand."""
    refused = f"{refusal.reason} {refusal.detail}".encode("utf-8", "replace")
    return ((HEADER_ADAPTER, adapter.encode()), (HEADER_REFUSED, refused))


def origin_of(adapter: str, topic: str, partition: int, offset: int) -> bytes:
    """Return the value of `HEADER_ADAPTED` for what an adapter has made of a record."""
    return f"{adapter}/{topic}/{partition}/{offset}".encode()


def is_announced(headers: Headers) -> bool:
    """Tell whether a record was refused by an adapter."""
    return any(name == HEADER_REFUSED for name, _ in headers)


def adapter_of(headers: Headers) -> str | None:
    """Return the name of the adapter that a record's headers say; None where they say none."""
    named = next((header for name, header in headers if name == HEADER_ADAPTER), None)
    return None if named is None else named.decode("utf-8", "replace")


def carries_event(name: str) -> bool:
    """Tell whether a header belongs to such a record."""
    return name in (HEADER_ADAPTER, HEADER_REFUSED)


def is_read(name: str) -> bool:
    """Tell whether what is counted may depend on a header of this name."""
    return name == HEADER_REFUSED


def translate(value: bytes, headers: Headers) -> tuple[bytes, Refusal | None]:  # noqa: ARG001 - of all formats
    """Return no event, and the fault that the header says; what it says in no known form is `malformed_json`."""
    said = next(header or b"" for name, header in headers if name == HEADER_REFUSED).decode("utf-8", "replace")
    reason, _, detail = said.partition(" ")
    known = _REASONS.get(reason)
    if known is None:
        return b"", Refusal(Reason.MALFORMED_JSON, f"{HEADER_REFUSED}: opens with no known reason")
    return b"", Refusal(known, detail or f"{HEADER_REFUSED}: says no detail")


def headers_of(value: bytes) -> None:
    """Return None: no value out of a file says of itself that it was refused."""


def heading_of(value: bytes) -> tuple[None, None]:  # noqa: ARG001 - of all formats
    """Return neither customer nor type: see `headers_of`."""
    return None, None
