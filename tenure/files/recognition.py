"""Recognition of files that cannot be read as they stand: what they look like, and what to do.

Pure: it looks at the first bytes of a file. What it does not recognise is read as what the user says that it is.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.adapters.recognition import adapter_for
from schemas.events import REQUIRED_MEMBERS
from tenure.files.json_documents import BEGINNING_OF_PAGE, first_value, records_in

LOOKED_AT_BYTES: Final = 64 * 1024
"""Enough for the first lines, and for the first names inside of an archive."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TO_NDJSON: Final = "write each event in a line of its own, for example with `jq -c . FILE`"
#: What a file begins with, and what to say of it. The first that fits counts.
_BEGINNINGS: Final = (
    (b"\xff\xfe\x00\x00", "the text is UTF-32; save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "the text is UTF-32; save it as UTF-8"),
    (b"\xff\xfe", "the text is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "the text is UTF-16; save it as UTF-8"),
    (b"\xd0\xcf\x11\xe0", "this is an old Excel or Word file; open it there and save it as CSV (UTF-8)"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; write `zstd -dc FILE` into a pipe, and - for the file"),
    (b"BZh", "it is compressed with bzip2; write `bzip2 -dc FILE` into a pipe, and - for the file"),
    (b"\xfd7zXZ\x00", "it is compressed with xz; write `xz -dc FILE` into a pipe, and - for the file"),
    (b"\x04\x22\x4d\x18", "it is compressed with lz4; write `lz4 -dc FILE` into a pipe, and - for the file"),
    (b"7z\xbc\xaf\x27\x1c", "this is a 7z archive; unpack it and name a file that was in it"),
    (b"Rar!", "this is a RAR archive; unpack it and name a file that was in it"),
    (b"SQLite format 3\x00", "this is an SQLite database; write its table of events out as CSV"),
    (b"Obj\x01", "this is an Avro file; write it out as NDJSON or Parquet"),
    (b"ORC", "this is an ORC file; write it out as Parquet"),
    (b"%PDF", "this is a PDF; name the file that holds the events themselves"),
)
_ZIP: Final = b"PK\x03\x04"
_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_IN_EXCEL: Final = (b"[Content_Types].xml", b"xl/", b"_rels/.rels")
_IN_OPEN_DOCUMENT: Final = b"mimetypeapplication/vnd.oasis"
_MARKUP: Final = re.compile(rb"\s*<(?:!doctype|html|\?xml|[a-zA-Z])", re.IGNORECASE)
_OPEN_OR_CLOSED: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.DOTALL)


def unreadable(beginning: bytes) -> str | None:
    """Return what is wrong with a file, whatever format it is said to have, and what to do; None for all others.

    Args:
        beginning: Its first bytes, `LOOKED_AT_BYTES` of them, or all.
    """
    for mark, advice in _BEGINNINGS:
        if beginning.startswith(mark):
            return advice
    if beginning.startswith(_ZIP):
        if any(name in beginning for name in _IN_EXCEL) or _IN_OPEN_DOCUMENT in beginning:
            return "this is a file of Excel or another office program; open it there and save it as CSV (UTF-8)"
        return "this is a ZIP archive; unpack it and name a file that was in it"
    if beginning[257:262] == b"ustar":
        return "this is a tar archive; unpack it and name a file that was in it"
    if len(beginning) >= 4 and _is_utf_16(beginning[:64]):
        return "the text looks like UTF-16; save it as UTF-8"
    return None


def not_text(beginning: bytes) -> str | None:
    """Return what is wrong with a file that is said to be NDJSON or CSV, and what to do; None where nothing is seen."""
    if beginning.startswith(_PARQUET):
        return "this is a Parquet file; say --format parquet"
    if beginning.startswith(_GZIP):
        return "it is compressed with gzip twice; unpack it once"
    if _MARKUP.match(beginning):
        return "this is HTML or XML; the events are to be NDJSON, CSV or Parquet"
    return None


def not_csv(beginning: bytes) -> str | None:
    """Return what is wrong with a file that is said to be CSV, and what to do; None where nothing is seen."""
    if beginning.lstrip()[:1] in (b"{", b"["):
        return "this looks like JSON; say --format ndjson"
    return None


def not_json(beginning: bytes) -> str | None:
    """Return what is wrong with a file that is said to be JSON, and what to do; None where nothing is seen."""
    first = next(iter(_lines(beginning)), b"")
    if first.lower().startswith((b"sep=", b'"sep=')) or _is_header(first):
        return "this looks like CSV; say --format csv"
    return None


def of_another_system(beginning: bytes) -> str | None:
    """Return what to do about a file whose first record is one of another system; None where it is not seen to be."""
    content = beginning.removeprefix(BYTE_ORDER_MARK).lstrip()
    if content[:1] not in (b"{", b"["):
        return None
    found = adapter_for(_first_record(content[1:] if content[:1] == b"[" else content))
    if not found:
        return None
    return f"these are records of {found}, not events of tenure; say --as {found} to have them translated"


def is_over_lines(beginning: bytes) -> bool:
    """Tell whether a JSON object that begins in the first line goes on in the second, or beyond what is seen."""
    lines = _lines(beginning)
    if len(lines) > 1:
        return _goes_on(lines[0], lines[1])
    return len(beginning) >= LOOKED_AT_BYTES


def not_ndjson(beginning: bytes) -> str | None:
    """Return what is wrong with a file that is said to be NDJSON, and what to do; None where nothing is seen."""
    advice = not_json(beginning)
    if advice is not None:
        return advice
    lines = _lines(beginning)
    if len(lines) > 1 and _goes_on(lines[0], lines[1]):
        if lines[0].endswith(b"["):
            return (
                "this looks like one JSON object that holds a list of events; write each event in a line of its own, "
                "for example with `jq -c '.NAME[]' FILE`, NAME being the member that holds them"
            )
        return f"this looks like JSON objects over several lines; {_TO_NDJSON}"
    return None


def likely_format(beginning: bytes) -> str | None:
    """Return which format a file seems to have, by its first bytes; None where it seems to have none."""
    if beginning.startswith(_PARQUET):
        return "parquet"
    content = beginning.removeprefix(BYTE_ORDER_MARK)
    if content.lstrip()[:1] in (b"{", b"["):
        return "ndjson"
    return "csv" if not_ndjson(content) else None


def _first_record(beginning: bytes) -> bytes:
    """Return the first JSON value of a text, or the first of the page that it holds; nothing where it is cut off."""
    whole = next(iter(records_in(first_value(beginning))), b"")
    page = None if whole else BEGINNING_OF_PAGE.search(beginning)
    return whole if page is None else first_value(beginning[page.end() :])


def _lines(beginning: bytes) -> list[bytes]:
    return [line.strip() for line in re.split(rb"[\r\n]+", beginning.removeprefix(BYTE_ORDER_MARK)) if line.strip()]


def _is_utf_16(text: bytes) -> bool:
    """Tell whether every other byte of a text is zero, as where letters of English are written as UTF-16."""
    even, odd = text[0 : len(text) // 2 * 2 : 2], text[1::2]
    return (not any(odd) and all(even)) or (not any(even) and all(odd))


def _is_header(line: bytes) -> bool:
    names = {name.strip(b' "') for name in re.split(rb"[,;\t]", line)}
    return names.issuperset(name.encode() for name in REQUIRED_MEMBERS)


def _goes_on(first: bytes, second: bytes) -> bool:
    """Tell whether a JSON object that begins in the first line can only go on in the second."""
    if not first.startswith(b"{"):
        return False
    open_brackets: list[bytes] = []
    for found in _OPEN_OR_CLOSED.findall(first):
        if found in (b"{", b"["):
            open_brackets.append(found)
        elif found in (b"}", b"]") and open_brackets:
            open_brackets.pop()
    if not open_brackets or first[-1:] not in (b"{", b"[", b",", b":"):
        return False
    # In an object a member follows; an event that was cut off is followed by the next event.
    return open_brackets[-1] == b"[" or first.endswith(b":") or second.startswith((b'"', b"}"))
