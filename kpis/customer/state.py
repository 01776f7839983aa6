"""The state of one customer: facts, and a cache of what they say now, so that the usual event needs no replay.

A state is stored, and cached, as the bytes that `encode` makes: small, free of the collector, never half-changed.
"""

from __future__ import annotations

import msgspec

from kpis.customer.layout import Customer

__all__ = ["Customer", "decode", "encode", "may_hold"]

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Customer).decode


def _rare_counts(customer: Customer) -> bool:
    return customer.rare is not None and customer.rare.counts()


def may_hold(customer: Customer, identity: bytes) -> bool:
    """Return whether the state may hold something under an identity; a false alarm only takes the longer way."""
    # `in` takes twice as long: it asks first whether the bytes are a number.
    return (
        customer.life.find(identity) >= 0
        or customer.feedback.find(identity) >= 0
        or (bool(customer.touchpoints) and any(identity in each for each in customer.touchpoints))
        or _rare_counts(customer)
    )
