"""Commands as they go over the wire; those that carry most bytes are put together natively, or in parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import hiredis

from kpis.native import IS_THERE

if IS_THERE:
    from kpis.native.states import StateChanges

Argument = bytes | str | int

MOST_PAIRS: Final = 5_000
"""Pairs of one command; Redis 6.2 takes 1,048,576 arguments."""
_EMPTY: Final = b"$0\r\n\r\n"
_pack: Final[Any] = hiredis.pack_command  # its stub takes no tuples but of one


class PackedCommand(NamedTuple):
    """A command that is packed already, in parts that follow each other."""

    parts: tuple[bytes, ...]


Command = Sequence[Argument] | PackedCommand
"""A command's name and its arguments, or all of it packed."""


def wire(commands: Iterable[Command]) -> list[bytes]:
    """Return commands as they go over the wire, in parts that follow each other."""
    found: list[bytes] = []
    for command in commands:
        if isinstance(command, PackedCommand):
            found += command.parts
        else:
            found.append(_pack(tuple(command)))
    return found


def in_parts(arguments: Sequence[Argument], last: Sequence[bytes]) -> PackedCommand:
    """Return a command whose last argument comes in parts, which are not joined here."""
    begin: bytes = _pack((*arguments, b""))
    size = sum(map(len, last))
    return PackedCommand((begin.removesuffix(_EMPTY) + b"$%d\r\n" % size, *last, b"\r\n"))


def pieces_of(arguments: Sequence[Argument]) -> list[Sequence[Argument]]:
    """Cut arguments, pairs perhaps, into what one command takes."""
    return [arguments[at : at + 2 * MOST_PAIRS] for at in range(0, len(arguments), 2 * MOST_PAIRS)]


def setting(states: Mapping[str, bytes], start: str) -> list[Command]:
    """Return the commands that set states; a key is `start` and the customer's id."""
    if IS_THERE and isinstance(states, StateChanges):
        return [PackedCommand((command,)) for command in states.setting(start.encode(), MOST_PAIRS)]
    arguments: list[Argument] = []
    for customer, state in states.items():
        arguments += (start + customer, state)
    return [("MSET", *part) for part in pieces_of(arguments)]
