"""Senders: who may send, told by token or by signature, and how much of each is taken.

Names come from the settings, so that what is kept by name is bounded.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Sequence
from typing import Final

from streams.settings.gateway import NamedSecret

_BURST_SECONDS: Final = 10


class Tokens:
    """The bearer tokens of producers.

    Args:
        tokens: Several may have one name.
    """

    def __init__(self, tokens: Sequence[NamedSecret]) -> None:
        self._tokens = [(name, token.encode()) for name, token in tokens]

    def sender_of(self, authorization: str) -> str | None:
        """Return the name of the token in a header; None where there is none that is known.

        All tokens are compared, each in constant time.
        """
        scheme, _, given = authorization.partition(" ")
        candidate, sender = given.strip().encode("utf-8", "surrogatepass"), None
        for name, token in self._tokens:
            if hmac.compare_digest(candidate, token):
                sender = name
        return sender if scheme.lower() == "bearer" else None


def token_fault(authorization: str | None) -> str:
    """Return what is wrong with a header that brings no token that is known, and what to do; it repeats no token."""
    wanted = "send the header Authorization: Bearer TOKEN"
    if authorization is None:
        return f"there is no token; {wanted}"
    scheme, _, given = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        return f"the header Authorization brings no token of the scheme Bearer; {wanted}"
    return (
        f"gateway_tokens does not have this token; {wanted} with one that stands there, without the name before the ="
        " sign, and restart the gateway if it was added since"
    )


class Rates:
    """A bucket of tokens for each sender, which fills at the rate of the setting up to that of ten seconds.

    Args:
        per_second: Requests.
        monotonic_seconds: A clock that never steps.
    """

    def __init__(self, per_second: int, monotonic_seconds: Callable[[], float]) -> None:
        self._per_second = per_second
        self._most = per_second * _BURST_SECONDS
        self._now = monotonic_seconds
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, path: str, sender: str) -> int:
        """Take one request of a sender; return 0, or after how many whole seconds there is room for one."""
        now = self._now()
        left, at = self._buckets.get((path, sender), (float(self._most), now))
        left = min(self._most, left + (now - at) * self._per_second)
        if left < 1:
            self._buckets[path, sender] = (left, now)
            return math.ceil((1 - left) / self._per_second)
        self._buckets[path, sender] = (left - 1, now)
        return 0
