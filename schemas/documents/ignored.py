"""Members of a file's events that no event type has: part of the documents of `tenure replay` and `tenure publish`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, UnsetType

from schemas.documents.document import Document


class IgnoredMember(Document, frozen=True, kw_only=True):
    """One member name that no event type has."""

    count: Annotated[int, Meta(description="Events that have it and are not refused, repetitions among them.")]
    meant: Annotated[str | None, Meta(description="The member that may have been meant; `null` where none is close.")]
    examples: Annotated[list[str], Meta(description="The first three: where they are, their type, and the value.")]


class IgnoredMembers(Document, frozen=True, kw_only=True):
    """The member names that no event type has: what they hold is not read."""

    members: Annotated[
        dict[str, IgnoredMember],
        Meta(description="By name: those that may be misspelt first, then the most frequent; 20 at most."),
    ]
    more: Annotated[int, Meta(description="How many names there are beside these; none beyond 1,000 are told apart.")]


IgnoredOfFile = Annotated[
    IgnoredMembers | UnsetType,
    Meta(description="Members that no event type has. There where the command read a file that has any."),
]
