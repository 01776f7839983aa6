"""Currencies that an amount says beside its digits: a code of ISO 4217, or a sign such as €.

A sign that several currencies have decides nothing: it only agrees with a currency that is said elsewhere, or not.
Source: docs/adapters/table.md, section Values; Unicode CLDR, currency symbols; ISO 4217.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

_CODE: Final = re.compile(r"[A-Za-z]{3}")
#: Signs of one currency, or of one that is meant where nothing else is said; others that write it follow.
_OF_ONE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "€": ("EUR",),
    "£": ("GBP", "EGP", "FKP", "GIP", "LBP", "SDG", "SHP", "SSP", "SYP"),
    "₹": ("INR",),
    "₩": ("KRW", "KPW"),
    "₽": ("RUB",),
    "₺": ("TRY",),
    "₴": ("UAH",),
    "₪": ("ILS",),
    "₫": ("VND",),
    "₱": ("PHP",),
    "₦": ("NGN",),
    "₸": ("KZT",),
})  # fmt: skip
#: Signs that say nothing without a currency.
_OF_SEVERAL: Final[Mapping[str, frozenset[str]]] = MappingProxyType({
    "$": frozenset({
        "ARS", "AUD", "BBD", "BMD", "BND", "BRL", "BSD", "BZD", "CAD", "CLP", "COP", "CVE", "DOP", "FJD", "GYD", "HKD",
        "JMD", "KYD", "LRD", "MXN", "NAD", "NIO", "NZD", "SBD", "SGD", "SRD", "TOP", "TTD", "TWD", "USD", "UYU", "XCD",
    }),
    "¥": frozenset({"CNY", "JPY"}),
    "￥": frozenset({"CNY", "JPY"}),
})  # fmt: skip


class CurrencyProblem(ValueError):
    """A contradiction in what an amount says of its currency, or a sign that is not enough; says why.

    Attributes:
        is_open: Whether an amount would be read if its currency were said elsewhere.
    """

    def __init__(self, problem: str, *, is_open: bool = False) -> None:
        super().__init__(problem)
        self.is_open = is_open


def currency_said(marks: Iterable[str], *, stated: str, default: str) -> str:
    """Return the currency of an amount, in the case in which it is written; empty where nothing says it.

    Args:
        marks: What stands before and after the digits: codes and signs, in any number.
        stated: The currency that the record says of the amount elsewhere; empty where it does not.
        default: The currency of records that say none; empty where there is no such.

    Raises:
        CurrencyProblem: Two of them contradict each other, a sign is that of several currencies, or is unknown.
    """
    said = [mark for mark in marks if mark]
    codes = [mark for mark in said if _CODE.fullmatch(mark)]
    signs = [mark for mark in said if mark not in codes]
    found = stated
    for code in codes:
        if found and code.upper() != found.upper():
            other = "the currency of its row" if found is stated else "its other currency"
            raise CurrencyProblem(f"is in {code.upper()}, and {other} is {found.upper()}")
        found = found or code
    for sign in signs:
        found = _agreed(sign, found, default)
    return found or default


def _agreed(sign: str, found: str, default: str) -> str:
    """Return the currency after a sign was seen.

    Args:
        sign: Of an amount.
        found: The currency that its record or itself says; empty where none does.
        default: The currency of records that say none.
    """
    if sign in _OF_ONE:
        known: Iterable[str] = _OF_ONE[sign]
        usual = default if default.upper() in known else _OF_ONE[sign][0]
    elif sign in _OF_SEVERAL:
        known, usual = _OF_SEVERAL[sign], default
        if not found and not default:
            raise CurrencyProblem(f"has the sign {sign}, which several currencies have", is_open=True)
    else:
        raise CurrencyProblem("must be an amount")
    currency = found or usual
    if currency.upper() not in known:
        raise CurrencyProblem(f"has the sign {sign}, which {currency.upper()}, its currency, has not")
    return currency
