"""Options of the adapter for Stripe: what differs between two accounts.

For its user: docs/adapters/stripe.md, section Options.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from schemas.adapters.accounts import check_dimensions, check_plans
from schemas.adapters.adapter import OptionsFault
from schemas.adapters.options import read_options

NAME: Final = "stripe"

NameOfPlan = Literal["nickname", "lookup_key", "product", "price"]
Duration = Literal["forever", "repeating", "once"]
Behavior = Literal["keep_as_draft", "mark_uncollectible", "void"]


class StripeTier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tier of a price, in Stripe's own words."""

    up_to: int | None = None
    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    flat_amount: int | None = None
    flat_amount_decimal: str | None = None


class StripeAmount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The amounts of a price in one currency, in Stripe's own words (`currency_options`)."""

    unit_amount: int | None = None
    unit_amount_decimal: str | None = None
    tiers: list[StripeTier] = []


class StripeOptions(msgspec.Struct, frozen=True):
    """The options, by name.

    Attributes:
        plans: Names of plans, by the id of a price or of a product.
        plan_names: What names the plan where `plans` does not: the first of these that the price has.
        prices: Amounts by the id of a price and by currency, for prices whose amount Stripe's records leave out.
        metered: Units an interval that a metered price counts with, by its id; 0 for all others.
        discounts: The durations of coupons that are taken off the MRR.
        pauses: The behaviors of `pause_collection` that are a pause.
        unpaid: Whether a subscription that becomes `unpaid` is cancelled, or kept as it is.
        customer_key: The key of the metadata that holds the customer's id; Stripe's own id where it is empty.
        dimensions: Keys of the metadata that hold the country, the channel or another dimension, by dimension.
        count_test_mode: Whether records of Stripe's test mode count; otherwise they are test events.
    """

    plans: dict[str, str] = {}
    plan_names: tuple[NameOfPlan, ...] = ("nickname", "lookup_key", "product", "price")
    prices: dict[str, dict[str, StripeAmount]] = {}
    metered: dict[str, int] = {}
    discounts: frozenset[Duration] = frozenset({"forever", "repeating"})
    pauses: frozenset[Behavior] = frozenset({"keep_as_draft", "mark_uncollectible", "void"})
    unpaid: Literal["cancel", "keep"] = "cancel"
    customer_key: str = ""
    dimensions: dict[str, str] = {}
    count_test_mode: bool = False


def stripe_options(given: Mapping[str, Any]) -> StripeOptions:
    """Return the options of an account.

    Raises:
        OptionsFault: One is unknown or wrong.
    """
    options = read_options(NAME, given, StripeOptions)
    check_plans(NAME, "plans", options.plans)
    check_dimensions(NAME, "dimensions", options.dimensions)
    for price, units in options.metered.items():
        if units < 0:
            raise OptionsFault(f"[{NAME}] metered.{price}: must be from 0, got {units}")
    return options
