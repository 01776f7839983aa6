"""Mending of dead letters by a mapping: members that are set, renamed or dropped, and values in another notation.

Paths go by points, into lists by number: `plan`, `data.object.items.0.price`. What a mapping does not name keeps its
bytes: a number of twenty digits is not read on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from streams.errors import UsageError
from tenure.files.members import Members
from tenure.files.notation import Notation

Path = tuple[str, ...]

_read_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_write: Final = msgspec.json.Encoder().encode
_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Mending(NamedTuple):
    """A change of each record: first what is renamed, then dropped, then set, and the notation last.

    Attributes:
        renamed: Pairs of a path and the name that its last part gets.
        dropped: Paths of members that go.
        written: Pairs of a path and the JSON that stands there then.
        notation: How its money and times are written.
    """

    renamed: tuple[tuple[Path, str], ...] = ()
    dropped: tuple[Path, ...] = ()
    written: tuple[tuple[Path, bytes], ...] = ()
    notation: Notation = Notation()

    @property
    def is_needed(self) -> bool:
        """Tell whether anything is changed at all."""
        return bool(self.renamed or self.dropped or self.written) or not self.notation.is_that_of_events

    def mended(self, value: bytes | None) -> bytes | None:
        """Return a record's value after it; what is no JSON object stays as it is."""
        if value is None or not self.is_needed:
            return value
        try:
            found = _read_object(value)
            root: Any = found
            for path, name in self.renamed:
                taken, root = _without(root, path)
                if taken is not None:
                    root = _with(root, (*path[:-1], name), taken)
            for path in self.dropped:
                root = _without(root, path)[1]
            for path, json in self.written:
                root = _with(root, path, msgspec.Raw(json))
            # What changes nothing leaves the bytes alone.
            changed = value if root == found else _write(root)
        except _NOT_JSON:
            return value
        return Members(self.notation).of_json(changed)


def mending_of(sets: Iterable[str], renames: Iterable[str], drops: Iterable[str], notation: Notation) -> Mending:
    """Return what options ask for.

    Args:
        sets: As in `--set member=value`; a value that is no JSON is text.
        renames: As in `--rename old=new`.
        drops: As in `--drop member`.
        notation: How money and times are written.

    Raises:
        UsageError: One of them has another form.
    """
    renamed = []
    for old, new in (_pair("--rename", text, "old=new") for text in renames):
        if "." in new:
            raise UsageError(f"--rename {old}={new}: the new name stands for the last part alone; leave out the points")
        renamed.append((_path("--rename", old), new))
    written = [(_path("--set", name), _json_of(value)) for name, value in _pairs("--set", sets)]
    return Mending(tuple(renamed), tuple(_path("--drop", each) for each in drops), tuple(written), notation)


def _pairs(option: str, texts: Iterable[str]) -> list[tuple[str, str]]:
    return [_pair(option, text, "member=value") for text in texts]


def _pair(option: str, text: str, form: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name or (not value and option == "--rename"):
        raise UsageError(f"{option} {text}: write {form}")
    return name, value


def _path(option: str, text: str) -> Path:
    parts = tuple(text.split("."))
    if not all(parts):
        raise UsageError(f"{option} {text}: a member has a name, and points stand between the names of a path")
    return parts


def _json_of(text: str) -> bytes:
    """Return a value of the command line as JSON: itself where it is JSON, else its text."""
    try:
        msgspec.json.decode(text.encode("utf-8", "surrogateescape"))
    except _NOT_JSON:
        return _write(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    return text.encode()


def _opened(node: Any) -> Any:
    """Return a value as an object or a list whose members are read no further; itself where it is neither."""
    if not isinstance(node, msgspec.Raw):
        return node
    json = bytes(node).lstrip()
    if json.startswith(b"{"):
        return _read_object(json)
    return _read_list(json) if json.startswith(b"[") else node


def _without(node: Any, path: Sequence[str]) -> tuple[Any, Any]:
    """Return what lies at a path, None where nothing does, and the value without it."""
    opened, name = _opened(node), path[0]
    if isinstance(opened, dict) and name in opened:
        inner = dict(opened)
        if len(path) == 1:
            return inner.pop(name), inner
        taken, inner[name] = _without(inner[name], path[1:])
        return taken, (inner if taken is not None else node)
    if isinstance(opened, list) and name.isdecimal() and int(name) < len(opened):
        elements = list(opened)
        if len(path) == 1:
            return elements.pop(int(name)), elements
        taken, elements[int(name)] = _without(elements[int(name)], path[1:])
        return taken, (elements if taken is not None else node)
    return None, node


def _with(node: Any, path: Sequence[str], value: Any) -> Any:
    """Return a value with something at a path; what is missing on the way is made, a list gets no new elements."""
    if not path:
        return value
    opened, name = _opened(node), path[0]
    if isinstance(opened, list):
        elements = list(opened)
        if name.isdecimal() and int(name) < len(elements):
            elements[int(name)] = _with(elements[int(name)], path[1:], value)
        return elements
    inner = dict(opened) if isinstance(opened, dict) else {}
    inner[name] = _with(inner.get(name), path[1:], value)
    return inner
