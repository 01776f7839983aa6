"""The MRR of a Chargebee subscription out of its items and discounts, and the plan that it is on.

Recurring items are the plan and its addons, each for its own billing period or else the subscription's; charges are
billed once, and metered items by use: neither is recurring revenue. Discounts are taken off for as long as they last.
Coupons are named without their amounts: `mrr = "chargebee"` knows of them.
Source: Chargebee API documentation, "Subscriptions"; docs/adapters/chargebee.md.
"""

from fractions import Fraction
from typing import Final

from schemas.adapters.adapter import Members
from schemas.adapters.prices import ItemPrice, exact_of, interval_of, rounded
from schemas.adapters.reading import Node

_RECURRING: Final = ("plan", "addon")
_WHOLE: Final = 100


def plan_id_of(subscription: Node) -> str:
    """Return the id of the item price, or of the plan in product catalog 1.0, that a subscription is on."""
    items = subscription.objects("subscription_items")
    if not items:
        return subscription.text("plan_id")
    plan = next((item for item in items if item.optional_text("item_type") == "plan"), items[0])
    return plan.text("item_price_id")


def mrr_of_subscription(subscription: Node, at: int) -> int:
    """Return the MRR of a subscription, rounded half to even once (minor units of its currency).

    Args:
        subscription: As an event has it.
        at: When the event happened (seconds since 1970); discounts that have ended by then are not taken off.
    """
    parts = _parts_of(subscription)
    whole = sum(parts.values(), Fraction(0))
    for discount in subscription.objects("discounts"):
        if discount.flag("included_in_mrr") and _lasts(discount, at):
            item = discount.optional_text("item_price_id")
            whole -= _taken_off(discount, parts.get(item, Fraction(0)) if item else whole, subscription)
    return rounded(max(whole, Fraction(0)))


def _parts_of(subscription: Node) -> dict[str, Fraction]:
    """Return what each recurring item brings a month, by its id (minor units)."""
    items = subscription.objects("subscription_items")
    if not items:
        return _parts_of_first_catalog(subscription)
    parts: dict[str, Fraction] = {}
    for item in items:
        if item.optional_text("item_type") in _RECURRING and item.get("metered_quantity") is None:
            name = item.text("item_price_id")
            parts[name] = parts.get(name, Fraction(0)) + _per_month(item, _amount_of(item), subscription)
    return parts


def _parts_of_first_catalog(subscription: Node) -> dict[str, Fraction]:
    plan = Node(_without_prefix(subscription), subscription.path)
    parts = {subscription.text("plan_id"): _per_month(subscription, _amount_of(plan), subscription)}
    for addon in subscription.objects("addons"):
        name = addon.text("id")
        parts[name] = parts.get(name, Fraction(0)) + _per_month(addon, _amount_of(addon), subscription)
    return parts


def _without_prefix(subscription: Node) -> Members:
    """Return the members of the plan of product catalog 1.0 under the names that items have."""
    members = ("amount", "unit_price", "quantity", "free_quantity")
    return {name: subscription.get(f"plan_{name}") for name in members}


def _amount_of(item: Node) -> int:
    """Return what an item costs each billing period: its amount, or its units at their price (minor units)."""
    amount = item.optional_integer("amount")
    if amount is None:
        price = item.optional_integer("unit_price")
        if price is None:
            raise item.missing(
                "amount", 'or unit_price is required; set mrr = "chargebee" where prices have more decimals'
            )
        quantity = item.optional_integer("quantity")
        units = (1 if quantity is None else quantity) - (item.optional_integer("free_quantity") or 0)
        amount = price * max(units, 0)
    if amount < 0:
        raise item.wrong("amount", "must be an amount from 0, in minor units")
    return amount


def _per_month(item: Node, amount: int, subscription: Node) -> Fraction:
    """Return an amount a month; the billing period is the item's own, or the subscription's."""
    billed = item if item.get("billing_period_unit") is not None else subscription
    return _monthly(amount, billed)


def _monthly(amount: int, billed: Node) -> Fraction:
    return ItemPrice(amount, *interval_of(billed, "billing_period_unit", "billing_period")).per_month()


def _lasts(discount: Node, at: int) -> bool:
    """Tell whether a discount goes on: forever, or for a while that is not over."""
    kind = discount.optional_text("duration_type")
    till = discount.optional_integer("apply_till")
    return kind == "forever" or (kind == "limited_period" and (till is None or till > at))


def _taken_off(discount: Node, base: Fraction, subscription: Node) -> Fraction:
    """Return what a discount takes off a month; never more than what it is taken off."""
    kind = discount.text("type")
    if kind == "percentage":
        share = exact_of(discount, "percentage")
        if share is None or share > _WHOLE:
            raise discount.wrong("percentage", "must be a number from 0 to 100")
        return base * share / _WHOLE
    if kind == "fixed_amount":
        return min(_monthly(discount.integer("amount"), subscription), base)
    return Fraction(0)
