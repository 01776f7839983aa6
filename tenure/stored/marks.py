"""Reading the marks of a stream: those of the customer without a name, on the partition that its key says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from kpis.customer.touchpoints import MarkFact
from kpis.instants import instant_text
from kpis.population.marks import marks_in, newest
from schemas.documents.document import AnyDocument
from schemas.documents.named_marks import NamedMark
from schemas.events import NO_CUSTOMER
from schemas.instants import DAY_MS
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.stored.customers import read_state

#: So long before its T a report names a mark (days), and so many of them (count).
NAMED_DAYS: Final = 90
NAMED: Final = 20


async def read_marks(settings: Settings, tables: Tables, partitions: int) -> list[MarkFact]:
    """Return all marks, earliest first.

    Args:
        settings: What numbers mean.
        tables: Where the states are.
        partitions: How many there are (count); each may be asked, since topics may have been widened.

    Raises:
        TenureError: As `tenure.stored.customers.read_customer`.
    """
    found = await read_state(settings, tables, partitions, NO_CUSTOMER)
    return [] if found is None else marks_in(found.state)


def with_marks(document: AnyDocument, marks: Sequence[MarkFact], *, at_ms: int) -> AnyDocument:
    """Return a document with the marks that stand beside its numbers; as it is where it has no place for them.

    Args:
        document: Most have the member `marks`.
        marks: All of them.
        at_ms: The instant that its numbers are as of (ms since 1970).
    """
    named = [mark for mark in marks if at_ms - NAMED_DAYS * DAY_MS <= mark.at_ms < at_ms]
    if not named or "marks" not in document.__struct_fields__:
        return document
    return replace(document, marks=[_named(mark) for mark in newest(named, NAMED)])


def _named(mark: MarkFact) -> NamedMark:
    return NamedMark(
        kind=mark.kind,
        title=mark.title,
        at=instant_text(mark.at_ms),
        until=None if mark.until_ms < 0 else instant_text(mark.until_ms),
    )
