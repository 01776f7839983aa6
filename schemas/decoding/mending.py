"""Mending of members that only describe an event: none of them ever costs it.

A mender takes the text that was sent and returns the text that is kept, None where the member counts as absent.
Source: docs/events.md, section Members.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, get_args

from schemas.decoding.rules import SLUG
from schemas.events import OTHER_WAY, RESERVED_LABELS, AskedWay, Form

SLUG_CHARACTERS_MAX: Final = 64
SEGMENT_CHARACTERS_MAX: Final = 64

Mender = Callable[[str], str | None]
_not_of_a_slug: Final = re.compile(r"[^a-z0-9_-]").sub
_runs: Final = re.compile(r"_+").sub


def _slug(sent: str) -> str | None:
    if SLUG.fullmatch(sent):
        return sent
    slug = _runs("_", _not_of_a_slug("_", sent.lower())).strip("_")
    return slug[:SLUG_CHARACTERS_MAX].rstrip("_") or None


def _way(sent: str) -> str | None:
    slug = _slug(sent)
    return slug if slug is None or slug in get_args(AskedWay) else OTHER_WAY


def _segment(sent: str) -> str | None:
    return sent if 1 <= len(sent) <= SEGMENT_CHARACTERS_MAX and sent not in RESERVED_LABELS else None


def _country(sent: str) -> str | None:
    kept = _segment(sent)
    return None if kept is None else kept.upper()


#: By the form of a member.
MENDERS: Final[Mapping[Form, Mender]] = {"note": _slug, "way": _way, "segment": _segment, "country": _country}


def is_mended(form: Form, sent: str | None, kept: str | None) -> bool:
    """Return whether a member was mended: kept as another than was sent, or taken as absent.

    A way that counts as `other` is mended too, whatever was sent. `sent` is None for what is no text.
    """
    return kept is None or kept != sent or (form == "way" and kept == OTHER_WAY)
