"""Options of the adapter for Stripe: each is on its page, and what is wrong is named."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.adapters.adapter import OptionsFault
from schemas.adapters.registry import adapter_of
from schemas.adapters.stripe.options import StripeOptions

PAGE = Path(__file__).parents[5] / "docs" / "adapters" / "stripe.md"


def test_page_lists_every_option_in_the_structs_order_with_its_default() -> None:
    """An option that is not on the page is set by nobody, and one that is there alone sets nothing."""
    section = PAGE.read_text(encoding="utf-8").split("\n## Options\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE)
    assert [name for name, _ in rows] == [field.encode_name for field in msgspec.structs.fields(StripeOptions)]
    defaults = msgspec.to_builtins(StripeOptions())
    for name, shown in rows:
        expected = defaults[name]
        if isinstance(expected, list | tuple):
            assert set(re.findall(r"`(\w+)`", shown)) == set(expected)
        elif expected in ({}, ""):
            assert shown == "none"
        else:
            assert shown == f"`{str(expected).lower()}`"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"plans": {"price_1": "other"}}, r"\[stripe\] plans.price_1: must be 1–64 characters"),
        ({"plans": {"price_1": ""}}, r"\[stripe\] plans.price_1: must be 1–64 characters"),
        ({"dimensions": {"plan": "x"}}, r"\[stripe\] dimensions.plan: is a member of events"),
        ({"metered": {"price_1": -1}}, r"\[stripe\] metered.price_1: must be from 0"),
        ({"unpaid": "lost"}, r"\[stripe\] Invalid enum value 'lost'"),
        ({"prices": {"price_1": {"usd": {"amount": 1}}}}, r"\[stripe\] Object contains unknown field `amount`"),
        ({"tiers": {}}, r"\[stripe\] tiers: there is no such option"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[12:40],
)
def test_option_that_cannot_work_is_named(options: dict[str, Any], problem: str) -> None:
    """A plan that was misspelt would be refused with each event, for weeks."""
    with pytest.raises(OptionsFault, match=problem):
        adapter_of("stripe", options)
