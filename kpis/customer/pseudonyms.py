"""Pseudonyms of forgotten customers: keyed hashes of their ids, and of the ids of their subscriptions.

Who does not have the key cannot find out whom a pseudonym stands for, not even by trying ids. A pseudonym is longer
than an id may be, so that no event can name one.
"""

from __future__ import annotations

import hmac
from typing import Final

from schemas.tombstones import Tombstone

_PREFIX: Final = "forgotten-"
_CUSTOMER_ID_CHARACTERS: Final = 128
"""The longest id of a customer; see `schemas.events.CustomerId`."""
_SUBSCRIPTION_HASH_BYTES: Final = 8
_CHECK_BYTES: Final = 8
SUBSCRIPTIONS_LISTED: Final = 10_000
"""So many subscriptions of a forgotten customer keep their order (count): a tombstone must fit into a record."""


def is_pseudonym(customer_id: str) -> bool:
    """Return whether an id stands for a forgotten customer."""
    return len(customer_id) > _CUSTOMER_ID_CHARACTERS


def pseudonym_of(hashed: str) -> str:
    """Return the id under which a forgotten customer counts, by what `ForgetKey.hash_of` returns."""
    return _PREFIX + hashed


class ForgetKey:
    """The key of the hashes.

    Args:
        secret: As the settings have it.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        #: by which one key is told from another
        self.check = self._hash(b"check")[:_CHECK_BYTES].hex()

    def hash_of(self, customer_id: str) -> str:
        """Return what stands for a customer: 128 hexadecimal digits."""
        return self._hash(b"customer", customer_id.encode()).hex()

    def subscription_hash(self, customer_id: str, subscription_id: str) -> str:
        """Return what stands for a subscription of a customer: 16 hexadecimal digits."""
        found = self._hash(b"subscription", customer_id.encode(), subscription_id.encode())
        return found[:_SUBSCRIPTION_HASH_BYTES].hex()

    def _hash(self, *parts: bytes) -> bytes:
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._secret, message, "sha512")


class ForgottenCustomer:
    """A forgotten customer, as long as somebody knows their id.

    Args:
        key: Of the hashes.
        customer_id: Theirs.
        tombstone: Theirs.
    """

    def __init__(self, key: ForgetKey, customer_id: str, tombstone: Tombstone) -> None:
        self._key = key
        self._customer_id = customer_id
        #: records with a later timestamp count nowhere (ms since 1970)
        self.at_ms = tombstone.at_ms
        self.pseudonym = pseudonym_of(key.hash_of(customer_id))
        self._places = {each: place for place, each in enumerate(tombstone.subscriptions)}

    def subscription(self, subscription_id: str) -> str:
        """Return what stands for the id of a subscription; in the order of the ids, as far as they are listed.

        Those that are not come after all others. The empty id, which stands for the only one, stays.
        """
        if not subscription_id:
            return ""
        found = self._key.subscription_hash(self._customer_id, subscription_id)
        place = self._places.get(found)
        return f"t{found}" if place is None else f"s{place:06}"
