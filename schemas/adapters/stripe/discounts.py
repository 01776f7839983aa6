"""Discounts of Stripe: what coupons take off the items of a subscription, for as long as they last.

A discount that a record names by its id alone says nothing of its coupon and takes nothing off.
Source: Stripe API reference, *The Discount object* and *The Coupon object*; Stripe documentation, *Coupons and
promotion codes*.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from schemas.adapters.prices import ItemPrice
from schemas.adapters.reading import Node
from schemas.adapters.stripe.amounts import exactly, minor_units
from schemas.adapters.stripe.options import StripeOptions

_HUNDRED: Final = 100


@dataclass
class PricedItem:
    """An item of a subscription while its price is worked out.

    Attributes:
        price: Its price, as the record has it.
        product: The id of its product; empty where there is none.
        interval: What its price is for: an interval, and how many of them; None where it does not recur.
        full: What it brings a month, before discounts (minor units).
        net: The same, after those that were taken off so far.
        discounts: Of this item alone.
    """

    price: Node
    product: str
    interval: tuple[str, int] | None
    full: Fraction
    net: Fraction
    discounts: list[Node]


def discounts_of(node: Node) -> list[Node]:
    """Return the discounts of a subscription, an item or a phase that the record has in full."""
    listed = node.get("discounts")
    if listed is not None and not isinstance(listed, list):
        raise node.wrong("discounts", "must be a list")
    path = node.path_of("discounts")
    full = [Node(each, f"{path}[{n}]") for n, each in enumerate(listed or ()) if isinstance(each, dict)]
    single = node.optional_object("discount")
    return full or ([single] if single else [])


def is_discounted(node: Node) -> bool:
    """Tell whether a subscription has discounts of its own, known in full or by their ids."""
    return bool(node.get("discounts") or node.get("discount"))


def take_off(
    discounts: Sequence[Node], items: Sequence[PricedItem], currency: str, from_s: int, options: StripeOptions
) -> None:
    """Take discounts off the items, one after the other.

    Args:
        discounts: Those that a record has in full.
        items: Those that they are taken off from; of each, `net` falls.
        currency: The subscription's, in capitals.
        from_s: The start of the current term: a discount that has ended by then is none (s since 1970).
        options: Of the account.
    """
    for discount in discounts:
        coupon = _coupon_of(discount)
        end = discount.optional_integer("end")
        if (
            coupon is None
            or coupon.optional_text("duration") not in options.discounts
            or (end is not None and end <= from_s)
        ):
            continue
        products = _products_of(coupon)
        eligible = [item for item in items if item.interval and (products is None or item.product in products)]
        left = _share_left(coupon, eligible, currency)
        for item in eligible:
            item.net *= left


def _coupon_of(discount: Node) -> Node | None:
    """Return the coupon of a discount; None where the record has its id alone."""
    source = discount.optional_object("source")
    holder = source if source and source.get("coupon") else discount
    return holder.optional_object("coupon") if isinstance(holder.get("coupon"), dict) else None


def _products_of(coupon: Node) -> frozenset[str] | None:
    """Return the products that a coupon is for; None where it is for all."""
    applies = coupon.optional_object("applies_to")
    listed = applies.get("products") if applies else None
    return frozenset(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else None


def _share_left(coupon: Node, eligible: Sequence[PricedItem], currency: str) -> Fraction:
    """Return the share of the items' price that a coupon leaves, from 0 to 1."""
    percent = exactly(coupon, "percent_off")
    if percent is not None:
        return max(Fraction(0), 1 - percent / _HUNDRED)
    due = sum((item.net for item in eligible), Fraction(0))
    if not due:
        return Fraction(1)
    return max(Fraction(0), 1 - _off_a_month(coupon, eligible, currency) / due)


def _off_a_month(coupon: Node, eligible: Sequence[PricedItem], currency: str) -> Fraction:
    """Return what an amount off each invoice takes off a month; 0 where the coupon has none in the currency."""
    in_currencies = coupon.optional_object("currency_options")
    other = in_currencies and in_currencies.optional_object(currency.lower())
    own = coupon if coupon.optional_text("currency").upper() == currency else other
    off = exactly(own, "amount_off") if own else None
    interval = next((item.interval for item in eligible if item.interval), None)
    if off is None or interval is None:
        return Fraction(0)
    return minor_units(ItemPrice(off, *interval).per_month(), currency)
