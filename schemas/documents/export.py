"""The document of `tenure export`."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.losses import LossesMember, WaitingMember


class ExportSummary(Document, frozen=True, kw_only=True):
    """An export that has come to its end."""

    to: Annotated[str, Meta(description="`parquet`, `postgres` or `kafka`.")]
    as_of: Annotated[str, Meta(description="T, an instant in UTC: what happened before it is there.")]
    customers: Annotated[int, Meta(description="Customers that were looked at (count); of a topic 0.")]
    changed: Annotated[int, Meta(description="Customers whose rows were written, for they had changed (count).")]
    removed: Annotated[int, Meta(description="Customers whose rows were removed: they were forgotten (count).")]
    rows: Annotated[dict[str, int], Meta(description="Rows written, by relation (count).")]
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
