"""The forgotten customers of a worker: what the topic of tombstones says, read when partitions are taken over.

The topic is the truth: tables that are lost are counted anew with it. A customer who has a tombstone gets no other, so
that every count of the same log forgets the same. Who writes it: `streams.partition.forgetting`.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from typing import NamedTuple, Protocol

import msgspec
import structlog

from kpis.customer.pseudonyms import ForgetKey, ForgottenCustomer
from schemas.tombstones import Tombstone, decode_tombstone
from streams.errors import ForgetKeyUnfit
from streams.settings.settings import Settings

log = structlog.get_logger(__name__)


class TombstoneRecord(NamedTuple):
    """One record of the topic."""

    offset: int
    key: bytes | None
    value: bytes | None


class TombstonePart(NamedTuple):
    """Part of the topic: records, and the offset after the last of them."""

    records: list[TombstoneRecord]
    end: int


class TombstoneLog(Protocol):
    """The topic of tombstones, to be read by everybody who owns a partition."""

    async def read(self, first: int) -> TombstonePart:
        """Return what lies there from an offset on; nothing, up to 0, where there is no topic.

        Raises:
            LogUnavailable: The log does not answer.
        """

    async def close(self) -> None:
        """Let go of connections."""


class NoTombstones:
    """A topic that is never there: of files, and of tests that forget nobody."""

    async def read(self, first: int) -> TombstonePart:
        """See `TombstoneLog`."""
        del first
        return TombstonePart([], 0)

    async def close(self) -> None:
        """See `TombstoneLog`."""


class Forgotten:
    """The forgotten customers, as far as this worker has read the topic.

    Args:
        log: The topic.
        key: Of the hashes; None where the settings have none.
    """

    def __init__(self, log: TombstoneLog | None = None, key: ForgetKey | None = None) -> None:
        self.key = key
        self._log = NoTombstones() if log is None else log
        #: the offset up to which the topic was read
        self.end = 0
        self._reading = asyncio.Lock()
        #: by the hash of the customer's id
        self._tombstones: dict[str, Tombstone] = {}
        #: offsets and hashes of what was read, in order
        self._order: list[tuple[int, str]] = []

    @property
    def any(self) -> bool:
        """Return whether anybody is forgotten."""
        return bool(self._tombstones)

    async def refresh(self) -> None:
        """Read what has come since the last time.

        Raises:
            LogUnavailable: The log does not answer.
            ForgetKeyUnfit: There are tombstones, and our key has not made them.
        """
        async with self._reading:
            part = await self._log.read(self.end)
            if part.end < self.end:  # the topic was made anew: all that lies there is new
                self._order.clear()
            for record in part.records:
                self._take(record)
            self.end = part.end

    def find(self, customer_id: str) -> ForgottenCustomer | None:
        """Return a customer if they are forgotten."""
        if not self._tombstones or self.key is None:
            return None
        found = self._tombstones.get(self.key.hash_of(customer_id))
        return None if found is None else ForgottenCustomer(self.key, customer_id, found)

    def note(self, hashed: str, tombstone: Tombstone) -> None:
        """Take a tombstone that the log has; of two under one hash the later record holds, as compaction has it."""
        self._tombstones[hashed] = tombstone

    async def close(self) -> None:
        """Let go of connections."""
        await self._log.close()

    def since(self, offset: int) -> dict[str, Tombstone]:
        """Return, by their hash, the tombstones that were read from an offset on; all where it is beyond the end."""
        first = bisect_left(self._order, (offset, "")) if offset <= self.end else 0
        return {hashed: self._tombstones[hashed] for _, hashed in self._order[first:]}

    def _take(self, record: TombstoneRecord) -> None:
        try:
            hashed, tombstone = (record.key or b"").decode("ascii"), decode_tombstone(record.value or b"")
        except (UnicodeDecodeError, msgspec.DecodeError) as error:
            log.warning("tombstone_unreadable", offset=record.offset, reason=str(error))  # somebody else has written it
            return
        if self.key is None or tombstone.check != self.key.check:
            raise ForgetKeyUnfit(known=self.key is not None)
        self.note(hashed, tombstone)
        self._order.append((record.offset, hashed))


def forget_key_of(settings: Settings) -> ForgetKey | None:
    """Return the key of the settings; None where they have none."""
    return None if settings.forget_key is None else ForgetKey(settings.forget_key.get_secret_value())
