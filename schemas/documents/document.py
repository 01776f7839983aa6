"""The base of all documents: structs that are written as JSON objects, in the order of their members.

A member that may be left out is `UNSET` where it is; one that is there without a value is None, `null` in JSON.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An object of a document."""


AnyDocument = TypeVar("AnyDocument", bound=Document)


def made(document: type[AnyDocument], members: dict[str, Any]) -> AnyDocument:
    """Return a document out of members whose names the catalogue gives; no more and no fewer than it has.

    Raises:
        TypeError: A member is missing, or is none of this document.
    """
    return document(**members)


def read(document: type[AnyDocument], found: object) -> AnyDocument:
    """Return plain objects of JSON as a document; members that are unknown are left out.

    Raises:
        msgspec.ValidationError: A member is missing, or of another type.
    """
    return msgspec.convert(found, document)


def plain(found: Any) -> Any:
    """Return documents, alone or in lists, as the plain objects that JSON is written from."""
    return msgspec.to_builtins(found)
