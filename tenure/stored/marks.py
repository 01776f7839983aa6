"""Reading the marks of a stream: those of the customer without a name, on whichever partition its key lies."""

from __future__ import annotations

from kpis.customer.touchpoints import MarkFact, touchpoint_order
from kpis.population.marks import marks_in
from schemas.events import NO_CUSTOMER
from streams.settings.settings import Settings
from streams.tables import Tables
from tenure.stored.customers import read_states_of


async def read_marks(settings: Settings, tables: Tables, partitions: int) -> list[MarkFact]:
    """Return all marks, earliest first.

    Args:
        settings: What numbers mean.
        tables: Where the states are.
        partitions: How many there are (count).

    Raises:
        TenureError: As `tenure.stored.customers.read_customer`.
    """
    found: list[MarkFact] = []
    for partition in range(partitions):
        part = await read_states_of(settings, tables, partition, [NO_CUSTOMER])
        if part is not None:
            found += marks_in(part.states[0][1])
    return sorted(found, key=touchpoint_order)
