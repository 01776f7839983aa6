"""The document of `tenure sql`."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta

from schemas.documents.document import Document
from schemas.documents.losses import LossesMember, WaitingMember


class SqlColumn(Document, frozen=True, kw_only=True):
    """A column of an answer."""

    name: Annotated[str, Meta(description="Its name.")]
    type: Annotated[str, Meta(description="Its type, as DuckDB names it.")]


class SqlAnswer(Document, frozen=True, kw_only=True):
    """The rows that a query is answered with."""

    as_of: Annotated[str, Meta(description="T, an instant in UTC.")]
    columns: Annotated[list[SqlColumn], Meta(description="The columns, in order.")]
    rows: Annotated[
        list[list[str | int | float | bool | None]],
        Meta(
            description="The rows, each a list in the order of the columns. Instants are texts in UTC; what JSON has no"
            " form for is text, and a number that is not finite `null`."
        ),
    ]
    truncated: Annotated[bool, Meta(description="Whether there are more rows than `--limit` lets through.")]
    losses: LossesMember = UNSET
    waiting: WaitingMember = UNSET
