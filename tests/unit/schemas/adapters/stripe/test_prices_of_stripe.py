"""What a subscription of Stripe costs a month: items, tiers, currencies, coupons; what a record leaves out is said."""

from typing import Any

import pytest

from tests.unit.schemas.adapters.stripe.records import (
    START_S,
    TERM_S,
    event,
    item,
    mrr_of,
    price,
    refused,
    said,
    subscription,
    updated,
)

TIERS = [{"up_to": 10, "unit_amount": 500}, {"up_to": "inf", "unit_amount": 400, "flat_amount": 1000}]


def tiered(**changes: Any) -> dict[str, Any]:
    """Return a price with tiers, which the record leaves out."""
    return price(billing_scheme="tiered", tiers_mode="graduated", unit_amount=None, unit_amount_decimal=None, **changes)


def coupon(**changes: Any) -> dict[str, Any]:
    """Return a coupon of 20 % for good."""
    return {"object": "coupon", "duration": "forever", "percent_off": 20, "amount_off": None, **changes}


@pytest.mark.parametrize(
    ("units", "graduated", "volume"), [(1, 500, 500), (10, 5000, 5000), (11, 6400, 5400), (20, 10000, 9000), (0, 0, 0)]
)
def test_tiers_price_each_unit_in_its_own_or_all_in_the_last(units: int, graduated: int, volume: int) -> None:
    """Stripe has two ways to read one table; they differ from the second tier on."""
    for mode, expected in (("graduated", graduated), ("volume", volume)):
        sold = item(tiered(tiers=TIERS) | {"tiers_mode": mode}, quantity=units)
        assert mrr_of(subscription(sold)) == expected


def test_tiers_that_a_webhook_leaves_out_are_said_by_an_option_in_stripes_words() -> None:
    """Webhooks never have tiers; a price of 0 instead would be believed."""
    bought = subscription(item(tiered(), quantity=11))
    problem = refused(event("customer.subscription.created", bought))
    assert problem.startswith("missing_member stripe: data.object.items.data[0].price.tiers: is required")
    assert problem.endswith("expand it, or say it in the options, [stripe.prices.price_1] usd")
    said_tiers = {"price_1": {"usd": {"tiers": [{"up_to": 10, "unit_amount": 500}, {"unit_amount_decimal": "399.5"}]}}}
    assert mrr_of(bought, prices=said_tiers) == 5400
    assert mrr_of(bought, prices={"price_1": {"usd": {"unit_amount": 300}}}) == 3300


def test_last_tier_must_be_open() -> None:
    """A table that ends below what was bought says no price."""
    bought = subscription(item(tiered(tiers=TIERS[:1]), quantity=11))
    assert "tiers[0].up_to: must be open" in refused(event("customer.subscription.created", bought))


def test_metered_price_brings_nothing_but_what_an_option_says() -> None:
    """Usage is no recurring revenue; who sells a fixed volume by meter knows how much."""
    metered = price(
        id="price_2", unit_amount=2, recurring={"interval": "month", "interval_count": 1, "usage_type": "metered"}
    )
    bought = subscription(item(), item(metered | {"unit_amount_decimal": "2.5"}, quantity=None))
    assert mrr_of(bought) == 4900
    assert mrr_of(bought, metered={"price_2": 1001}) == 4900 + 2502


def test_price_in_several_currencies_is_the_one_of_the_subscription() -> None:
    """The price says its first currency; the customer pays another amount in another one."""
    bought = subscription(currency="eur")
    problem = refused(event("customer.subscription.created", bought))
    assert "price.currency_options: is required of a price in usd" in problem
    own = price(currency_options={"eur": {"unit_amount": 4500, "unit_amount_decimal": "4500"}})
    (signup,) = said(event("customer.subscription.created", subscription(item(own), currency="eur")))
    assert (signup["mrr_minor"], signup["currency"]) == (4500, "EUR")
    assert mrr_of(bought, prices={"price_1": {"eur": {"unit_amount": 4400}}}) == 4400


@pytest.mark.parametrize(
    ("currency", "mrr_minor"), [("jpy", 4900), ("isk", 49), ("ugx", 49), ("mga", 490000), ("kwd", 4900)]
)
def test_smallest_units_of_stripe_are_minor_units_of_iso_4217(currency: str, mrr_minor: int) -> None:
    """Stripe keeps three currencies otherwise than the standard does; rates are those of the standard's units."""
    assert mrr_of(subscription(item(price(currency=currency)), currency=currency)) == mrr_minor


