"""Codes of ISO 4217: those of currencies in use, and those that were in use since 2000, of which old events may be.

A code that is missing here may still have a rate: the settings decide which currencies are counted, this list only what
is said of one that is not. Not here: decimals of currencies (`schemas.money`).
Source: ISO 4217, lists one and three, as of 2026-01-01.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from schemas.wording import nearest

#: List one: currencies, funds, metals and the code for tests; without the one that says that there is no currency.
_IN_USE: Final = (
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD", "BND",
    "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CLF", "CLP", "CNY",
    "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP",
    "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD",
    "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP",
    "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN",
    "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN",
    "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD",
    "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX",
    "USD", "USN", "UYI", "UYU", "UYW", "UZS", "VED", "VES", "VND", "VUV", "WST", "XAD", "XAF", "XAG", "XAU", "XBA",
    "XBB", "XBC", "XBD", "XCD", "XCG", "XDR", "XOF", "XPD", "XPF", "XPT", "XSU", "XTS", "XUA", "YER",
    "ZAR", "ZMW", "ZWG",
)  # fmt: skip
#: List three, as far as they were withdrawn since 2000.
_WITHDRAWN: Final = (
    "ADP", "AFA", "ANG", "AON", "AOR", "ATS", "AZM", "BEF", "BGN", "BYB", "BYR", "CSD", "CUC", "CYP", "DEM", "ECS",
    "ECV", "EEK", "ESP", "FIM", "FRF", "GHC", "GRD", "HRK", "IEP", "ITL", "LTL", "LUF", "LVL", "MGF", "MRO", "MTL",
    "MZM", "NLG", "PTE", "ROL", "SDD", "SIT", "SKK", "SLL", "SRG", "STD", "TJR", "TMM", "TPE", "TRL", "USS", "VEB",
    "VEF", "YUM", "ZMK", "ZWD", "ZWL", "ZWR",
)  # fmt: skip
CURRENCY_CODES: Final = frozenset({*_IN_USE, *_WITHDRAWN})
#: What is written for a currency in place of its code.
_NAMES: Final = MappingProxyType({
    "CNH": "CNY", "NIS": "ILS", "NTD": "TWD", "RMB": "CNY", "SFR": "CHF", "STG": "GBP", "UKP": "GBP", "YEN": "JPY",
})  # fmt: skip
#: Currencies that a mistake is looked for among; nearly every three letters are like some code.
_USUAL: Final = (
    "AUD", "BRL", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "INR", "JPY", "MXN", "NOK", "NZD", "PLN", "SEK", "SGD",
    "USD",
)  # fmt: skip


def code_meant(text: str, counted: Iterable[str]) -> str | None:
    """Return the code that was meant by three letters that are none; None where nothing is close.

    Args:
        text: Three capital letters.
        counted: Codes of currencies that are counted: these are looked at first.
    """
    return _NAMES.get(text) or nearest(text, counted) or nearest(text, _USUAL)
