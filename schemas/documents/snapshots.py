"""The documents of `tenure snapshot` and `tenure restore`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.documents.document import Document


class SnapshotSummary(Document, frozen=True, kw_only=True):
    """A snapshot, as it was written or restored."""

    file: Annotated[str, Meta(description="Its name.")]
    sha256: Annotated[str, Meta(description="Of all that the file holds but this sum, which ends it.")]
    taken_at: Annotated[str, Meta(description="When it was taken; an instant in UTC.")]
    program: Annotated[str, Meta(description="The version of the program that wrote it.")]
    state_version: Annotated[int, Meta(description="The version of its tables.")]
    group: Annotated[str, Meta(description="The consumer group of the stream that it was taken of.")]
    partitions: Annotated[int, Meta(description="Partitions that customers are spread over (count).")]
    customers: Annotated[int, Meta(description="Customers in it (count).")]
    cells: Annotated[int, Meta(description="Cells of counters in it (count).")]
