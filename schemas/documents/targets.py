"""The documents of `tenure target list`, `target set` and `target history`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from schemas.documents.document import Document


class ListedTarget(Document, frozen=True, kw_only=True):
    """A target that holds."""

    kpi: Annotated[str, Meta(description="The name of a ratio.")]
    window: Annotated[str, Meta(description="The window's name.")]
    value: Annotated[float | None, Meta(description="What the ratio should be, as it is counted: 0.9 is 90 %.")]
    owner: Annotated[str, Meta(description="Who answers for it.")]
    review: Annotated[str, Meta(description="When the owner looks at it again; an instant in UTC.")]
    overdue: Annotated[bool, Meta(description="Whether that is over.")]
    set_by: Annotated[str, Meta(description="Who set it.")]
    set_at: Annotated[str, Meta(description="When; an instant in UTC.")]
    note: Annotated[str, Meta(description="Why, in words; may be empty.")]


class ChangedTarget(Document, frozen=True, kw_only=True):
    """A change of a target."""

    at: Annotated[str, Meta(description="When it was made; an instant in UTC.")]
    by: Annotated[str, Meta(description="Who made it.")]
    kpi: Annotated[str, Meta(description="The name of a ratio.")]
    window: Annotated[str, Meta(description="The window's name.")]
    old: Annotated[float | None, Meta(description="The target before; `null` where there was none.")]
    new: Annotated[float | None, Meta(description="The target after; `null` where it was taken back.")]
    owner: Annotated[str, Meta(description="Who answers for it.")]
    review: Annotated[str, Meta(description="When the owner looks at it again; an instant in UTC.")]
    note: Annotated[str, Meta(description="Why, in words; may be empty.")]
