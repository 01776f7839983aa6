"""JSON as other systems export it: objects over several lines, and objects that hold a page of records.

Only what a record is, and where it ends; what it says is for its adapter.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from tenure.files.json_array import ArrayCutOff, JsonArrays, MoreThanArrays

LONGEST_DOCUMENT_BYTES: Final = 1 << 30
"""What one object may hold in memory, a page of records or not. A longer one is cut here, and is refused."""
_PAGES: Final = ("data", "list", "events", "batch")
"""Members in which APIs give the records of a page, if the object says nothing else of itself."""
_OF_RECORDS: Final = frozenset({"id", "type", "event", "event_type", "op"})
"""Members of which each record has one, and a page none."""
BEGINNING_OF_PAGE: Final = re.compile(rb'"(?:%s)"\s*:\s*\[' % b"|".join(name.encode() for name in _PAGES))
_read_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def documents(read: Callable[[], bytes]) -> Iterator[bytes]:
    """Yield JSON values that follow one another, with white space between them, over however many lines.

    Args:
        read: Returns the next bytes; nothing is the end.

    Raises:
        ArrayCutOff: The data ends within one.
        MoreThanArrays: A bracket closes what was never opened.
    """
    # As one array they are found by what finds the elements of arrays.
    parts = itertools.chain((b"[",), iter(read, b""), (b"]",))
    return iter(JsonArrays(lambda: next(parts, b""), longest_bytes=LONGEST_DOCUMENT_BYTES))


def first_value(beginning: bytes) -> bytes:
    """Return the first JSON value of some text; nothing where it does not end in there."""
    try:
        return next(documents(iter((beginning,)).__next__), b"")
    except (ArrayCutOff, MoreThanArrays, StopIteration):
        return b""


def records_in(value: bytes) -> list[bytes]:
    """Return the records of a page; what is none is a record itself."""
    try:
        members = _read_members(value)
        if _OF_RECORDS & members.keys():
            return [value]
        for name in _PAGES:
            if name in members and bytes(members[name]).lstrip().startswith(b"["):
                return [bytes(record) for record in _read_list(members[name])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [value]  # what is wrong with it, its adapter says
    return [value]
