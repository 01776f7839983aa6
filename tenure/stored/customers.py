"""Reading the customers of a stream while it goes on: all states of its partitions slice by slice, or that of one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import NamedTuple

from kpis.names import Names
from schemas.events import NO_CUSTOMER
from streams.batching.partitioner import partition_of
from streams.errors import Overtaken
from streams.partition.state import read_head
from streams.settings.meaning import names_of
from streams.settings.settings import Settings
from streams.tables import Stored, Tables


class Slice(NamedTuple):
    """Some customers of one partition, with their states as bytes; `names` know all numbers in them."""

    partition: int
    names: Names
    states: list[tuple[str, bytes]]


async def scan_all(
    settings: Settings,
    tables: Tables,
    partitions: Collection[int],
    *,
    also: Collection[int] = (),
    with_marks: bool = False,
) -> AsyncIterator[Slice]:
    """Yield all customers of partitions in one pass, slice by slice, in no order.

    The slices of a partition have the same names, which grow. The stream goes on meanwhile: a customer's state is the
    one before or after a commit, never one in between.

    Args:
        settings: What numbers mean.
        tables: Where the states are.
        partitions: Their numbers.
        also: Other versions of tables that are read, beside our own.
        with_marks: Yield the state of marks too, which are of no customer.

    Raises:
        StateUnreadable: Another version has stored a partition.
        TablesUnavailable: The store does not answer.
    """
    names: dict[int, Names] = {}
    known: dict[int, Stored] = {}
    for partition in partitions:
        names[partition] = names_of(settings)
        known[partition] = await _restore(tables, partition, names[partition], also=also)
    async for partition, states in tables.scan_states(partitions):
        if await tables.read_head(partition) != known[partition].head:  # commits came between, perhaps with new names
            known[partition] = await _restore(tables, partition, names[partition], known[partition], also=also)
        yield Slice(partition, names[partition], [each for each in states if with_marks or each[0] != NO_CUSTOMER])


class StoredCustomer(NamedTuple):
    """One customer with the state as bytes; `names` know all numbers in it."""

    partition: int
    names: Names
    state: bytes


async def read_customer(settings: Settings, tables: Tables, partitions: int, customer_id: str) -> StoredCustomer | None:
    """Return one customer; None where no partition has any of the id.

    Args:
        settings: What numbers mean.
        tables: Where the states are.
        partitions: How many there are (count); each is asked, the customer's first, since topics may have been widened.
        customer_id: Who.

    Raises:
        Overtaken: The partition was counted anew meanwhile.
        StateUnreadable: Another version has stored the partition.
        TablesUnavailable: The store does not answer.
    """
    return None if customer_id == NO_CUSTOMER else await read_state(settings, tables, partitions, customer_id)


async def read_state(settings: Settings, tables: Tables, partitions: int, name: str) -> StoredCustomer | None:
    """Return the state of a customer, or that of marks, by its name; as `read_customer`."""
    home = partition_of(name.encode(), partitions)
    for partition in sorted(range(partitions), key=lambda number: number != home):
        found = await read_states_of(settings, tables, partition, [name])
        if found is not None:
            return StoredCustomer(partition, found.names, found.states[0][1])
    return None


async def read_states_of(settings: Settings, tables: Tables, partition: int, customers: Sequence[str]) -> Slice | None:
    """Return those of some customers that a partition has; None where it has none; errors as `read_customer`."""
    before = Stored(await tables.read_head(partition), {})
    found = await tables.read_states(partition, customers)
    states = [(each, state) for each, state in zip(customers, found, strict=True) if state is not None]
    if not states or before.head is None:
        return None
    names = names_of(settings)
    stored = await _restore(tables, partition, names)  # after the states, whose names are then all there
    if read_head(partition, stored).commits < read_head(partition, before).commits:
        raise Overtaken(f"partition {partition} was counted anew meanwhile")
    return Slice(partition, names, states)


async def _restore(
    tables: Tables, partition: int, names: Names, known: Stored | None = None, *, also: Collection[int] = ()
) -> Stored:
    """Learn the names that a partition has stored since it was looked at last; return what is stored now."""
    stored = await tables.load(partition, known)
    head = read_head(partition, stored, also=also)
    if known is not None and head.commits < read_head(partition, known, also=also).commits:
        raise Overtaken(f"partition {partition} was counted anew meanwhile")
    new = {table: found[len(known.names[table]) if known else 0 :] for table, found in stored.names.items()}
    names.restore(new)
    return stored
