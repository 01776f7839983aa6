"""The terms of a subscription of Stripe: its plan, its MRR after discounts, and whether it is on trial."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from schemas.adapters.accounts import LABEL_MAX, plan_of
from schemas.adapters.adapter import Members
from schemas.adapters.prices import interval_of, rounded
from schemas.adapters.reading import Node
from schemas.adapters.stripe.amounts import per_month
from schemas.adapters.stripe.discounts import PricedItem, discounts_of, take_off
from schemas.adapters.stripe.options import StripeOptions


class Terms(NamedTuple):
    """Plan, price and trial, as a signup or change says them."""

    plan: str
    mrr_minor: int
    currency: str
    trial: bool = False

    def members(self) -> Members:
        """Return the members of an event."""
        priced = {"plan": self.plan, "mrr_minor": self.mrr_minor, "currency": self.currency}
        return {**priced, "trial": True} if self.trial else priced


def terms_of(
    items: Sequence[Node], discounts: Sequence[Node], currency: str, from_s: int, options: StripeOptions
) -> Terms:
    """Return the terms of some items, but for the trial.

    Args:
        items: Of a subscription; at least one, their prices in full.
        discounts: Of all items together; those of one item alone come before them.
        currency: Of the subscription, or empty: then it is the first item's.
        from_s: The start of the term (s since 1970).
        options: Of the account.

    Raises:
        SourceFault: A member is missing or wrong; or the record leaves out what a price costs.
    """
    currency = (currency or items[0].object("price").text("currency")).upper()
    priced = [_priced(item, currency, options) for item in items]
    for item in priced:
        take_off(item.discounts, [item], currency, from_s, options)
    take_off(discounts, priced, currency, from_s, options)
    leading = min(priced, key=lambda item: (-item.full, item.price.text("id")))
    total = sum((item.net for item in priced), Fraction(0))
    return Terms(_plan_of(leading, options), rounded(total), currency)


def _priced(item: Node, currency: str, options: StripeOptions) -> PricedItem:
    price = item.object("price")
    full = per_month(item, price, currency, options)
    recurring = price.optional_object("recurring")
    return PricedItem(
        price=price,
        product=_product_of(price),
        interval=interval_of(recurring) if recurring else None,
        full=full,
        net=full,
        discounts=discounts_of(item),
    )


def _product_of(price: Node) -> str:
    """Return the id of a price's product, which the record has in full or not."""
    if isinstance(price.get("product"), dict):
        return price.object("product").optional_text("id")
    return price.optional_text("product")


def _plan_of(item: PricedItem, options: StripeOptions) -> str:
    """Return the plan's name: as the options have it, or the first that can name a plan."""
    price = item.price
    named = isinstance(price.get("product"), dict) and price.object("product").optional_text("name")
    names = {
        "nickname": price.optional_text("nickname"),
        "lookup_key": price.optional_text("lookup_key"),
        "product": named or item.product,
        "price": price.text("id"),
    }
    found = plan_of(options.plans, (names["price"], item.product), (names[kind] for kind in options.plan_names))
    return found or names["price"][:LABEL_MAX]
