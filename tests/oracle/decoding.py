"""From the bytes of one record to one event, or to the reason why it is refused.

Slow on purpose: the standard library's json and one check after the other, in the order of the reasons.
Not a decoder of CloudEvents.
Definitions: docs/events.md.
"""

import json
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NoReturn

from tests.oracle.options import DAY_MS, EARLIEST_MS, Options, instant_ms


class Reason(StrEnum):
    """Why a record is refused; the first that applies is the one that counts."""

    OVERSIZED = "oversized"
    MALFORMED_JSON = "malformed_json"
    MISSING_MEMBER = "missing_member"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_MEMBER = "invalid_member"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    CURRENCY_MISMATCH = "currency_mismatch"
    TOO_MANY_FACTS = "too_many_facts"


class RefusedError(Exception):
    """A record that cannot be an event.

    Attributes:
        reason: The first reason that applies.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep the reason apart from the detail, which is for humans."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Event:
    """One valid event; members that its type does not have keep their defaults.

    Attributes:
        kind: The type, where upgrade and downgrade are both `change`.
        occurred_at_ms: Event time, cut to milliseconds: `effective_at` of a cancel that has one, else `time`.
        time_ms: The member `time`, cut to milliseconds.
        mrr_given_minor: `mrr_minor` as it was sent, in minor units of `currency`.
        mrr_minor: The same in minor units of the default currency.
        attributes: Values of country, channel and the further dimensions, `none` where absent.
        survey_kind: `kind` of a survey.
        score: -1 when absent.
    """

    kind: str
    customer: str
    source: str
    id: str
    occurred_at_ms: int
    time_ms: int
    sequence: int
    test: bool
    plan: str = "none"
    mrr_given_minor: int = 0
    mrr_minor: int = 0
    currency: str = ""
    attributes: tuple[str, ...] = ()
    reason: str = ""
    involuntary: bool = False
    revokes: str = ""
    survey_kind: str = ""
    status: str = ""
    score: int = -1
    via: str = ""
    outcome: str = ""
    completed: bool = True
    feature: str = ""

    def own_members(self) -> tuple[str | int, ...]:
        """Return the members of the event's kind in the contract's order, defaults filled in.

        Only for kinds with an identity that is remembered: neither activity nor onboarding.
        """
        members: dict[str, tuple[str | int, ...]] = {
            "signup": (self.plan, self.mrr_given_minor, self.currency, *self.attributes),
            "change": (self.plan, self.mrr_given_minor, self.currency),
            "cancel": (self.reason, int(self.involuntary), self.occurred_at_ms),
            "revoke": (self.revokes,),
            "survey": (self.survey_kind, self.status, self.score, self.reason, self.via),
            "renewal": (self.outcome,),
        }
        return members[self.kind]


SOURCES = {
    "signup": "customer.signup",
    "cancel": "customer.cancel",
    "revoke": "customer.cancel",
    "upgrade": "customer.upgrade",
    "downgrade": "customer.upgrade",
    "survey": "customer.survey",
    "renewal": "customer.renewal",
    "onboarding": "customer.onboarding",
    "activity": "customer.activity",
}
REQUIRED = {
    "signup": ("plan", "mrr_minor"),
    "upgrade": ("plan", "mrr_minor"),
    "downgrade": ("plan", "mrr_minor"),
    "revoke": ("revokes",),
    "survey": ("kind",),
    "renewal": ("outcome",),
}
LARGEST_MRR_MINOR = 10**12
EFFECTIVE_AHEAD_MS = 1_827 * DAY_MS
SCORES = {"nps": range(11), "csat": range(1, 6)}
SLUG = re.compile(r"[a-z0-9_-]{1,64}")
CURRENCY = re.compile(r"[A-Z]{3}")
COUNTRY = re.compile(r"[A-Z]{2}")
RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def rfc_3339_ms(text: str) -> int | None:
    """Return the instant in milliseconds since 1970, further digits cut off; None when the text is no such time."""
    parts = RFC_3339.fullmatch(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    fraction, sign, offset_hour, offset_minute = parts.groups()[6:]
    # The year 0 exists in RFC 3339 but not in datetime; 400 has the same calendar and is as much out of range.
    year = year or 400
    if not 1 <= month <= 12 or not 1 <= day <= monthrange(year, month)[1]:
        return None
    ahead_hours, ahead_minutes = int(offset_hour or 0), int(offset_minute or 0)
    if max(hour, ahead_hours) > 23 or max(minute, ahead_minutes) > 59 or second > 60:
        return None
    offset_ms = (ahead_hours * 60 + ahead_minutes) * 60_000 * (-1 if sign == "-" else 1)
    if second == 60:
        # A leap second is the first instant of the next minute, with whatever decimals.
        second, fraction = 59, "999"
        offset_ms -= 1
    local_ms = instant_ms(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    return local_ms + int(((fraction or "") + "000")[:3]) - offset_ms


def _is_text(longest: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and 1 <= len(value) <= longest


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_MRR_MINOR


def _is_segment_value(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 64 and value not in {"none", "other"}


def _is_like(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_one_of(*values: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in values


def _is_time(value: object) -> bool:
    return isinstance(value, str) and rfc_3339_ms(value) is not None


def _is_score(members: Mapping[str, object]) -> bool:
    """Return whether the score suits the kind, or is absent where it may be."""
    if "score" not in members:
        return True
    score, kind = members["score"], members["kind"]
    return isinstance(score, int) and not isinstance(score, bool) and isinstance(kind, str) and score in SCORES[kind]


COMMON_CHECKS: dict[str, Callable[[object], bool]] = {
    "id": _is_text(256),
    "source": lambda value: isinstance(value, str),
    "type": lambda value: isinstance(value, str),
    "customer_id": _is_text(128),
    "time": _is_time,
    "sequence": _is_integer,
    "test": _is_boolean,
}
_CHANGE_CHECKS: dict[str, Callable[[object], bool]] = {
    "plan": _is_segment_value,
    "mrr_minor": _is_amount,
    "currency": _is_like(CURRENCY),
}
OWN_CHECKS: dict[str, dict[str, Callable[[object], bool]]] = {
    "signup": {**_CHANGE_CHECKS, "country": _is_like(COUNTRY), "channel": _is_segment_value},
    "upgrade": _CHANGE_CHECKS,
    "downgrade": _CHANGE_CHECKS,
    "cancel": {"reason": _is_like(SLUG), "involuntary": _is_boolean, "effective_at": _is_time},
    "revoke": {"revokes": _is_text(256)},
    "survey": {
        "kind": _is_one_of("nps", "csat"),
        "status": _is_one_of("sent", "answered", "dismissed"),
        "reason": _is_like(SLUG),
        "via": _is_one_of("in_app", "email", "outreach"),
    },
    "renewal": {"outcome": _is_one_of("renewed", "declined", "failed")},
    "onboarding": {"completed": _is_boolean},
    "activity": {"feature": _is_like(SLUG)},
}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _parsed(record: bytes | Mapping[str, object], options: Options) -> Mapping[str, object]:
    if isinstance(record, Mapping):
        return record
    if len(record) > options.max_record_bytes:
        raise RefusedError(Reason.OVERSIZED, f"{len(record)} bytes")
    try:
        members = json.loads(record.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedError(Reason.MALFORMED_JSON, str(error)) from error
    if not isinstance(members, dict):
        raise RefusedError(Reason.MALFORMED_JSON, "not an object")
    return members


def _check_required(members: Mapping[str, object]) -> None:
    kind = members.get("type")
    required: tuple[str, ...] = ("id", "type", "customer_id", "time")
    if isinstance(kind, str):
        required += REQUIRED.get(kind, ())
    if kind == "survey" and members.get("status", "answered") == "answered":
        required += ("score",)
    for name in required:
        if name not in members:
            raise RefusedError(Reason.MISSING_MEMBER, name)


def _check_values(members: Mapping[str, object], options: Options) -> None:
    kind = members["type"]
    assert isinstance(kind, str)
    checks = COMMON_CHECKS | OWN_CHECKS[kind]
    if kind == "signup":
        checks |= dict.fromkeys(options.dimensions, _is_segment_value)
    for name, is_valid in checks.items():
        if name in members and not is_valid(members[name]):
            raise RefusedError(Reason.INVALID_MEMBER, name)
    if kind == "survey" and not _is_score(members):
        raise RefusedError(Reason.INVALID_MEMBER, "score")


def _check_times(members: Mapping[str, object], options: Options) -> None:
    limits = {"time": options.latest_ms}
    if members["type"] == "cancel":
        limits["effective_at"] = options.latest_ms + EFFECTIVE_AHEAD_MS
    for name, limit_ms in limits.items():
        if name in members and not EARLIEST_MS <= _milliseconds(members, name) < limit_ms:
            raise RefusedError(Reason.TIME_OUT_OF_RANGE, name)


def _milliseconds(members: Mapping[str, object], name: str) -> int:
    instant = rfc_3339_ms(str(members[name]))
    assert instant is not None, f"{name} was checked before"
    return instant


def decode(record: bytes | Mapping[str, object], options: Options) -> Event:
    """Return the event that a record is.

    Args:
        record: One JSON object, as bytes or already parsed.
        options: Settings that validity depends on.

    Raises:
        RefusedError: the record is none; its reason is the first that applies, and never `too_many_facts`.
    """
    members = _parsed(record, options)
    _check_required(members)
    if isinstance(members["type"], str) and members["type"] not in OWN_CHECKS:
        raise RefusedError(Reason.UNKNOWN_TYPE, members["type"])
    if not isinstance(members["type"], str):
        raise RefusedError(Reason.INVALID_MEMBER, "type")
    _check_values(members, options)
    _check_times(members, options)
    return _event(members, members["type"], options)


def _event(members: Mapping[str, object], kind: str, options: Options) -> Event:
    def text(name: str, default: str = "") -> str:
        return str(members.get(name, default))

    def number(name: str, default: int = 0) -> int:
        value = members.get(name, default)
        assert isinstance(value, int)
        return value

    time_ms = _milliseconds(members, "time")
    effective = kind == "cancel" and "effective_at" in members
    currency = text("currency", options.default_currency)
    has_money = kind in {"signup", "upgrade", "downgrade"}
    if has_money and currency != options.default_currency and currency not in options.rates:
        raise RefusedError(Reason.CURRENCY_MISMATCH, currency)
    mrr_given_minor = number("mrr_minor") if has_money else 0
    return Event(
        kind="change" if kind in {"upgrade", "downgrade"} else kind,
        customer=text("customer_id"),
        source=text("source", SOURCES[kind]),
        id=text("id"),
        occurred_at_ms=_milliseconds(members, "effective_at") if effective else time_ms,
        time_ms=time_ms,
        sequence=number("sequence"),
        test=bool(members.get("test", False)),
        plan=text("plan", "none") if has_money else "none",
        mrr_given_minor=mrr_given_minor,
        mrr_minor=options.converted(mrr_minor=mrr_given_minor, currency=currency) if has_money else 0,
        currency=currency,
        attributes=tuple(text(name, "none") for name in ("country", "channel", *options.dimensions)),
        reason=text("reason", "unspecified" if kind == "cancel" else ""),
        involuntary=bool(members.get("involuntary", False)),
        revokes=text("revokes"),
        survey_kind=text("kind"),
        status=text("status", "answered"),
        score=number("score", -1) if kind == "survey" else -1,
        via=text("via", "in_app"),
        outcome=text("outcome"),
        completed=bool(members.get("completed", True)),
        feature=text("feature"),
    )
