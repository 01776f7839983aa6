"""The documents of `tenure dlq list`, `tenure dlq show` and `tenure dlq replay`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from schemas.documents.document import Document


class DeadLetterEntry(Document, frozen=True, kw_only=True):
    """A record that was refused."""

    place: Annotated[str, Meta(description="Its name: topic, partition and offset, with slashes between them.")]
    reason: Annotated[str, Meta(description="[Reason](events.md#dead-letters) of its refusal.")]
    detail: Annotated[str, Meta(description="What was found, in words.")]
    member: Annotated[str | None, Meta(description="The member that the detail names; `null` where it names none.")]
    adapter: Annotated[str | None, Meta(description="The adapter that refused it; `null`: the stream did.")]
    topic: Annotated[str, Meta(description="The topic where it lay.")]
    partition: Annotated[int, Meta(description="Its partition there.")]
    offset: Annotated[int, Meta(description="Its offset there.")]
    truncated: Annotated[bool, Meta(description="Whether it was shortened to be sent.")]
    key: Annotated[str | None, Meta(description="Its key as text, the beginning; `null`: it has none.")]
    value: Annotated[str | None, Meta(description="Its value as text, the beginning; `null`: it has none.")]
    value_bytes: Annotated[int, Meta(description="Size of the value in the dead letter (bytes).")]
    refused_at: Annotated[str, Meta(description="When; an instant in UTC.")]
    replayed_at: Annotated[str | None, Meta(description="When it was sent again, in UTC; `null`: it was not.")]
    replayed_by: Annotated[str | None, Meta(description="By whom; `null` as `replayed_at`.")]


class DeadLetterList(Document, frozen=True, kw_only=True):
    """The dead letters of a stream."""

    topic: Annotated[str, Meta(description="The topic that they are in.")]
    dead_letters: Annotated[int, Meta(description="Records that were refused and are chosen (count), each once.")]
    replayed: Annotated[int, Meta(description="Those of them that were sent again (count).")]
    repeated: Annotated[int, Meta(description="Dead letters that lie there once more (count).")]
    foreign: Annotated[int, Meta(description="Records of the topic that are no dead letters (count).")]
    reasons: Annotated[dict[str, int], Meta(description="By reason, the most frequent first (count).")]
    members: Annotated[
        dict[str, int], Meta(description="By the member that the detail names, likewise; others are not here (count).")
    ]
    latest: Annotated[list[DeadLetterEntry], Meta(description="The latest first, `--limit` at most.")]


class DeadLetterHeader(Document, frozen=True, kw_only=True):
    """A header of a record."""

    name: Annotated[str, Meta(description="Its name.")]
    value: Annotated[str | None, Meta(description="Its value as text; `null`: it has none.")]


class WholeDeadLetter(Document, frozen=True, kw_only=True):
    """A record that was refused, whole."""

    letter: Annotated[DeadLetterEntry, Meta(description="What stands in the list of it.")]
    advice: Annotated[str, Meta(description="What mends it, in words; empty where nothing is known.")]
    sent_at: Annotated[str | None, Meta(description="Kafka's timestamp of it, in UTC; `null`: it is not known.")]
    headers: Annotated[list[DeadLetterHeader], Meta(description="Its own headers, in their order.")]
    key: Annotated[str | None, Meta(description="Its key as text; `null`: it has none.")]
    value: Annotated[str | None, Meta(description="Its value as text; `null`: it has none, or it is not UTF-8.")]
    value_base64: Annotated[str | None, Meta(description="Its value in base 64; `null`: it has none, or it is UTF-8.")]


Outcome = Literal[
    "ready", "sent", "refused_again", "truncated", "replayed_before", "unchanged", "nothing_to_count", "undelivered"
]
"""What became of a chosen dead letter: docs/dead-letters.md has the list."""


class ReplayedLetter(Document, frozen=True, kw_only=True):
    """A chosen dead letter, and what became of it."""

    place: Annotated[str, Meta(description="Its name, as in `dlq list`.")]
    reason: Annotated[str, Meta(description="[Reason](events.md#dead-letters) of its refusal.")]
    outcome: Annotated[Outcome, Meta(description="[What became of it](dead-letters.md#send-them-again).")]
    becomes: Annotated[list[str], Meta(description="The events that it says now, in words.")]
    detail: Annotated[str, Meta(description="Why it was left, in words; empty where it was not.")]


class DeadLetterReplay(Document, frozen=True, kw_only=True):
    """Dead letters that were sent again, or would be."""

    topic: Annotated[str, Meta(description="The topic that they are in.")]
    dry_run: Annotated[bool, Meta(description="Whether nothing was sent.")]
    chosen: Annotated[int, Meta(description="Dead letters that the filters choose (count), each once.")]
    outcomes: Annotated[dict[str, int], Meta(description="By what became of them (count).")]
    events: Annotated[dict[str, int], Meta(description="Events that they say now, by type (count).")]
    letters: Annotated[list[ReplayedLetter], Meta(description="The first of each outcome, `--limit` at most.")]
    edited: Annotated[
        str | None, Meta(description="The file with what was edited and not sent; `null`: there is none.")
    ]
