"""Members of events out of the values of a file: integers, booleans, money and instants, by the file's notation.

A column is a member; its type follows from the event structs, so that there is one truth about which members are
integers, booleans or instants. What cannot be read as its member's type stays text, which the decoder refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from schemas.events import EVENT_TYPES, PRICE_MEMBERS, forms_of, kinds_of_members
from schemas.money import minor_units
from tenure.files.notation import MoneyForm, Notation, TimeForm
from tenure.files.times import instant_of


def _members_of(kind: type[msgspec.inspect.Type]) -> frozenset[str]:
    return frozenset(
        name
        for event_type in EVENT_TYPES
        for name, read_as in kinds_of_members(event_type).items()
        if isinstance(msgspec.inspect.type_info(read_as), kind)
    )


MONEY_MEMBERS: Final = tuple(name for name in PRICE_MEMBERS if name.endswith("_minor"))
INTEGER_MEMBERS: Final = _members_of(msgspec.inspect.IntType)
BOOLEAN_MEMBERS: Final = _members_of(msgspec.inspect.BoolType)
INSTANT_MEMBERS: Final = frozenset(
    name for event_type in EVENT_TYPES for name, form in forms_of(event_type).items() if form == "instant"
)

# Tables that passed through other programs hold integers as 4900.0 where a column has gaps. Of money this says nothing:
# 4900.0 may as well be in major units.
_INTEGER: Final = re.compile(r"\s*([+-]?\d{1,18})(?:\.0*)?\s*", re.ASCII)
_WHOLE_MONEY: Final = re.compile(r"\s*([+-]?\d{1,18})\s*", re.ASCII)
_MONEY: Final = re.compile(r"\s*([+-]?\d{1,18}(?:\.\d*)?)\s*", re.ASCII)
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "t", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "0", "0.0"), False),
}

Member = str | int | bool | Decimal
_Read = Callable[[str], Member]
_read_raw_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_write: Final = msgspec.json.Encoder().encode
_NUMBER: Final = re.compile(rb"-?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?")


class Members:
    """Members out of values, by one notation.

    Args:
        notation: Of the file.
    """

    def __init__(self, notation: Notation) -> None:
        self._notation = notation
        self._is_major = notation.money is MoneyForm.MAJOR

    def reader(self, member: str) -> _Read | None:
        """Return what reads a member's text, which is not empty; None where it is its own text."""
        if member in MONEY_MEMBERS:
            return _major_money if self._is_major else _minor_money
        if member in INTEGER_MEMBERS:
            return _integer
        if member in BOOLEAN_MEMBERS:
            return _boolean
        if member in INSTANT_MEMBERS:
            return self.instant
        return None

    def instant(self, text: str) -> str:
        """Return an instant's text as an event has it, or as it is (`tenure.files.times`)."""
        return instant_of(text, self._notation)

    def settle_money(self, members: dict[str, Any]) -> None:
        """Turn amounts in major units, which are decimals here, into minor ones of the currency among the members.

        One that has more decimals than its currency becomes text, which is refused.
        """
        for name in MONEY_MEMBERS if self._is_major else ():
            amount = members.get(name)
            if isinstance(amount, Decimal):
                minor = minor_units(amount, self._currency_of(members))
                members[name] = format(amount, "f") if minor is None else minor

    def _currency_of(self, members: dict[str, Any]) -> str:
        currency = members.get("currency")
        return currency if isinstance(currency, str) and currency else self._notation.default_currency

    def of_json(self, value: bytes) -> bytes:
        """Return an event's JSON with its money and instants as events have them; byte for byte where they are."""
        if self._notation.is_that_of_events:
            return value
        try:
            members = _read_raw_members(value)
            changed = self._settled(members)
            # A CloudEvent has its members inside, but for its time.
            if "specversion" in members and "data" in members:
                data = _read_raw_members(members["data"])
                if self._settled(data):
                    members["data"] = msgspec.Raw(_write(data))
                    changed = True
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return value
        return _write(members) if changed else value

    def _settled(self, members: dict[str, Any]) -> bool:
        """Replace the members that are not as events have them; tell whether there were any."""
        read: dict[str, object] = {}
        for name in INSTANT_MEMBERS & members.keys():
            text = _text_of(members[name], also_numbers=self._notation.time is not TimeForm.RFC3339)
            if text is not None and (instant := self.instant(text)) != text:
                read[name] = instant
        if self._is_major:
            read |= {name: amount for name in MONEY_MEMBERS if (amount := _number_of(members.get(name))) is not None}
            if "currency" in members:
                read["currency"] = _text_of(members["currency"])
            self.settle_money(read)
            read.pop("currency", None)
        members |= {name: msgspec.Raw(_write(value)) for name, value in read.items()}
        return bool(read)


def _integer(text: str) -> str | int:
    integer = _INTEGER.fullmatch(text)
    return int(integer[1]) if integer else text


def _boolean(text: str) -> str | bool:
    return _BOOLEANS.get(text.strip().lower(), text)


def _minor_money(text: str) -> str | int:
    amount = _WHOLE_MONEY.fullmatch(text)
    return int(amount[1]) if amount else text


def _major_money(text: str) -> str | Decimal:
    amount = _MONEY.fullmatch(text)
    return Decimal(amount[1]) if amount else text


def _number_of(raw: msgspec.Raw | None) -> Decimal | None:
    """Return a JSON number exactly, without the zeros at its end; None where it is none, or beyond all amounts."""
    if raw is None or not _NUMBER.fullmatch(json := bytes(raw)):
        return None
    try:
        number = Decimal(json.decode())
    except InvalidOperation:
        return None
    return without_idle_zeros(number)


def without_idle_zeros(number: Decimal) -> Decimal:
    """Return a number with as few decimals as it needs: the type of a value says how many it has, not who wrote it."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return number
    while exponent < 0 and digits[-1] == 0:
        digits, exponent = digits[:-1] or (0,), exponent + 1
    return Decimal((sign, digits, exponent))


def _text_of(raw: msgspec.Raw, *, also_numbers: bool = False) -> str | None:
    """Return the text of a JSON string, and of a number if that is wanted; None for all others."""
    json = bytes(raw)
    if json.startswith(b'"'):
        text: str = msgspec.json.decode(json)
        return text
    number = _number_of(raw) if also_numbers else None
    return None if number is None else format(number, "f")
