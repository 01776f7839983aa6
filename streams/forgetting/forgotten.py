"""The forgotten customers of a worker: what the topic of tombstones says, read when partitions are taken over.

The topic is the truth: tables that are lost are counted anew with it. A customer who has a tombstone gets no other, so
that every count of the same log forgets the same. Who writes it: `streams.partition.forgetting`.
"""

from __future__ import annotations

import asyncio
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
    """Who is forgotten, as far as this worker has read the topic.

    Args:
        log: The topic.
        key: Of the hashes; None where the settings have none.
    """

    def __init__(self, log: TombstoneLog | None = None, key: ForgetKey | None = None) -> None:
        self.key = key
        self._log = NoTombstones() if log is None else log
        self._next = 0
        self._reading = asyncio.Lock()
        #: by the hash of the customer's id
        self._tombstones: dict[str, Tombstone] = {}

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
            part = await self._log.read(self._next)
            for key, value in part.records:
                self._take(key, value)
            self._next = part.end  # of a topic that was made anew it is less than before

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

    def _take(self, key: bytes | None, value: bytes | None) -> None:
        try:
            hashed, tombstone = (key or b"").decode("ascii"), decode_tombstone(value or b"")
        except (UnicodeDecodeError, msgspec.DecodeError) as error:
            log.warning("tombstone_unreadable", reason=str(error))  # somebody else has written it
            return
        if self.key is None or tombstone.check != self.key.check:
            raise ForgetKeyUnfit(known=self.key is not None)
        self.note(hashed, tombstone)


def forget_key_of(settings: Settings) -> ForgetKey | None:
    """Return the key of the settings; None where they have none."""
    return None if settings.forget_key is None else ForgetKey(settings.forget_key.get_secret_value())
