"""The document of `tenure dlq list`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.documents.document import Document


class DeadLetterEntry(Document, frozen=True, kw_only=True):
    """A record that was refused."""

    reason: Annotated[str, Meta(description="[Reason](events.md#dead-letters) of its refusal.")]
    detail: Annotated[str, Meta(description="What was found, in words.")]
    topic: Annotated[str, Meta(description="The topic where it lay.")]
    partition: Annotated[int, Meta(description="Its partition there.")]
    offset: Annotated[int, Meta(description="Its offset there.")]
    truncated: Annotated[bool, Meta(description="Whether it was shortened to be sent.")]
    key: Annotated[str | None, Meta(description="Its key as text, the beginning; `null`: it has none.")]
    value: Annotated[str | None, Meta(description="Its value as text, the beginning; `null`: it has none.")]
    value_bytes: Annotated[int, Meta(description="Size of the value in the dead letter (bytes).")]
    refused_at: Annotated[str, Meta(description="When; an instant in UTC.")]


class DeadLetterList(Document, frozen=True, kw_only=True):
    """The dead letters of a stream."""

    topic: Annotated[str, Meta(description="The topic that they are in.")]
    dead_letters: Annotated[int, Meta(description="Records that were refused (count), each once.")]
    repeated: Annotated[int, Meta(description="Dead letters that lie there once more (count).")]
    foreign: Annotated[int, Meta(description="Records of the topic that are no dead letters (count).")]
    reasons: Annotated[dict[str, int], Meta(description="By reason, the most frequent first (count).")]
    latest: Annotated[list[DeadLetterEntry], Meta(description="The latest first, `--limit` at most.")]
