"""Text of others made safe for people: what a terminal would obey, or nobody would see, is written out.

Names of plans, customers and reasons come from events, and anybody may send an event: with terminal escapes, line ends,
marks that turn the direction of writing. Whatever is printed for people goes through here; JSON and OpenMetrics have
escapes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FORMULA: Final = ("=", "+", "-", "@", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")


def visible(text: str, *, keep: str = "") -> str:
    r"""Return text whose unprintable characters are written out: a terminal escape is `\x1b`, U+202E is `\u202e`.

    Args:
        text: For a line or a block of them; a backslash in it stays one.
        keep: Unprintable characters that stay as they are, such as the line ends of a block.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in keep else _escape(character) for character in text
    )


def readable(name: str) -> str:
    r"""Return a name as people read it: as `visible`, with each backslash doubled, so that no two names look alike."""
    return visible(name.replace("\\", "\\\\"))


def all_readable(found: Any) -> Any:
    """Return the same documents, or objects of JSON, with every text in them readable, keys too."""
    if isinstance(found, str):
        return readable(found)
    if isinstance(found, Mapping):
        return {all_readable(key): all_readable(value) for key, value in found.items()}
    if isinstance(found, list | tuple):
        return [all_readable(each) for each in found]
    members = getattr(type(found), "__struct_fields__", ())  # of a msgspec struct, which `--help` need not import
    if members:
        return type(found)(**{name: all_readable(getattr(found, name)) for name in members})
    return found


def spreadsheet_cell(name: str) -> str:
    """Return a name as a cell of a CSV file: readable, and with an apostrophe before what would be a formula."""
    shown = readable(name)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def json_text(text: str) -> str:
    r"""Return JSON whose unprintable characters are escaped: the same value, and safe for a terminal.

    Args:
        text: JSON as `json.dumps` writes it, indented or not.
    """
    # Line by line: a report has hundreds of thousands, and hardly any of them holds what must be escaped.
    return "\n".join(line if line.isprintable() else _escaped_json(line) for line in text.split("\n"))


def _escaped_json(line: str) -> str:
    return "".join(character if character.isprintable() else _utf16_escape(character) for character in line)


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _utf16_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
