"""Editing of dead letters by hand: a file with one of them a line, and what was changed in it.

A line is JSON with `place`, `reason`, `detail`, `key`, and `value`, which is the record's JSON, or `text` where the
record is no JSON. Only `key`, `value` and `text` are read back. What was not changed, and what was deleted, is not
sent.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from streams.errors import InputError, UsageError
from tenure.dead_letters.whole import text_of
from tenure.operations.dead_letters import LetterPlace, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenure.dead_letters.whole import WholeLetter

_write: Final = msgspec.json.Encoder().encode
_read_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Some editors begin a file with it."""


class EditedLine(msgspec.Struct, omit_defaults=True):
    """A dead letter in a file that is edited."""

    place: str
    reason: str = ""
    detail: str = ""
    key: str | None = None
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET


_read_line: Final = msgspec.json.Decoder(EditedLine).decode


class EditedRecord(NamedTuple):
    """Key and value of a record as somebody wants them."""

    key: bytes | None
    value: bytes | None


def line_of(whole: WholeLetter, value: bytes | None) -> bytes | None:
    """Return a dead letter as a line; None where it cannot be written as text.

    Args:
        whole: The letter.
        value: Its value, as a mapping has mended it.
    """
    text, key = text_of(value), text_of(whole.key)
    if value is None or text is None or (whole.key is not None and key is None):
        return None
    letter = whole.letter
    line = EditedLine(str(letter.place), letter.reason, letter.detail, key)
    try:
        _read_object(value)
        line.value = msgspec.Raw(msgspec.json.format(value, indent=-1))  # a line must not hold line ends, and JSON may
    except _NOT_JSON:
        line.value, line.text = msgspec.UNSET, text
    return _write(line)


def new_file(lines: Iterable[bytes]) -> Path:
    """Return a file with lines, which nobody else may read.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix="tenure-dead-letters-", suffix=".ndjson")
        with os.fdopen(descriptor, "wb") as file:
            for line in lines:
                file.write(line + b"\n")
    except OSError as error:
        advice = "make room there, or set TMPDIR to a folder that can be written"
        raise UsageError(f"--edit: the file to edit cannot be written ({error.strerror or error}); {advice}") from error
    return Path(name)


def run_editor(path: Path) -> None:
    """Have the user's editor change a file, and wait for it.

    Raises:
        UsageError: There is no such editor, or it has ended with a fault.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        status = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode  # noqa: S603 - theirs
    except (OSError, ValueError) as error:
        raise UsageError(f"--edit: the editor {editor!r} cannot be run ({error}); set EDITOR") from error
    if status:
        raise UsageError(f"--edit: the editor {editor!r} ended with {status}, and nothing was sent; the file: {path}")


def edited_in(path: Path) -> dict[LetterPlace, EditedRecord]:
    """Return the records of a file that was edited, by their dead letters.

    Raises:
        InputError: It cannot be read, a line is none of these, or two are of one dead letter.
    """
    found: dict[LetterPlace, EditedRecord] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(str(path), f"the file cannot be read ({error.strerror or error})") from error
    again = f"mend it and run the command with --edited {path}"
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            read = _read_line(line.decode().removeprefix(_BYTE_ORDER_MARK))
        except UnicodeDecodeError as error:
            raise InputError(str(path), f"the line is not UTF-8; save the file as UTF-8, {again}", number) from error
        except _NOT_JSON as error:
            raise InputError(str(path), f"the line is no JSON of a dead letter ({error}); {again}", number) from error
        place = place_of(read.place)
        if place is None or place in found:
            why = "is there twice; leave one" if place in found else "is no topic/partition/offset; leave it as it was"
            raise InputError(str(path), f"the place {read.place!r} {why}", number)
        found[place] = EditedRecord(None if read.key is None else read.key.encode(), _value_of(read, path, number))
    return found


def _value_of(read: EditedLine, path: Path, number: int) -> bytes:
    given = [each for each in (read.value, read.text) if each is not msgspec.UNSET]
    if len(given) != 1:
        raise InputError(str(path), "it needs either a value, which is JSON, or a text", number)
    (value,) = given
    return bytes(value) if isinstance(value, msgspec.Raw) else str(value).encode()


def is_changed(whole: WholeLetter, value: bytes | None, edited: EditedRecord) -> bool:
    """Tell whether somebody changed a record: blanks and the order of members are no change.

    Args:
        whole: The dead letter.
        value: Its value, as it was written to the file.
        edited: What stands in the file.
    """
    return edited.key != whole.key or _meaning(edited.value) != _meaning(value)


class _Number(NamedTuple):
    """A number as it is written: no text has the same meaning, and another form of it is a change."""

    digits: str


def _meaning(value: bytes | None) -> Any:
    try:
        return json.loads(value or b"", parse_float=_Number, parse_int=_Number)
    except (ValueError, RecursionError):
        return value
