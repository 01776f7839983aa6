"""Room: how many requests, and how many of their bytes, are held at once.

What Kafka has not taken yet when its request is answered with an error is still held, and still counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Self


class NoRoom(Exception):
    """There is no room; the message says for what."""


class IntakeRoom:
    """The room that all requests share.

    Args:
        most_requests: At once (count).
        most_bytes: At once.
    """

    def __init__(self, most_requests: int, most_bytes: int) -> None:
        self.requests = 0
        self.bytes = 0
        self._most_requests = most_requests
        self._most_bytes = most_bytes

    def enter(self) -> HeldRoom:
        """Return the room of a request, for its bytes to be added.

        Raises:
            NoRoom: Too many are served.
        """
        if self.requests >= self._most_requests:
            raise NoRoom(f"{self.requests:,} requests are being served, as many as gateway_max_in_flight_requests says")
        self.requests += 1
        return HeldRoom(self)

    def take(self, count: int) -> None:
        """Take room for bytes.

        Raises:
            NoRoom: There is not as much.
        """
        if self.bytes + count > self._most_bytes:
            raise NoRoom(
                f"{self.bytes:,} bytes wait for Kafka, and gateway_max_in_flight_bytes has no room for {count:,} more"
            )
        self.bytes += count


class HeldRoom:
    """The room of one request, in a `with` statement.

    Args:
        room: That it is of.
    """

    def __init__(self, room: IntakeRoom) -> None:
        self._room = room
        self._bytes = 0
        #: the end of the request, and each delivery
        self._waits_for = 1

    def take(self, count: int) -> None:
        """Take room for more bytes; raises NoRoom."""
        self._room.take(count)
        self._bytes += count

    def keep_until(self, deliveries: Collection[asyncio.Future[object]]) -> None:
        """Have the bytes count until Kafka has taken or refused these."""
        self._waits_for += len(deliveries)
        for delivery in deliveries:
            delivery.add_done_callback(self._delivered)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.requests -= 1
        self._settle()

    def _delivered(self, delivery: asyncio.Future[object]) -> None:
        if not delivery.cancelled():
            delivery.exception()  # told already: the request that it was of has ended
        self._settle()

    def _settle(self) -> None:
        """Give the bytes back once nothing is waited for any more."""
        self._waits_for -= 1
        if self._waits_for == 0:
            self._room.bytes -= self._bytes
            self._bytes = 0
