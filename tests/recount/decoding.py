"""From one record to one event, or to the reason for which it is refused.

Slow on purpose: one check after the other, in the order of the reasons.
Definitions: the contract, events, prices and dead letters.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tests.recount.cloudevents import members_of
from tests.recount.events import DEFAULT_SOURCES, WITHOUT_CUSTOMER, Event
from tests.recount.instants import DAY_MS, instant_ms, read_instant_ms
from tests.recount.mending import is_mended, mended_country, mended_slug, mended_value, mended_way
from tests.recount.options import Options
from tests.recount.prices import LARGEST_MRR_MINOR, MONTHLY, converted_minor, monthly_minor, rate_at
from tests.recount.records import Record
from tests.recount.refusals import Reason, RefusedError

EARLIEST_MS = instant_ms(datetime(2000, 1, 1, tzinfo=UTC))
LATEST_MS = instant_ms(datetime(2100, 1, 1, tzinfo=UTC))
EFFECTIVE_AHEAD_MS = 1_827 * DAY_MS
PRICED = ("signup", "upgrade", "downgrade")
LIFECYCLE_TYPES = (*PRICED, "cancel", "pause", "resume")
REQUIRED = {
    "signup": ("plan",),
    "upgrade": ("plan",),
    "downgrade": ("plan",),
    "revoke": ("revokes",),
    "survey": ("kind",),
    "renewal": ("outcome",),
    "support": ("ticket", "status"),
    "referral": ("referred",),
    "exposure": ("measure", "variant"),
    "mark": ("kind", "title"),
}
SCORES = {
    "nps": range(11),
    "csat": range(1, 6),
    "ces": range(1, 8),
    "ease": range(1, 8),
    "value": range(1, 6),
    "pmf": range(1, 4),
}
Members = Mapping[str, object]
Check = Callable[[object], bool]
Mender = Callable[[object], str | None]


def decode(record: Record, options: Options) -> Event:
    """Return the event that a record is.

    Raises:
        RefusedError: it is none; the reason is the first that applies, and never `too_many_facts`.
    """
    if len(record.value or b"") > options.max_record_bytes:
        raise RefusedError(Reason.OVERSIZED, f"{len(record.value or b'')} bytes")
    found, is_cloud_event = members_of(record)
    # null is absence.
    members = {name: value for name, value in found.items() if value is not None}
    _check_required(members, is_cloud_event=is_cloud_event)
    if members["type"] not in tuple(DEFAULT_SOURCES):
        raise RefusedError(Reason.UNKNOWN_TYPE, str(members["type"]))
    _check_values(members, is_cloud_event=is_cloud_event)
    _check_times(members, record, options)
    return _event(members, options)


def _check_required(members: Members, *, is_cloud_event: bool) -> None:
    event_type = members.get("type")
    names: list[str] = ["id", "type", "customer_id", "time"]
    if event_type in WITHOUT_CUSTOMER:
        names.remove("customer_id")
    if is_cloud_event:
        names += ["specversion", "source"]
    if isinstance(event_type, str):
        names += REQUIRED.get(event_type, ())
    if event_type == "survey" and members.get("status", "answered") == "answered":
        names.append("score")
    if event_type in PRICED:
        if "mrr_minor" not in members:
            names.append("amount_minor")
        if "amount_minor" in members:
            names.append("interval")
    for name in names:
        if name not in members:
            raise RefusedError(Reason.MISSING_MEMBER, name)


def _is_id(longest: int, shortest: int = 1) -> Check:
    return lambda value: (isinstance(value, str) or _is_integer(value)) and shortest <= len(str(value)) <= longest


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_at_least(smallest: int, largest: int | None = None) -> Check:
    def check(value: object) -> bool:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        return value >= smallest and (largest is None or value <= largest)

    return check


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_one_of(*values: str) -> Check:
    return lambda value: isinstance(value, str) and value in values


def _is_time(value: object) -> bool:
    return isinstance(value, str) and read_instant_ms(value) is not None


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()


def _is_plan(value: object) -> bool:
    return mended_value(value) is not None


def _is_slug(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[a-z0-9_-]{1,64}", value) is not None


def _is_title(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 200


COMMON_CHECKS: dict[str, Check] = {
    "id": _is_id(256),
    "source": _is_text,
    "customer_id": _is_id(128),
    "time": _is_time,
    "sequence": _is_at_least(-(2**63), 2**63 - 1),
    "test": _is_boolean,
}
LIFECYCLE_CHECKS: dict[str, Check] = {"subscription_id": _is_id(128, shortest=0), "effective_at": _is_time}
PRICE_CHECKS: dict[str, Check] = {
    "plan": _is_plan,
    "mrr_minor": _is_at_least(0, LARGEST_MRR_MINOR),
    "amount_minor": _is_at_least(0),
    "interval": _is_one_of(*MONTHLY),
    "interval_count": _is_at_least(1),
    "quantity": _is_at_least(0),
    "currency": _is_currency,
    "trial": _is_boolean,
}
OWN_CHECKS: dict[str, dict[str, Check]] = {
    "signup": PRICE_CHECKS | LIFECYCLE_CHECKS,
    "upgrade": PRICE_CHECKS | LIFECYCLE_CHECKS,
    "downgrade": PRICE_CHECKS | LIFECYCLE_CHECKS,
    "cancel": {"involuntary": _is_boolean} | LIFECYCLE_CHECKS,
    "pause": LIFECYCLE_CHECKS,
    "resume": LIFECYCLE_CHECKS,
    "revoke": {"revokes": _is_id(256)},
    "survey": {
        "kind": _is_one_of(*SCORES),
        "status": _is_one_of("sent", "answered", "dismissed"),
        "incentive": _is_boolean,
    },
    "renewal": {"outcome": _is_one_of("renewed", "declined", "failed")},
    "onboarding": {"completed": _is_boolean},
    "activity": {},
    "contact": {"about": _is_id(256)},
    "support": {"ticket": _is_id(128), "status": _is_one_of("opened", "answered", "solved")},
    "referral": {"referred": _is_id(128)},
    "exposure": {"measure": _is_slug, "variant": _is_slug},
    "mark": {
        "kind": _is_one_of("release", "price", "campaign", "incident", "other"),
        "title": _is_title,
        "until": _is_time,
    },
}


def _check_values(members: Members, *, is_cloud_event: bool) -> None:
    event_type = str(members["type"])
    checks = COMMON_CHECKS | OWN_CHECKS[event_type]
    if event_type in WITHOUT_CUSTOMER:
        checks = {name: check for name, check in checks.items() if name != "customer_id"}
    if is_cloud_event:
        checks = checks | {"specversion": _is_one_of("1.0")}
    for name, is_valid in checks.items():
        if name in members and not is_valid(members[name]):
            raise RefusedError(Reason.INVALID_MEMBER, name)
    if event_type == "survey" and "score" in members:
        score = members["score"]
        if not _is_integer(score) or score not in SCORES[str(members["kind"])]:
            raise RefusedError(Reason.INVALID_MEMBER, "score")
    if event_type in PRICED:
        others = [name for name in ("amount_minor", "interval", "interval_count", "quantity") if name in members]
        if "mrr_minor" in members and others:
            raise RefusedError(Reason.INVALID_MEMBER, f"mrr_minor beside {others}")
        if _price_minor(members) > LARGEST_MRR_MINOR:
            raise RefusedError(Reason.INVALID_MEMBER, "the MRR is above its bound")


def _check_times(members: Members, record: Record, options: Options) -> None:
    last_ms = LATEST_MS - 1
    if record.timestamp_ms is not None:
        last_ms = min(last_ms, record.timestamp_ms + options.future_tolerance_ms)
    limits = {"time": last_ms}
    if members["type"] in LIFECYCLE_TYPES:
        limits["effective_at"] = last_ms + EFFECTIVE_AHEAD_MS
    if members["type"] == "mark":
        limits["until"] = last_ms + EFFECTIVE_AHEAD_MS
    for name, limit_ms in limits.items():
        if name in members and not EARLIEST_MS <= _instant_ms(members, name) <= limit_ms:
            raise RefusedError(Reason.TIME_OUT_OF_RANGE, name)


def _instant_ms(members: Members, name: str) -> int:
    found = read_instant_ms(str(members[name]))
    assert found is not None, f"{name} was checked before"
    return found


def _number(members: Members, name: str, default: int) -> int:
    value = members.get(name, default)
    assert isinstance(value, int), f"{name} was checked before"
    return value


def _price_minor(members: Members) -> int:
    if "mrr_minor" in members:
        return _number(members, "mrr_minor", 0)
    return monthly_minor(
        amount_minor=_number(members, "amount_minor", 0),
        interval=str(members["interval"]),
        interval_count=_number(members, "interval_count", 1),
        quantity=_number(members, "quantity", 1),
    )


def _mrr_minor(price_minor: int, currency: str, at_ms: int, options: Options) -> int:
    if currency == options.default_currency:
        return price_minor
    rate = rate_at(options.currency_rates, currency, at_ms, options.zone)
    if rate is None:
        raise RefusedError(Reason.CURRENCY_MISMATCH, f"{currency} has no rate then")
    return converted_minor(price_minor, rate)


def _menders(event_type: str, options: Options) -> dict[str, Mender]:
    """Return the members of a type that only describe it, each with what mends it."""
    values: dict[str, Mender] = dict.fromkeys(options.segment_members, mended_value)
    menders: dict[str, dict[str, Mender]] = {
        "signup": values | {"country": mended_country},
        "cancel": {"reason": mended_slug},
        "survey": {"reason": mended_slug, "via": mended_way},
        "activity": {"feature": mended_slug},
    }
    return menders.get(event_type, {})


def _event(members: Members, options: Options) -> Event:
    event_type = str(members["type"])
    is_lifecycle, is_priced = event_type in LIFECYCLE_TYPES, event_type in PRICED
    at_ms = _instant_ms(members, "effective_at" if is_lifecycle and "effective_at" in members else "time")
    price_minor = _price_minor(members) if is_priced else 0
    currency = str(members.get("currency", options.default_currency)).upper() if is_priced else ""
    menders = _menders(event_type, options)
    kept = {name: mend(members[name]) for name, mend in menders.items() if name in members}

    def text(name: str, default: str = "") -> str:
        return str(members.get(name, default))

    def describing(name: str, default: str = "") -> str:
        return kept.get(name) or default

    return Event(
        kind="change" if event_type in {"upgrade", "downgrade"} else event_type,
        customer_id="" if event_type in WITHOUT_CUSTOMER else text("customer_id"),
        source=text("source", DEFAULT_SOURCES[event_type]),
        names_source="source" in members,
        id=text("id"),
        at_ms=at_ms,
        time_ms=_instant_ms(members, "time"),
        sequence=_number(members, "sequence", 0),
        test=members.get("test") is True,
        subscription_id=text("subscription_id") if is_lifecycle else "",
        plan=text("plan") if is_priced else "",
        price_minor=price_minor,
        currency=currency,
        mrr_minor=_mrr_minor(price_minor, currency, at_ms, options) if is_priced else 0,
        trial=is_priced and members.get("trial") is True,
        segment_values=tuple(describing(name) for name in options.segment_members) if event_type == "signup" else (),
        reason=describing("reason", "unspecified" if event_type == "cancel" else ""),
        involuntary=event_type == "cancel" and members.get("involuntary") is True,
        revokes=text("revokes"),
        survey_kind=text("kind"),
        status=text("status", "answered"),
        score=_number(members, "score", -1) if event_type == "survey" else -1,
        via=describing("via", "in_app"),
        incentive=members.get("incentive") is True,
        outcome=text("outcome"),
        completed=members.get("completed") is not False,
        feature=describing("feature"),
        about=text("about"),
        ticket=text("ticket"),
        referred=text("referred"),
        measure=text("measure"),
        variant=text("variant"),
        title=text("title"),
        until_ms=_instant_ms(members, "until") if event_type == "mark" and "until" in members else -1,
        mended=frozenset(name for name, value in kept.items() if is_mended(name, members[name], value)),
    )
