"""The documents of `tenure target list`, `target set`, `target history` and `target test`."""

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
    dimension: Annotated[str, Meta(description="The dimension of a segment; `all` for all customers.")]
    segment: Annotated[str, Meta(description="The segment's value; empty for all customers.")]


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
    dimension: Annotated[str, Meta(description="The dimension of a segment; `all` for all customers.")]
    segment: Annotated[str, Meta(description="The segment's value; empty for all customers.")]


class FiringSpell(Document, frozen=True, kw_only=True):
    """A run of midnights at which an alert would have fired."""

    first: Annotated[str, Meta(description="The first of them; an instant in UTC.")]
    last: Annotated[str, Meta(description="The last of them; an instant in UTC.")]
    midnights: Annotated[int, Meta(description="How many they are.")]


class TargetTrial(Document, frozen=True, kw_only=True):
    """The warnings and pages that a target would have made in the last year, looked at each local midnight."""

    kpi: Annotated[str, Meta(description="The name of a ratio.")]
    window: Annotated[str, Meta(description="The window's name.")]
    value: Annotated[float, Meta(description="The target that was tried, as the ratio is counted.")]
    dimension: Annotated[str, Meta(description="The dimension of a segment; `all` for all customers.")]
    segment: Annotated[str, Meta(description="The segment's value; empty for all customers.")]
    first: Annotated[str | None, Meta(description="The first midnight; `null` where there are no events yet.")]
    last: Annotated[str | None, Meta(description="The last midnight; `null` where there are no events yet.")]
    midnights: Annotated[int, Meta(description="How many were looked at.")]
    with_value: Annotated[int, Meta(description="At how many of them the KPI had a value.")]
    lowest: Annotated[float | None, Meta(description="The lowest of these values; `null` where there is none.")]
    median: Annotated[float | None, Meta(description="Their median; `null` where there is none.")]
    highest: Annotated[float | None, Meta(description="The highest of them; `null` where there is none.")]
    can_page: Annotated[
        bool, Meta(description="Whether it can page: proportions of all customers do, with targets of 1d and 7d.")
    ]
    warnings: Annotated[list[FiringSpell], Meta(description="When it would have warned.")]
    pages: Annotated[list[FiringSpell], Meta(description="When it would have paged.")]
