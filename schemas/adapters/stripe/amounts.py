"""Amounts of Stripe's prices: by unit or by tiers, in any currency, exactly.

Source: Stripe API reference, *The Price object*; Stripe documentation, *Recurring pricing models* and *Supported
currencies*.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from schemas.adapters.prices import ItemPrice, exact_of, interval_of
from schemas.adapters.reading import Node
from schemas.adapters.stripe.options import NAME, StripeOptions

#: Minor units of ISO 4217 in one of Stripe's smallest units, where these differ: Stripe counts the first two in
#: hundredths, though they have no decimals, and the third one in whole units, though it has two.
_OF_SMALLEST_UNIT: Final[Mapping[str, Fraction]] = {
    "ISK": Fraction(1, 100),
    "UGX": Fraction(1, 100),
    "MGA": Fraction(100),
}
_QUANTITY_MAX: Final = 10**12


def minor_units(amount: Fraction, currency: str) -> Fraction:
    """Return an amount in minor units of ISO 4217.

    Args:
        amount: In Stripe's smallest units.
        currency: In capitals.
    """
    return amount * _OF_SMALLEST_UNIT.get(currency, 1)


def per_month(item: Node, price: Node, currency: str, options: StripeOptions) -> Fraction:
    """Return what an item brings a month, before discounts (minor units of ISO 4217).

    Args:
        item: Of a subscription.
        price: The item's.
        currency: The subscription's, in capitals.
        options: Of the account.

    Raises:
        SourceFault: A member is missing or wrong; or the record leaves out what the price costs.
    """
    recurring = price.optional_object("recurring")
    if recurring is None:
        return Fraction(0)
    interval, count = interval_of(recurring)
    if recurring.optional_text("usage_type") == "metered":
        units = options.metered.get(price.text("id"), 0)
    else:
        units = _quantity_of(item)
    amount = _amount_of(price, currency, units, options) if units else Fraction(0)
    return minor_units(ItemPrice(amount, interval, count).per_month(), currency)


def exactly(node: Node, *names: str) -> Fraction | None:
    """Return the first of some members that is there, as an exact number; None where none is."""
    return next((found for name in names if (found := exact_of(node, name)) is not None), None)


def _quantity_of(item: Node) -> int:
    quantity = item.optional_integer("quantity")
    if quantity is None:
        return 1
    if not 0 <= quantity <= _QUANTITY_MAX:
        raise item.wrong("quantity", f"must be from 0 to {_QUANTITY_MAX}")
    return quantity


def _amount_of(price: Node, currency: str, units: int, options: StripeOptions) -> Fraction:
    """Return what a number of units costs each interval (Stripe's smallest units)."""
    costs = _costs_of(price, currency, options)
    tiers = costs.objects("tiers")
    if tiers:
        return _tiered(tiers, units, volume=price.optional_text("tiers_mode") == "volume")
    unit_amount = exactly(costs, "unit_amount_decimal", "unit_amount")
    if unit_amount is None:
        member = "tiers" if price.optional_text("billing_scheme") == "tiered" else "unit_amount"
        raise costs.missing(member, f"is required; {_advice(price, currency)}")
    return unit_amount * _packages(price, units)


def _costs_of(price: Node, currency: str, options: StripeOptions) -> Node:
    """Return the object that says what a price costs in a currency."""
    said = options.prices.get(price.text("id"), {}).get(currency.lower())
    if said is not None:
        return Node(msgspec.to_builtins(said), f"[{NAME}] prices.{price.text('id')}.{currency.lower()}")
    if price.text("currency").upper() == currency:
        return price
    in_currencies = price.optional_object("currency_options")
    costs = in_currencies and in_currencies.optional_object(currency.lower())
    if costs is None:
        raise price.missing(
            "currency_options", f"is required of a price in {price.text('currency')}; {_advice(price, currency)}"
        )
    return costs


def _advice(price: Node, currency: str) -> str:
    return f"expand it, or say it in the options, [{NAME}.prices.{price.text('id')}] {currency.lower()}"


def _packages(price: Node, units: int) -> int:
    """Return how many times the amount of a unit is due: by packages, where the price is one of a package."""
    transform = price.optional_object("transform_quantity")
    if transform is None:
        return units
    divisor = transform.integer("divide_by")
    if divisor < 1:
        raise transform.wrong("divide_by", "must be from 1")
    return -(-units // divisor) if transform.optional_text("round") == "up" else units // divisor


def _tiered(tiers: Sequence[Node], units: int, *, volume: bool) -> Fraction:
    """Return what units cost by tiers: all at the price of the last tier reached (volume), or each in its own tier."""
    total, below = Fraction(0), 0
    for tier in tiers:
        up_to = None if tier.get("up_to") == "inf" else tier.optional_integer("up_to")
        last = up_to is None or units <= up_to
        reached = units if up_to is None else min(units, up_to)
        own = Fraction(0)
        own += (exactly(tier, "unit_amount_decimal", "unit_amount") or 0) * (reached - (0 if volume else below))
        own += exactly(tier, "flat_amount_decimal", "flat_amount") or 0
        if not volume:
            total += own
        elif last:
            return own
        if last:
            return total
        below = reached
    raise tiers[-1].wrong("up_to", f"must be open: a subscription has {units} units")
