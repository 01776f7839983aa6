"""A partition in whose surroundings customers can be forgotten: the topic of tombstones is what was sent to it."""

from __future__ import annotations

from typing import Final

from kpis.counting.cells import groups_of
from kpis.customer.pseudonyms import ForgetKey, pseudonym_of
from schemas.tombstones import ForgetRequest, Tombstone, decode_tombstone, encode_request
from streams.forgetting.forgotten import Forgotten, TombstonePart, TombstoneRecord
from streams.partition.partition import Partition
from tests.unit.streams.partitions import MINE, Surroundings

SECRET: Final = "a key of thirty-two characters.."
KEY: Final = ForgetKey(SECRET)
HASH: Final = KEY.hash_of(MINE)
PSEUDONYM: Final = pseudonym_of(HASH)
TOPIC: Final = "tenure.forgotten"
ASKED_MS: Final = 5_000
REQUEST: Final = encode_request(ForgetRequest(ASKED_MS, KEY.check))


class Sent:
    """The topic of tombstones: what partitions have sent to it, and what a test adds."""

    def __init__(self) -> None:
        self.around: Surroundings | None = None
        self.others: list[TombstoneRecord] = []

    async def read(self, first: int) -> TombstonePart:
        """See `TombstoneLog`."""
        own = [] if self.around is None else [each for each in self.around.sent if each.topic == TOPIC]
        records = [*self.others, *(TombstoneRecord(0, each.key, each.value) for each in own)]
        placed = [record._replace(offset=offset) for offset, record in enumerate(records)]
        return TombstonePart(placed[first:], len(placed))

    async def close(self) -> None:
        """See `TombstoneLog`."""


class Forgetting(Surroundings):
    """Surroundings in which customers can be forgotten."""

    def __init__(self, key: ForgetKey | None = KEY) -> None:
        self.topic = Sent()
        super().__init__(forgotten=Forgotten(self.topic, key))
        self.topic.around = self

    async def ask(self, customer: str = MINE) -> None:
        """Leave a request."""
        await self.tables.ask_to_forget(0, customer, REQUEST)

    def tombstones(self) -> list[Tombstone]:
        """Return what was sent."""
        return [decode_tombstone(each.value or b"") for each in self.sent if each.topic == TOPIC]

    async def amounts(self, partition: Partition) -> list[int]:
        """Return what is counted."""
        _, cells = await self.tables.snapshot(0, groups_of(partition.names))
        return sorted(amount for amount in cells.amounts.tolist() if amount)
