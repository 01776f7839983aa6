"""A JSON array as a stream of its elements, byte for byte; in memory are one element and one read at most.

It finds where elements end and judges nothing else: what is no JSON between two commas is an element all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT: Final = rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+"
#: An object with brackets one level deep at most: what events are, so that they are found at one look.
_USUAL_OBJECT: Final = re.compile(
    rb'\{(?:[^"{}\[\]]++|' + _STRING + rb"|\{" + _FLAT + rb"\}|\[" + _FLAT + rb"\])*+\}", re.DOTALL
)
_BETWEEN: Final = re.compile(rb"[\s,]*+")
_OUTSIDE: Final = re.compile(rb'["\[\]{},]')
_INSIDE: Final = re.compile(rb'["\[\]{}]')
_IN_STRING: Final = re.compile(rb'["\\]')


class ArrayCutOff(Exception):
    """The data ends before the array does."""


class MoreThanArrays(Exception):
    """Something that is no array follows the array's end."""


class JsonArrays:
    """The elements of an array, or of several one after the other, cut out of bytes as they come.

    Args:
        read: Returns the next bytes, the first of which is the `[`; nothing is the end.
        longest_bytes: An element that is longer is cut there, and the rest of it is passed over.
    """

    def __init__(self, read: Callable[[], bytes], *, longest_bytes: int) -> None:
        self._read = read
        self._longest_bytes = longest_bytes
        self._data = b""
        #: how far the data is used up
        self._at = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes of each element.

        Raises:
            ArrayCutOff: The data ends before the closing bracket.
            MoreThanArrays: Something else than another array follows.
        """
        while (opening := self._next_byte()) is not None:
            if opening != b"[":
                raise MoreThanArrays
            self._at += 1
            while (first := self._next_byte()) != b"]":
                if first is None:
                    raise ArrayCutOff
                yield self._element()
            self._at += 1

    def _next_byte(self) -> bytes | None:
        """Return the next byte that is neither white space nor a comma, without using it up; None at the end."""
        while True:
            match = _BETWEEN.match(self._data, self._at)
            assert match is not None, "it matches nothing at all, too"
            self._at = match.end()
            if self._at < len(self._data):
                return self._data[self._at : self._at + 1]
            more = self._read()
            if not more:
                return None
            self._data, self._at = more, 0

    def _element(self) -> bytes:
        usual = _USUAL_OBJECT.match(self._data, self._at)
        if usual is None or usual.end() - self._at > self._longest_bytes:
            return self._unusual_element()
        self._at = usual.end()
        return usual[0]

    def _unusual_element(self) -> bytes:
        """Return an element of whatever kind; it may go on beyond the data that is there."""
        kept, depth, in_string, position = bytearray(), 0, False, self._at
        while True:
            pattern = _IN_STRING if in_string else _INSIDE if depth else _OUTSIDE
            found = pattern.search(self._data, position)
            position = len(self._data) if found is None else found.end()
            mark = b"" if found is None else found[0]
            if mark == b"\\":
                position += 1
            elif mark == b'"':
                in_string = not in_string
            elif mark in (b"{", b"["):
                depth += 1
            elif mark and depth > 1:
                depth -= 1
            elif mark in (b"}", b"]") and depth == 1:
                self._use_up(kept, position)
                return bytes(kept)
            elif mark in (b",", b"]"):
                self._use_up(kept, position - 1)
                return bytes(kept).rstrip()
            if position >= len(self._data):
                skipped = position - len(self._data)
                self._use_up(kept, len(self._data))
                self._data, self._at, position = self._read(), 0, skipped
                if not self._data:
                    raise ArrayCutOff

    def _use_up(self, kept: bytearray, end: int) -> None:
        kept += self._data[self._at : min(end, self._at + self._longest_bytes - len(kept))]
        self._at = end
