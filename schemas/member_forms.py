"""The form of each member in words, made of the structs: for the events page, and for what refusals say.

Source: `schemas.events`.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from schemas.events import (
    MRR_MINOR_MAX,
    RESERVED_LABELS,
    SCORE_MAX,
    SCORE_MIN,
    AskedWay,
    Event,
    Form,
    forms_of,
    kinds_of_members,
)
from schemas.wording import in_words

_LARGE: Final[Mapping[float, str]] = {MRR_MINOR_MAX: "10^12"}
_BY_NAME: Final[Mapping[str, str]] = {
    "sequence": "an integer of 64 bits",
    "score": "an integer, " + in_words((f"{SCORE_MIN[kind]}–{SCORE_MAX[kind]} for {kind}" for kind in SCORE_MAX), "or"),
}
_BY_FORM: Final[Mapping[Form, str]] = {
    "label": f"a text of 1–64 characters, and not {in_words(sorted(RESERVED_LABELS), 'or')}",
    "segment": f"a text of 1–64 characters, and not {in_words(sorted(RESERVED_LABELS), 'or')}",
    "slug": "1–64 of a–z, 0–9, _ and -",
    "note": "1–64 of a–z, 0–9, _ and -",
    "country": "two letters (ISO 3166), or another text of 1–64 characters",
    "currency": "three letters (ISO 4217)",
    "instant": "a date and time with Z or an offset, such as 2026-03-01T09:30:00Z",
    "way": f"one of {', '.join(get_args(AskedWay))}",
}


def form_in_words(event_type: type[Event], name: str) -> str:
    """Return what a member of a type must look like, as in "must be an integer from 0"."""
    form = forms_of(event_type).get(name)
    kind = kinds_of_members(event_type)[name]
    if name in _BY_NAME:
        return _BY_NAME[name]
    if form == "id":
        return f"{_text(_bounds(kind))}, or an integer"
    return _of_kind(kind) if form is None else _BY_FORM[form]


def choices_of(event_type: type[Event], name: str) -> tuple[str, ...]:
    """Return the words out of which a strict member must have one; none where it is no choice."""
    kind = kinds_of_members(event_type)[name]
    return tuple(choice for choice in get_args(kind) if isinstance(choice, str)) if not _meta(kind) else ()


def _of_kind(kind: object) -> str:
    bounds = _bounds(kind)
    base = get_args(kind)[0] if _meta(kind) else kind
    if base is bool:
        return "true or false"
    if base is str:
        return _text(bounds)
    if base is int:
        upper = f" to {_LARGE.get(bounds.le, bounds.le)}" if bounds.le is not None else ""
        return f"an integer from {bounds.ge}{upper}"
    return f"one of {', '.join(get_args(base))}"


def _text(bounds: msgspec.Meta) -> str:
    if bounds.max_length is None:
        return "a text"
    return f"a text of {bounds.min_length or 0}–{bounds.max_length} characters"


def _bounds(kind: object) -> msgspec.Meta:
    return next(iter(_meta(kind)), msgspec.Meta())


def _meta(kind: Any) -> tuple[msgspec.Meta, ...]:
    notes: tuple[msgspec.Meta, ...] = getattr(kind, "__metadata__", ())
    return notes
