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
    """The room that all requests share; those of senders that are not verified yet have half of it at most.

    Of a webhook the body comes before its signature can be checked: whoever sends many of them, and signs none, leaves
    the other half to those who are known.

    Args:
        most_requests: At once (count).
        most_bytes: At once.
        most_body_bytes: Of one request, which fits in any case.
    """

    def __init__(self, most_requests: int, most_bytes: int, most_body_bytes: int) -> None:
        self.requests = 0
        self.bytes = 0
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._unverified_requests = 0
        self._unverified_bytes = 0
        self._most_unverified_requests = max(1, most_requests // 2)
        self._most_unverified_bytes = max(most_body_bytes, most_bytes // 2)

    def enter(self, *, verified: bool) -> HeldRoom:
        """Return the room of a request, for its bytes to be added.

        Args:
            verified: Whether its sender is known already.

        Raises:
            NoRoom: Too many are served.
        """
        if self.requests >= self._most_requests:
            raise NoRoom(f"{self.requests:,} requests are being served, as many as gateway_max_in_flight_requests says")
        if not verified:
            if self._unverified_requests >= self._most_unverified_requests:
                raise NoRoom(
                    f"{self._unverified_requests:,} requests are being read whose signature is not checked yet, half "
                    "of gateway_max_in_flight_requests"
                )
            self._unverified_requests += 1
        self.requests += 1
        return HeldRoom(self, verified=verified)

    def take(self, count: int, *, verified: bool) -> None:
        """Take room for bytes.

        Raises:
            NoRoom: There is not as much.
        """
        if self.bytes + count > self._most_bytes:
            raise NoRoom(
                f"{self.bytes:,} bytes wait for Kafka, and gateway_max_in_flight_bytes has no room for {count:,} more"
            )
        if not verified:
            if self._unverified_bytes + count > self._most_unverified_bytes:
                raise NoRoom(
                    f"{self._unverified_bytes:,} bytes are there whose signature is not checked yet, and half of "
                    f"gateway_max_in_flight_bytes has no room for {count:,} more"
                )
            self._unverified_bytes += count
        self.bytes += count

    def verify(self, count: int) -> None:
        """Let a request with so many bytes belong to those that are verified, or have ended."""
        self._unverified_requests -= 1
        self._unverified_bytes -= count


class HeldRoom:
    """The room of one request, in a `with` statement.

    Args:
        room: That it is of.
        verified: Whether its sender is known already.
    """

    def __init__(self, room: IntakeRoom, *, verified: bool) -> None:
        self._room = room
        self._verified = verified
        self._bytes = 0
        #: the end of the request, and each delivery
        self._waits_for = 1

    def take(self, count: int) -> None:
        """Take room for more bytes; raises NoRoom."""
        self._room.take(count, verified=self._verified)
        self._bytes += count

    def verify(self) -> None:
        """Have the request belong to a sender that is known from now on."""
        if not self._verified:
            self._verified = True
            self._room.verify(self._bytes)

    def keep_until(self, deliveries: Collection[asyncio.Future[object]]) -> None:
        """Have the bytes count until Kafka has taken or refused these."""
        self._waits_for += len(deliveries)
        for delivery in deliveries:
            delivery.add_done_callback(self._delivered)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.verify()  # nothing of it is being read any more
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
