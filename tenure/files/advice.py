"""Advice on a member that was refused: which option of the command reads what the file has.

Of the file alone: what events have to look like, the refusal itself says.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import msgspec

from schemas.decoding import rules
from schemas.local_times import LOCAL_TIME
from schemas.money import decimals_of, minor_units
from tenure.files.members import BOOLEAN_MEMBERS, INSTANT_MEMBERS, INTEGER_MEMBERS, MONEY_MEMBERS
from tenure.files.notation import MoneyForm, Notation, TimeForm
from tenure.files.times import EPOCH_TIME, instant_of

_AMOUNT: Final = re.compile(r"\s*[+-]?\d{1,30}(?:\.\d*)?\s*", re.ASCII)
_WITH_EXPONENT: Final = re.compile(r"\s*[+-]?\d+(?:\.\d*)?[eE][+-]?\d+\s*", re.ASCII)
_WHOLE: Final = re.compile(r"-?(?:0|[1-9]\d{0,18})", re.ASCII)
_LIST_OF_OBJECTS: Final = re.compile(rb"\[\s*\{")
#: with the signs of currencies, and what separates thousands
_AMOUNT_IN_WORDS: Final = re.compile(r"\s*\D{0,3}\s*[+-]?\d[\d.,' \u00a0\u202f]*\s*\D{0,3}\s*", re.ASCII)


def advice_on(member: str, members: dict[str, msgspec.Raw], notation: Notation, *, is_table: bool = False) -> str:
    """Return what reads a member as it is written, or how to write it; "" where there is nothing to say.

    Args:
        member: That was refused.
        members: The event's, as the decoder was given them.
        notation: Of the file.
        is_table: Whether the file has cells, which have no quotes of their own.
    """
    if member not in members:
        return _advice_on_lists(members)
    text = text_of(members[member])
    if not is_table and bytes(members[member]).startswith(b'"') and _is_meant_bare(member, text, members, notation):
        return f"write {text.strip()} without quotes"
    if member in MONEY_MEMBERS:
        return _advice_on_money(text, _currency_of(members, notation), notation)
    if member in INSTANT_MEMBERS:
        return _advice_on_time(text, notation)
    return ""


def _currency_of(members: dict[str, msgspec.Raw], notation: Notation) -> str:
    currency = text_of(members.get("currency")).upper()
    return currency if rules.CURRENCY.fullmatch(currency) else notation.default_currency


def _is_meant_bare(member: str, text: str, members: dict[str, msgspec.Raw], notation: Notation) -> bool:
    """Tell whether a text would be read if it were no text: a number or a boolean that was put in quotes."""
    if member in BOOLEAN_MEMBERS:
        return text in ("true", "false")
    if member in MONEY_MEMBERS and notation.money is MoneyForm.MAJOR:
        amount = _AMOUNT.fullmatch(text)
        return amount is not None and minor_units(Decimal(text), _currency_of(members, notation)) is not None
    return member in INTEGER_MEMBERS and _WHOLE.fullmatch(text.strip()) is not None


def _advice_on_lists(members: dict[str, msgspec.Raw]) -> str:
    for name, raw in members.items():
        if _LIST_OF_OBJECTS.match(bytes(raw)):
            return f"its member {name} holds a list: if that holds the events, write each in a line of its own"
    return ""


def text_of(raw: msgspec.Raw | None) -> str:
    """Return a JSON string's text, and of all others their JSON; "" where there is nothing."""
    json = b"" if raw is None else bytes(raw)
    return str(msgspec.json.decode(json)) if json.startswith(b'"') else json.decode("utf-8", "replace")


def _advice_on_money(text: str, currency: str, notation: Notation) -> str:
    if not _AMOUNT.fullmatch(text):
        is_money = _AMOUNT_IN_WORDS.fullmatch(text) or _WITH_EXPONENT.fullmatch(text)
        return "write the amount as digits alone, with a point before its decimals" if is_money else ""
    if notation.money is MoneyForm.MAJOR:
        decimals = decimals_of(currency)
        return f"read with --money major, and {currency} has {decimals or 'no'} decimal{'' if decimals == 1 else 's'}"
    if not text.strip().lstrip("+-").isdigit():
        return (
            "it has decimals: say --money major if the file has major units, such as dollars; "
            "write it without decimals if it has minor ones, such as cents"
        )
    return ""


def _advice_on_time(text: str, notation: Notation) -> str:
    if notation.time is TimeForm.EPOCH_MS and text.startswith("1970-"):
        return "its milliseconds look like seconds: say --time epoch-s"
    if EPOCH_TIME.fullmatch(text):
        for form in (TimeForm.EPOCH_S, TimeForm.EPOCH_MS):
            read = instant_of(text, notation._replace(time=form))
            if form is not notation.time and read.endswith("Z") and "2000" <= read[:4] < "2100":
                return f"it looks like an epoch: say --time {form.value} if {read} is meant"
    elif LOCAL_TIME.fullmatch(text) and notation.time_zone is None:
        return "it has no time zone: say which one with --time-zone, such as --time-zone Europe/Bucharest"
    return ""
