"""Marks beside the numbers of any report."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, UnsetType

from schemas.documents.document import Document


class NamedMark(Document, frozen=True, kw_only=True):
    """A mark beside the numbers of a report."""

    kind: Annotated[str, Meta(description="`release`, `price`, `campaign`, `incident` or `other`.")]
    title: Annotated[str, Meta(description="What it is called.")]
    at: Annotated[str, Meta(description="When it happened; an instant in UTC.")]
    until: Annotated[str | None, Meta(description="When it ended; `null` where it took no time.")]


MarksMember = Annotated[
    list[NamedMark] | UnsetType,
    Meta(description="[Marks](marks.md) of the 90 days before T, the newest twenty; absent where there is none."),
]
