"""The framing of Confluent's serializers: a zero byte, the id of a schema in a registry, and then the value itself.

Source: Confluent, Formats, Serializers, and Deserializers, section Wire format.
"""

from typing import Final, NamedTuple

MAGIC: Final = b"\x00"
HEADING_BYTES: Final = 5


class Frame(NamedTuple):
    """A value that is framed.

    Attributes:
        schema_id: Of its schema, in the registry that its producer uses.
        payload: The value itself.
    """

    schema_id: int
    payload: bytes


def frame_of(value: bytes) -> Frame | None:
    """Return a value without its framing; None where it has none. JSON never begins with a zero byte."""
    if not value.startswith(MAGIC) or len(value) < HEADING_BYTES:
        return None
    return Frame(int.from_bytes(value[1:HEADING_BYTES], "big"), value[HEADING_BYTES:])


def unframed(value: bytes) -> bytes:
    """Return the JSON object in a value that is framed; any other value as it is, such as Avro in a frame."""
    frame = frame_of(value)
    return frame.payload if frame is not None and frame.payload.startswith(b"{") else value
