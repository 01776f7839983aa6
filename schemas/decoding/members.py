"""Reading of one member of an event out of its JSON, in every form that is read, and what to say where that fails.

Strict members alone; those that only describe an event are mended (`schemas.decoding.mending`).
Source: docs/events.md, section Members.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from schemas.decoding.instant_texts import exact_text
from schemas.decoding.rules import SLUG
from schemas.events import RESERVED_LABELS, Event, Form, forms_of, kinds_of_members

Reader = Callable[[bytes], object]

_ANY_CASE: Final = re.compile(r"[A-Za-z]{3}")
_INTEGER: Final = re.compile(rb"-?[0-9]+")
_read_text: Final = msgspec.json.Decoder(str).decode
_write: Final = msgspec.json.Encoder().encode


class WrongMemberError(ValueError):
    """A member has the wrong type or form, or a value outside its range."""


def readers_of(event_type: type[Event]) -> Mapping[str, Reader]:
    """Return what reads each strict member of a type out of its JSON; each raises WrongMemberError."""
    forms = forms_of(event_type)
    return {name: _reader(kind, forms.get(name)) for name, kind in kinds_of_members(event_type).items()}


def text_in(raw: bytes) -> str | None:
    """Return the text that JSON is; None where it is anything else."""
    return _read_text(raw) if raw.startswith(b'"') else None


def _reader(kind: object, form: Form | None) -> Reader:
    decode = msgspec.json.Decoder(kind).decode
    translate = _TRANSLATIONS.get(form) if form else None
    check = _CHECKS.get(form) if form else None

    def read(raw: bytes) -> object:
        try:
            value: object = decode(raw if translate is None else translate(raw))
        except msgspec.DecodeError as error:
            raise WrongMemberError from error
        return value if check is None or not isinstance(value, str) else check(value)

    return read


def _id_text(raw: bytes) -> bytes:
    """Return an integer as its decimal text; JSON writes zero with a sign, too."""
    if not _INTEGER.fullmatch(raw):
        return raw
    return b'"%b"' % (b"0" if raw == b"-0" else raw)


def _exact_instant(raw: bytes) -> bytes:
    text = text_in(raw)
    return raw if text is None else _write(exact_text(text))


def _not_reserved(text: str) -> str:
    if text in RESERVED_LABELS:
        raise WrongMemberError
    return text


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise WrongMemberError
    return text


def _in_capitals(text: str) -> str:
    if not _ANY_CASE.fullmatch(text):
        raise WrongMemberError
    return text.upper()


_TRANSLATIONS: Final[Mapping[Form, Callable[[bytes], bytes]]] = {"id": _id_text, "instant": _exact_instant}
_CHECKS: Final[Mapping[Form, Callable[[str], str]]] = {
    "label": _not_reserved,
    "slug": _slug,
    "currency": _in_capitals,
}
