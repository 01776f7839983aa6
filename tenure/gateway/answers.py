"""Answers of the gateway: their JSON, as the OpenAPI document describes it."""

from __future__ import annotations

import msgspec


class RefusedEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event that the stream would not apply.

    Attributes:
        index: Its place in the request, from 0.
        reason: Out of the closed list of docs/events.md.
        detail: What is wrong, with the value.
        id: Its own, where it can be read.
        member: Which of its members is wrong, where it is one.
    """

    index: int
    reason: str
    detail: str
    id: str | None = None
    member: str | None = None


class MendedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of which members that only describe it are mended or left out.

    Attributes:
        index: Its place in the request, from 0.
        members: Which.
    """

    index: int
    members: tuple[str, ...]


class EventsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of the events of a request.

    Attributes:
        accepted: Those that Kafka has (count).
        refused: Those that were not sent.
        mended: Those of the accepted that are mended.
    """

    accepted: int
    refused: tuple[RefusedEvent, ...] = ()
    mended: tuple[MendedEvent, ...] = ()


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of a webhook.

    Attributes:
        accepted: Events that it says, which Kafka has (count).
        ignored: Its kind, where it says nothing that is counted.
        dead_letters: What of it cannot be applied, and why: Kafka has it, and it becomes dead letters.
    """

    accepted: int
    ignored: str = ""
    dead_letters: tuple[RefusedEvent, ...] = ()


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request of which nothing was sent.

    Attributes:
        error: What is wrong and what to do.
        refused: The events that are wrong, where these are why.
    """

    error: str
    refused: tuple[RefusedEvent, ...] = ()