def test_part_of_the_items_is_no_price() -> None:
    """A subscription of 25 items would count with the first ten of them."""
    bought = subscription()
    bought["items"]["has_more"] = True
    assert "data.object.items.has_more: must be false" in refused(event("customer.subscription.created", bought))
    bought["items"] = {"object": "list", "data": []}
    assert "data.object.items.data: a subscription without items" in refused(
        event("customer.subscription.created", bought)
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"unit_amount": None, "unit_amount_decimal": None}, "price.unit_amount: is required"),
        ({"unit_amount_decimal": "1e999999999"}, "price.unit_amount_decimal: must be a number from 0 and no larger"),
        ({"unit_amount_decimal": "-1"}, "price.unit_amount_decimal: must be a number from 0"),
        ({"recurring": {"interval": "fortnight"}}, "recurring.interval: must be one of day, week, month, year"),
        (
            {"recurring": {"interval": "day", "interval_count": 0}},
            "recurring.interval_count: must be an integer from 1",
        ),
        ({"transform_quantity": {"divide_by": 0}}, "transform_quantity.divide_by: must be from 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_price_that_cannot_be_read_is_named_with_its_place(changes: dict[str, Any], problem: str) -> None:
    """Who reads a dead letter looks for the member in Stripe's dashboard."""
    bought = subscription(item(price(**changes)))
    assert f"data.object.items.data[0].price.{problem.removeprefix('price.')}" in refused(
        event("customer.subscription.created", bought)
    )
    assert "quantity: must be from 0" in refused(
        event("customer.subscription.created", subscription(item(quantity=-1)))
    )


def test_what_is_sold_once_brings_nothing() -> None:
    """A set-up fee among the items is no recurring revenue."""
    assert mrr_of(subscription(item(), item(price(id="price_2", recurring=None)))) == 4900


DISCOUNTED = [
    ({"discounts": [{"coupon": coupon()}]}, 3920),
    ({"discounts": [{"source": {"type": "coupon", "coupon": coupon()}}]}, 3920),
    ({"discount": {"coupon": coupon()}, "discounts": ["di_1"]}, 3920),
    ({"discounts": [{"coupon": coupon()}, {"coupon": coupon(percent_off=50)}]}, 1960),
    ({"discounts": [{"coupon": coupon(percent_off=None, amount_off=1000, currency="usd")}]}, 3900),
    ({"discounts": [{"coupon": coupon(percent_off=None, amount_off=9900, currency="usd")}]}, 0),
    ({"discounts": [{"coupon": coupon(percent_off=None, amount_off=9, currency="eur")}]}, 4900),
    ({"discounts": [{"coupon": coupon(applies_to={"products": ["prod_2"]})}]}, 4900),
    ({"discounts": [{"coupon": coupon(duration="once")}]}, 4900),
    ({"discounts": [{"coupon": coupon(duration="repeating"), "end": START_S}]}, 4900),
    ({"discounts": [{"coupon": coupon(duration="repeating"), "end": TERM_S}]}, 3920),
    ({"discounts": ["di_1"]}, 4900),
    ({"discounts": [{"source": {"type": "coupon", "coupon": "CO"}}]}, 4900),
    ({"customer": {"id": "cus_1", "discount": {"coupon": coupon()}}}, 3920),
    ({"customer": {"id": "cus_1", "discount": {"coupon": coupon()}}, "discounts": ["di_1"]}, 4900),
]


@pytest.mark.parametrize(("changes", "mrr_minor"), DISCOUNTED, ids=[str(n) for n in range(len(DISCOUNTED))])
def test_coupons_are_taken_off_for_as_long_as_they_last(changes: dict[str, Any], mrr_minor: int) -> None:
    """MRR is what comes in; a coupon for one invoice is none of it."""
    assert mrr_of(subscription(**changes)) == mrr_minor


def test_amount_off_an_annual_invoice_is_a_twelfth_a_month() -> None:
    """A coupon is taken off each invoice, whatever term the invoice is for."""
    year = price(unit_amount_decimal="120000", recurring={"interval": "year"})
    off = coupon(percent_off=None, amount_off=None, currency=None, currency_options={"usd": {"amount_off": 12000}})
    assert mrr_of(subscription(item(year), discounts=[{"coupon": off}])) == 9000


def test_option_says_which_coupons_are_taken_off() -> None:
    """Stripe's own MRR can be set so, too."""
    bought = subscription(discounts=[{"coupon": coupon(duration="once")}])
    assert mrr_of(bought, discounts=["once"]) == 3920
    assert mrr_of(subscription(discounts=[{"coupon": coupon()}]), discounts=[]) == 4900


def test_coupon_of_an_item_comes_before_that_of_the_subscription() -> None:
    """A percentage of what another one left is less."""
    sold = item(discounts=[{"coupon": coupon(percent_off=None, amount_off=900, currency="usd")}])
    assert mrr_of(subscription(sold, item(price(id="price_2")), discounts=[{"coupon": coupon(percent_off=50)}])) == 4450


def test_plan_is_named_by_the_item_that_brings_most_and_by_the_first_name_that_fits() -> None:
    """Names are labels of metrics: 64 characters, and neither none nor other."""
    named = price(nickname="n" * 65, lookup_key="other", product={"id": "prod_1", "name": "Team"})
    bought = subscription(
        item(price(id="price_9", nickname="seat"), quantity=2), item(named | {"unit_amount_decimal": "9900"})
    )

    def plan(**options: Any) -> Any:
        return said(event("customer.subscription.created", bought), **options)[0]["plan"]

    assert plan() == "Team"
    assert plan(plan_names=["price"]) == "price_1"
    assert plan(plans={"prod_1": "team", "price_9": "seats"}) == "team"
    assert plan(plans={"prod_1": "team", "price_1": "team yearly"}) == "team yearly"


def test_update_of_an_older_version_whose_items_cannot_be_compared_is_a_change() -> None:
    """A change too many moves nothing; one too few leaves a wrong price."""
    (change,) = said(updated(subscription(), {"items": {"data": [{"id": "si_1"}]}}))
    assert (change["type"], change["mrr_minor"]) == ("upgrade", 4900)
