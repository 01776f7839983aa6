"""Stripe: webhook events about subscriptions.

Source: Stripe API reference, Events and Subscriptions; docs/adapters/stripe.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from schemas.adapters.adapter import Adapter, Members, Translation
from schemas.adapters.options import read_options
from schemas.adapters.reading import Ignored, Node, translated

NAME: Final = "stripe"


class Options(msgspec.Struct, frozen=True):
    """What differs between two accounts.

    Attributes:
        plans: Names of plans by the id of their price; others are named by the price's nickname, or its id.
    """

    plans: dict[str, str] = {}


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    return Stripe(read_options(NAME, options, Options))


class Stripe:
    """Translates Stripe's events.

    Args:
        options: Of the account.
    """

    name = NAME

    def __init__(self, options: Options) -> None:
        self._options = options

    def translate(self, value: bytes) -> Translation:
        """Return what a record says; see `schemas.adapters.adapter.Adapter`."""
        return translated(self.name, value, self._events)

    def _events(self, record: Node) -> Iterator[Members]:
        kind = record.text("type")
        if kind not in ("customer.subscription.created", "customer.subscription.deleted"):
            raise Ignored(kind)
        subscription = record.object("data").object("object")
        common = {
            "id": record.text("id"),
            "source": NAME,
            "customer_id": subscription.text("customer"),
            "subscription_id": subscription.text("id"),
            "time": record.epoch("created"),
            "test": not record.flag("livemode"),
        }
        if kind == "customer.subscription.deleted":
            yield {**common, "type": "cancel"}
            return
        item = subscription.object("items").objects("data")[0]
        price = item.object("price")
        recurring = price.object("recurring")
        yield {
            **common,
            "type": "signup",
            "plan": self._options.plans.get(price.text("id")) or price.optional_text("nickname") or price.text("id"),
            "amount_minor": price.integer("unit_amount"),
            "interval": recurring.text("interval"),
            "interval_count": recurring.integer("interval_count"),
            "quantity": item.integer("quantity"),
            "currency": price.text("currency"),
        }
