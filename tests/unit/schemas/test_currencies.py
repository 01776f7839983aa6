"""Codes of currencies: what is refused as none of them must be none."""

from __future__ import annotations

from schemas.adapters import currency_signs
from schemas.currencies import CURRENCY_CODES
from schemas.money import OTHER_DECIMALS


def test_every_currency_that_the_product_knows_otherwise_is_a_code() -> None:
    """Two lists that contradict each other send a user in a circle."""
    of_signs = {
        code for codes in (*currency_signs._OF_ONE.values(), *currency_signs._OF_SEVERAL.values()) for code in codes
    }
    assert OTHER_DECIMALS.keys() - CURRENCY_CODES == of_signs - CURRENCY_CODES == set()


def test_codes_of_list_one_are_all_there() -> None:
    """177 in January 2026 without that of no currency, and those that old events may be of beside them."""
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CURRENCY_CODES)
    assert len(CURRENCY_CODES) == 177 + 54
