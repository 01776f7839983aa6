"""A value of which only the beginning is kept, because the whole of it is too large to be held."""

from typing import Self


class CutValue(bytes):
    """The first bytes of a record's value, and how large the record's value was.

    Attributes:
        whole_bytes: Size of the whole value; of the whole record where key or headers are what is too large (bytes).
    """

    whole_bytes: int

    def __new__(cls, beginning: bytes, whole_bytes: int) -> Self:
        """Take the beginning and the size of the whole."""
        self = super().__new__(cls, beginning)
        self.whole_bytes = whole_bytes
        return self


def whole_size(value: bytes) -> int:
    """Return how large a value was when it was written (bytes)."""
    return value.whole_bytes if isinstance(value, CutValue) else len(value)
