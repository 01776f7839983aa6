"""The document of `tenure publish`."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.ignored import IgnoredOfFile
from schemas.documents.translation import TranslationMember


class PublicationSummary(Document, frozen=True, kw_only=True):
    """The outcome of a file's publication."""

    sent: Annotated[dict[str, int], Meta(description="Records that Kafka has for good, by event type (count).")]
    malformed: Annotated[
        int,
        Meta(description="Records that Kafka has and that become dead letters: no event, type or customer (count)."),
    ]
    undelivered: Annotated[int, Meta(description="Records that Kafka did not take (count).")]
    bytes: Annotated[int, Meta(description="Size of what Kafka took: keys and values (bytes).")]
    seconds: Annotated[float, Meta(description="How long it took.")]
    ignored: IgnoredOfFile = UNSET
    translation: TranslationMember = UNSET
