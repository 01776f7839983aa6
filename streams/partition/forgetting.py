"""Forgetting customers: events of the forgotten on their way into a batch, and requests that are carried out.

A request is carried out by the owner of the customer's partition, between two batches, in three steps. A commit stores
what was decided; the tombstone is sent, and Kafka has acknowledged it; a commit moves the state to the pseudonym and
strikes the request off. Whoever takes over in between finds the decision, and goes on with it before anything else.
Records of the customer whose timestamp is not later than the tombstone's count for the pseudonym, whenever they are
read; later ones count nowhere. So the log alone decides, and counting it anew finds the same.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any, Final

import msgspec

from kpis.arrays import Ints
from kpis.customer.forgetting import forgotten_state
from kpis.customer.pseudonyms import ForgottenCustomer
from kpis.customer.state import Customer, decode, encode
from kpis.fold.fold import Fold
from kpis.packing import table_of
from schemas.decoding.decoder import Decoded
from schemas.events import Event
from schemas.tombstones import Tombstone, encode_tombstone
from streams.batching.sender import Outgoing
from streams.forgetting.forgotten import Forgotten
from streams.records import NO_HEADERS, Record

# ------------------------------------------------------------------------- events

#: Ids that tell what belongs together of a customer.
_NAMED: Final = ("subscription_id", "ticket")


def swallow(
    decoded: Decoded[Record],
    strangers: Iterable[str],
    forgotten: Forgotten,
    mended: MutableMapping[int, tuple[str, ...]],
) -> tuple[dict[str, ForgottenCustomer], list[Record]]:
    """Take what comes too late of forgotten customers out of a batch, before any of it is forwarded.

    Only strangers are looked at, customers without a state: the forgotten have none under their id.

    Args:
        decoded: The batch.
        strangers: Its customers that have no state here.
        forgotten: Who is forgotten.
        mended: Mended members by the `id` of a record; those of what is taken out go too.

    Returns:
        The forgotten among the strangers, and the records of what was taken out.
    """
    found = {name: who for name in strangers if (who := forgotten.find(name)) is not None}
    kept: list[int] = []
    swallowed: list[Record] = []
    if not found:
        return found, swallowed
    for index, event in enumerate(decoded.events):
        who, record = found.get(event.customer_id), decoded.records[index]
        if who is None or record.timestamp <= who.at_ms:
            kept.append(index)
        else:
            swallowed.append(record)
            mended.pop(id(record), None)
    decoded.pick(kept)
    return found, swallowed


def rename(decoded: Decoded[Record], found: dict[str, ForgottenCustomer]) -> list[int]:
    """Have the events of forgotten customers count for their pseudonyms; return their places in the batch."""
    places: list[int] = []
    for index, event in enumerate(decoded.events):
        who = found.get(event.customer_id)
        if who is not None:
            decoded.events[index] = _renamed(event, who)
            places.append(index)
    return places


def _renamed(event: Event, who: ForgottenCustomer) -> Event:
    changes: dict[str, Any] = {"customer_id": who.pseudonym}
    for member in _NAMED:
        name = getattr(event, member, "")
        if name:
            changes[member] = who.subscription(name)
    return msgspec.structs.replace(event, **changes)


# ------------------------------------------------------------------------- requests


def tombstone_record(topic: str, hashed: str, tombstone: Tombstone) -> Outgoing:
    """Return the record of a tombstone: on partition 0, which is the only one that is read."""
    return Outgoing(topic, 0, hashed.encode(), encode_tombstone(tombstone), None, NO_HEADERS)


def forget(
    fold: Fold, who: ForgottenCustomer, state: bytes | None, of_pseudonym: bytes | None
) -> tuple[dict[str, bytes], Ints]:
    """Return the states that forgetting a customer changes, and the rows: none, as long as all adds up.

    Args:
        fold: The partition's, between two batches.
        who: The customer.
        state: Theirs; None where they have none.
        of_pseudonym: What was counted for the pseudonym already; what was counted for the customer since, by a program
            that knew of no tombstones, is then taken back: it should have been left out.
    """
    if state is None:
        return {}, table_of(())
    context, before = fold.context, decode(state)
    after = forgotten_state(before, who.subscription, context.names) if of_pseudonym is None else Customer()
    context.rows = []
    for _ in context.write_down(after, before, 0):
        pass
    rows, context.rows = table_of(context.rows), []
    return ({who.pseudonym: encode(after)} if of_pseudonym is None else {}), rows
