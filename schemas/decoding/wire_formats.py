"""The formats in which a record may say an event, other than as the product's own JSON: the one seam for all of them.

A format is a module that has what `WireFormat` lists, and a place in `FORMATS`; decoding, diagnosis, forwarding, dead
letters and files of events ask here and know none by name. Records without headers are never looked at.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

from schemas.decoding import adapted, cloudevents
from schemas.decoding.framing import unframed
from schemas.refusals import Refusal

Headers = Sequence[tuple[str, bytes | None]]
OwnHeaders = Sequence[tuple[str, bytes]]


class WireFormat(Protocol):
    """The interface that a format's module has."""

    @property
    def HOLDS_JSON(self) -> bool:  # noqa: N802 - a constant of a module
        """Return whether a record's value is JSON before it is translated: then it is judged like any other, too."""

    def is_announced(self, headers: Headers) -> bool:
        """Tell whether a record's headers say that it has this format."""

    def carries_event(self, name: str) -> bool:
        """Tell whether a header of this name belongs to an event in this format."""

    def is_read(self, name: str) -> bool:
        """Tell whether what is counted may depend on a header of this name."""

    def translate(self, value: bytes, headers: Headers) -> tuple[bytes, Refusal | None]:
        """Return the product's own JSON of a record that is announced, and what is wrong with the format, if anything.

        Never raises. Faults of the members are for the caller to find: the earlier reason of the two decides. Where
        the JSON is empty there is no event to look at, and the fault is the reason.
        """

    def headers_of(self, value: bytes) -> OwnHeaders | None:
        """Return what announces a value out of a file; None where it does not have this format, or cannot say so."""

    def heading_of(self, value: bytes) -> tuple[str | None, str | None]:
        """Return customer and event type that such a value names, as far as they can be read; None for the others."""


FORMATS: Final[tuple[WireFormat, ...]] = (cloudevents, adapted)


class Recognised(NamedTuple):
    """A value out of a file that has a format of these.

    Attributes:
        headers: What a producer sends with it.
        customer_id: Whom it names; None where that cannot be read.
        event_type: The type that it names; None where that cannot be read.
    """

    headers: OwnHeaders
    customer_id: str | None
    event_type: str | None


def format_of(headers: Headers) -> WireFormat | None:
    """Return the format that a record's headers announce; None is the product's own JSON."""
    for wire_format in FORMATS:
        if wire_format.is_announced(headers):
            return wire_format
    return None


def json_of(value: bytes, headers: Headers) -> bytes:
    """Return the product's own JSON of a record, as far as it has any; nothing is judged.

    Args:
        value: The record's.
        headers: The record's; without one that announces a format, JSON in a frame is taken out of it.
    """
    wire_format = format_of(headers) if headers else None
    return unframed(value) if wire_format is None else wire_format.translate(value, headers)[0]


def members_of(value: bytes, headers: Headers) -> dict[str, msgspec.Raw]:
    """Return the members of a record as the decoder reads them; none where they cannot be told apart."""
    try:
        return _read_members(json_of(value, headers))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


_read_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def carries_event(name: str) -> bool:
    """Return whether a header of this name belongs to an event in some format; all others say nothing of the event."""
    return any(wire_format.carries_event(name) for wire_format in FORMATS)


def is_read(name: str) -> bool:
    """Return whether what is counted may depend on a header of this name."""
    return any(wire_format.is_read(name) for wire_format in FORMATS)


def recognised(value: bytes) -> Recognised | None:
    """Return what a value out of a file says of itself, in the first format that it has; None is the product's JSON."""
    for wire_format in FORMATS:
        headers = wire_format.headers_of(value)
        if headers is not None:
            return Recognised(headers, *wire_format.heading_of(value))
    return None
