"""Senders: their tokens, their rates, and the room that all of them share."""

from __future__ import annotations

import asyncio

import pytest

from streams.settings.gateway import NamedSecret
from tenure.gateway.room import IntakeRoom, NoRoom
from tenure.gateway.senders import Rates, Tokens, token_fault

TOKENS = Tokens([NamedSecret("billing", "old-token"), NamedSecret("app", "app-token"), NamedSecret("billing", "new")])


@pytest.mark.parametrize(
    ("authorization", "sender"),
    [
        ("Bearer old-token", "billing"),
        ("bearer new", "billing"),
        ("Bearer app-token", "app"),
        ("Bearer app-toke", None),
        ("Bearer ", None),
        ("Basic app-token", None),
        ("app-token", None),
        ("", None),
        ("Bearer äpp-\udcfftoken", None),
    ],
    ids=["old", "new", "other", "cut", "empty", "basic", "bare", "none", "odd"],
)
def test_sender_is_told_by_any_of_its_tokens(authorization: str, sender: str | None) -> None:
    """A producer changes from one token to the next while both hold."""
    assert TOKENS.sender_of(authorization) == sender


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "there is no token"),
        ("app-token", "no token of the scheme Bearer"),
        ("Basic app-token", "no token of the scheme Bearer"),
        ("Bearer ", "no token of the scheme Bearer"),
        ("Bearer app=app-token", "does not have this token"),
    ],
    ids=["none", "bare", "basic", "empty", "named"],
)
def test_sender_is_told_what_is_wrong_with_its_token(authorization: str | None, said: str) -> None:
    """A header that is missing is mended by somebody else than a token that was changed."""
    fault = token_fault(authorization)
    assert said in fault
    assert "send the header Authorization: Bearer TOKEN" in fault
    assert "app-token" not in fault


def test_sender_has_a_burst_and_then_its_rate() -> None:
    """One that sends too much is told when to come again, and takes nothing from the others."""
    now = [0.0]
    rates = Rates(2, lambda: now[0])
    assert [rates.take("events", "a") for _ in range(21)] == [0] * 20 + [1]
    assert rates.take("events", "b") == 0
    assert rates.take("webhooks", "a") == 0
    now[0] = 0.5
    assert [rates.take("events", "a") for _ in range(2)] == [0, 1]
    now[0] = 1_000.0
    assert [rates.take("events", "a") for _ in range(21)] == [0] * 20 + [1]


def test_room_is_given_back_by_requests_that_end() -> None:
    """What is refused for lack of room has taken none."""
    room = IntakeRoom(1, 10, 10)
    with room.enter(verified=True) as lease:
        lease.take(10)
        with pytest.raises(NoRoom, match="10 bytes wait for Kafka"):
            lease.take(1)
        with pytest.raises(NoRoom, match="1 requests are being served"):
            room.enter(verified=True)
    assert (room.requests, room.bytes) == (0, 0)


async def test_room_of_bytes_is_kept_until_kafka_has_them() -> None:
    """A sender that is told to come again, again and again, must not fill the memory."""
    room, loop = IntakeRoom(1, 10, 10), asyncio.get_running_loop()
    deliveries = [loop.create_future() for _ in range(3)]
    with room.enter(verified=True) as lease:
        lease.take(10)
        lease.keep_until(deliveries)
    assert (room.requests, room.bytes) == (0, 10)
    deliveries[0].set_result(None)
    deliveries[1].set_exception(RuntimeError("away"))
    deliveries[2].cancel()
    await asyncio.wait(deliveries)
    await asyncio.sleep(0)
    assert room.bytes == 0


def test_senders_that_are_not_verified_leave_half_of_the_room_to_the_others() -> None:
    """Whoever sends bodies that nobody signed, as many as there is room for, must not keep out those who are known."""
    room = IntakeRoom(4, 100, 10)
    first, second = room.enter(verified=False), room.enter(verified=False)
    with pytest.raises(NoRoom, match="2 requests are being read whose signature is not checked yet"):
        room.enter(verified=False)
    first.take(50)
    with pytest.raises(NoRoom, match="50 bytes are there whose signature is not checked yet"):
        second.take(1)
    with room.enter(verified=True) as known:
        known.take(50)
    assert (room.requests, room.bytes) == (2, 50)
    first.verify()
    second.take(50)
    with room.enter(verified=False), first, second:
        assert (room.requests, room.bytes) == (3, 100)
    assert (room.requests, room.bytes) == (0, 0)
    with room.enter(verified=False) as other:
        other.take(50)


def test_largest_body_fits_into_the_room_of_those_that_are_not_verified() -> None:
    """A webhook of that size would else be refused for ever."""
    room = IntakeRoom(1, 10, 10)
    with room.enter(verified=False) as lease:
        lease.take(10)
        assert room.bytes == 10
