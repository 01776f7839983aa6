"""The document of `tenure rebuild`: what is built anew, how it compares, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.documents.document import Document


class RebuiltNumber(Document, frozen=True, kw_only=True):
    """A number that is not the same in the new tables."""

    number: Annotated[str, Meta(description="Its path in the report of `tenure kpi`.")]
    before: Annotated[int | float | str | None, Meta(description="In the tables that hold.")]
    after: Annotated[int | float | str | None, Meta(description="In the new ones.")]


class PastRebuild(Document, frozen=True, kw_only=True):
    """A rebuild whose tables were put in place."""

    at: Annotated[str, Meta(description="When; an instant in UTC.")]
    by: Annotated[str, Meta(description="Who said so.")]
    reason: Annotated[str, Meta(description="Why, in words; may be empty.")]
    source: Annotated[str, Meta(description="What was counted: `tables` or `kafka`.")]
    partitions_before: Annotated[int, Meta(description="Partitions that customers were spread over (count).")]
    partitions: Annotated[int, Meta(description="Those that they are spread over since (count).")]
    differences: Annotated[int, Meta(description="Numbers that were not the same, and were accepted (count).")]
    settings: Annotated[list[str], Meta(description="Settings that decide what numbers mean and were changed with it.")]


class Rebuilding(Document, frozen=True, kw_only=True):
    """A rebuild of a stream's tables, planned or done."""

    outcome: Annotated[
        Literal["planned", "switched", "different"],
        Meta(
            description="`planned`: nothing was done; `switched`: the new tables hold; `different`: they count"
            " otherwise, and were removed."
        ),
    ]
    source: Annotated[Literal["tables", "kafka"], Meta(description="What is counted.")]
    partitions_before: Annotated[int, Meta(description="Partitions that customers are spread over (count).")]
    partitions: Annotated[int, Meta(description="Those that they are to be spread over (count).")]
    settings: Annotated[list[str], Meta(description="Settings that decide what numbers mean and change with it.")]
    customers: Annotated[int | None, Meta(description="Customers that were taken over (count); `null`: not yet.")]
    cells: Annotated[int | None, Meta(description="Cells that were compared (count); `null`: none, see `compared`.")]
    different_cells: Annotated[int | None, Meta(description="Of these, those that are not the same (count).")]
    compared: Annotated[
        str,
        Meta(description="`cells`: each, so that every count at every instant is the same; `report`; or `nothing`."),
    ]
    differences: Annotated[list[RebuiltNumber], Meta(description="Numbers of the report as of now that differ.")]
    held_seconds: Annotated[
        float | None, Meta(description="So long the stream was held still (s); `null`: it was not.")
    ]
    earlier: Annotated[list[PastRebuild], Meta(description="Rebuilds before this one, the earliest first.")]
