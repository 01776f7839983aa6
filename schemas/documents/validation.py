"""The document of `tenure validate`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.ignored import IgnoredOfFile
from schemas.documents.translation import TranslationMember

QuestionWeight = Literal["high", "medium", "low"]


class ValidatedType(Document, frozen=True, kw_only=True):
    """The events of one type."""

    records: Annotated[int, Meta(description="All of them (count).")]
    applied: Annotated[int, Meta(description="Those that would be applied (count).")]
    repeated: Annotated[int, Meta(description="Those under an id that is known: they change nothing (count).")]
    tests: Annotated[int, Meta(description="Those that are marked as tests (count).")]
    refused: Annotated[int, Meta(description="Those that would become dead letters (count).")]


class FoundEvents(Document, frozen=True, kw_only=True):
    """Events of which one thing was found."""

    count: Annotated[int, Meta(description="How many there are (count).")]
    examples: Annotated[list[str], Meta(description="The first three: where they are, and what they have.")]
    advice: Annotated[list[str], Meta(description="What to do about them; empty where the examples say it.")]


class AskedQuestion(Document, frozen=True, kw_only=True):
    """Something that is formally right, and may be a mistake."""

    name: Annotated[str, Meta(description="Which one, such as `spelt_apart`; docs/validate.md has all.")]
    weight: Annotated[
        QuestionWeight,
        Meta(description="`high`: numbers are wrong if it is a mistake; `medium`: misleading; `low`: worth knowing."),
    ]
    count: Annotated[int, Meta(description="Of what it is about (count).")]
    of: Annotated[int | None, Meta(description="Out of so many; `null` where that says nothing.")]
    what: Annotated[str, Meta(description="What was found, to be read after the count.")]
    advice: Annotated[str, Meta(description="What to do, or why it may be right.")]
    examples: Annotated[list[str], Meta(description="The first three: where they are, and what they have.")]


class ValidationReport(Document, frozen=True, kw_only=True):
    """Events of a file, or of topics: what the stream would do with them, and what a sceptic would ask."""

    source: Annotated[str, Meta(description="The file as it was named, or the topics.")]
    as_of: Annotated[
        str | None, Meta(description="The timestamp that the records of a file would get; `null` for topics.")
    ]
    records: Annotated[int, Meta(description="Events that were looked at (count).")]
    applied: Annotated[int, Meta(description="Those that would be applied (count).")]
    repeated: Annotated[int, Meta(description="Those under an id that is known: they change nothing (count).")]
    conflicts: Annotated[int, Meta(description="Those of them that differ from what was said first (count).")]
    tests: Annotated[int, Meta(description="Those that are marked as tests, and count nowhere (count).")]
    refused: Annotated[int, Meta(description="Those that would become dead letters (count).")]
    copies: Annotated[int, Meta(description="Records that workers sent on; not looked at again (count).")]
    customers: Annotated[int, Meta(description="Customers of whom anything is told (count).")]
    first: Annotated[str | None, Meta(description="Event time of the earliest event that is not refused.")]
    last: Annotated[str | None, Meta(description="Event time of the latest one.")]
    types: Annotated[dict[str, ValidatedType], Meta(description="By type, as records name it; `?` where they do not.")]
    refusals: Annotated[dict[str, FoundEvents], Meta(description="By reason and member.")]
    mended: Annotated[dict[str, FoundEvents], Meta(description="By member.")]
    without_effect: Annotated[dict[str, FoundEvents], Meta(description="Facts that change nothing, by kind.")]
    repetitions: Annotated[list[str], Meta(description="The first three plain repetitions.")]
    absent: Annotated[list[str], Meta(description="Types of which there is no event.")]
    questions: Annotated[list[AskedQuestion], Meta(description="By weight, then by count.")]
    gave_up: Annotated[list[str], Meta(description="Where counting stopped, for want of memory or of an answer.")]
    ignored: IgnoredOfFile = UNSET
    translation: TranslationMember = UNSET
