"""The document of `tenure doctor`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.documents.document import Document


class DoctorFinding(Document, frozen=True, kw_only=True):
    """One thing that was looked at."""

    area: Annotated[str, Meta(description="Part of the installation, such as `kafka` or `prometheus`.")]
    level: Annotated[
        Literal["ok", "skipped", "warning", "fault"],
        Meta(description="`fault`: it does not work, or numbers are wrong or incomplete; the command ends with 1."),
    ]
    what: Annotated[str, Meta(description="What was found, in words.")]
    advice: Annotated[str, Meta(description="What to do; empty: nothing, or `what` says it.")]


class DoctorReport(Document, frozen=True, kw_only=True):
    """The state of an installation."""

    faults: Annotated[int, Meta(description="Findings of that level (count).")]
    warnings: Annotated[int, Meta(description="Findings of that level (count).")]
    findings: Annotated[list[DoctorFinding], Meta(description="In the order in which they were looked for.")]
