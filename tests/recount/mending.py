"""Mending of members that only describe an event: none of them ever costs it.

Each function returns the member as it is kept, None where it counts as absent. What is kept and differs from what was
sent is mended, and so is what counts as absent; the caller counts it.
Definitions: the contract, "What only describes an event never costs the event".
"""

import re

SLUG = re.compile(r"[a-z0-9_-]{1,64}")
WAYS = ("in_app", "email", "outreach")
OTHER_WAY = "other"
#: Members that describe an event and are no dimension.
DESCRIBING = ("reason", "feature", "via")
LONGEST_VALUE = 64
RESERVED_VALUES = ("none", "other")


def mended_slug(sent: object) -> str | None:
    """Return the slug that a text is or can be made into."""
    if not isinstance(sent, str):
        return None
    if SLUG.fullmatch(sent):
        return sent
    plain = re.sub(r"[^a-z0-9_-]", "_", sent.lower())
    plain = re.sub(r"_+", "_", plain).strip("_")
    return plain[:64].rstrip("_") or None


def mended_way(sent: object) -> str | None:
    """Return the way of a survey: one of the three, or `other` where a slug is none of them."""
    slug = mended_slug(sent)
    return slug if slug is None or slug in WAYS else OTHER_WAY


def mended_value(sent: object) -> str | None:
    """Return the value of a dimension, as it was sent."""
    if isinstance(sent, str) and 1 <= len(sent) <= LONGEST_VALUE and sent not in RESERVED_VALUES:
        return sent
    return None


def mended_country(sent: object) -> str | None:
    """Return a country in capitals, into which it is put last of all."""
    value = mended_value(sent)
    return None if value is None else value.upper()


def is_mended(name: str, sent: object, kept: str | None) -> bool:
    """Return whether a member was mended: kept as another, taken as absent, or a way that counts as `other`."""
    return kept != sent or (name == "via" and kept == OTHER_WAY)
