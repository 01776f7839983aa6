"""Tombstones of forgotten customers: the records of their topic, and the requests that lead to them.

A tombstone names nobody: its key is a keyed hash of the customer's id, which only the holder of the key can make again.
What it is good for: docs/forgetting.md.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Tombstone(msgspec.Struct, frozen=True):
    """The value of a record under the hash of a customer's id.

    Attributes:
        at_ms: Records of the customer with a later timestamp count nowhere (ms since 1970).
        subscriptions: Keyed hashes of the ids of their subscriptions, in the order of these ids.
        check: What the key makes of a constant: another key makes something else.
        stream: The identifier of the stream that has forgotten them.
        partition: Where they were.
    """

    at_ms: int
    subscriptions: list[str]
    check: str
    stream: str
    partition: int


class ForgetRequest(msgspec.Struct, frozen=True):
    """A request to forget a customer, as it waits in the tables for the owner of their partition.

    Attributes:
        asked_ms: When it was made (ms since 1970).
        check: Of the key of whoever made it, see `Tombstone`.
        tombstone: What was decided, before anything was sent; None where nothing is.
    """

    asked_ms: int
    check: str
    tombstone: Tombstone | None = None


encode_tombstone: Final = msgspec.json.Encoder().encode
decode_tombstone: Final = msgspec.json.Decoder(Tombstone).decode
encode_request: Final = msgspec.json.Encoder().encode
decode_request: Final = msgspec.json.Decoder(ForgetRequest).decode
