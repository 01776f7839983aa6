"""Diagnosis of a record that the fast path did not take: the first reason of the closed list that applies.

Slow and thorough: it reads the members one by one, in the order of docs/events.md. It also accepts what the fast path
cannot read exactly (a member given twice, an escaped or very fine time), so that both paths agree on every record.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from schemas.decoding.cut_values import CutValue, whole_size
from schemas.decoding.rules import (
    COUNTRIES,
    CURRENCY,
    EARLIEST_MS,
    EFFECTIVE_ALLOWANCE_MS,
    LATEST_MS,
    NESTING_MAX,
    SLUG,
    is_nested_too_deeply,
    without_leap_second,
    without_surplus_decimals,
)
from schemas.decoding.wire_formats import format_of
from schemas.events import (
    COMMON_MEMBERS,
    EVENT_TYPES,
    REQUIRED_MEMBERS,
    RESERVED_LABELS,
    SCORE_MAX,
    SCORE_MIN,
    Event,
    Form,
    Signup,
    forms_of,
)
from schemas.instants import EPOCH, milliseconds
from schemas.refusals import ORDER, Reason, Refusal

VALUE_SHOWN: Final = 64
DETAIL_MAX: Final = 300

Members = dict[str, msgspec.Raw]
_read_members: Final = msgspec.json.Decoder(Members).decode
_write: Final = msgspec.json.Encoder().encode


class Readable(Protocol):
    """The part of a Kafka record that decoding looks at."""

    @property
    def value(self) -> bytes | None:
        """The record's bytes; None is a tombstone."""

    @property
    def timestamp(self) -> int:
        """The time at which it reached the log (ms since 1970); -1 where the log has no timestamps."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and values."""


class Diagnosis:
    """Judges one record at a time, by the rules of one configuration.

    Args:
        signup: The signup struct, with the configured dimensions.
        accepted_currencies: The default currency and those with a rate.
        future_tolerance_ms: How far beyond a record's timestamp an event may lie (milliseconds).
        latest_ms: If set, the first instant that is too late, whatever the record's timestamp (ms since 1970); else the
            record's timestamp decides, and nothing is later than the year 2099.
        max_record_bytes: The largest value that is read (bytes).
    """

    def __init__(
        self,
        *,
        signup: type[Signup],
        accepted_currencies: frozenset[str],
        future_tolerance_ms: int,
        latest_ms: int | None,
        max_record_bytes: int,
    ) -> None:
        self._accepted_currencies = accepted_currencies
        self._future_tolerance_ms = future_tolerance_ms
        self._latest_ms = latest_ms
        self._max_record_bytes = max_record_bytes
        types = [signup if event_type is Signup else event_type for event_type in EVENT_TYPES]
        self._types = {event_type.TYPE: event_type for event_type in types}
        self._required = {event_type.TYPE: _required_members(event_type) for event_type in types}
        self._readers = {event_type.TYPE: _member_readers(event_type) for event_type in types}

    def examine(self, record: Readable) -> tuple[Event, int] | Refusal:
        """Return the event and its event time (ms since 1970), or the first reason to refuse the record."""
        json = record.value
        wire_format = format_of(record.headers) if record.headers else None
        fault = self._fault_of_size(json)
        if json and not fault and (wire_format is None or wire_format.HOLDS_JSON):
            fault = _fault_of_text(json)
        if fault:
            return fault
        assert json, "what is empty is a fault"
        if wire_format is not None:
            json, fault = wire_format.translate(json, record.headers)
            if fault and fault.reason is Reason.MALFORMED_JSON:
                return _shortened(fault)
            fault_of_data = self._fault_of_size(json) or _fault_of_text(json)
            if fault_of_data:
                return fault_of_data
        verdict = self._judge(json, record.timestamp)
        if fault and (not isinstance(verdict, Refusal) or ORDER[fault.reason] <= ORDER[verdict.reason]):
            return _shortened(fault)
        return verdict

    def _fault_of_size(self, json: bytes | None) -> Refusal | None:
        if json is None:
            return Refusal(Reason.MALFORMED_JSON, "the record has no value (a tombstone)")
        if whole_size(json) > self._max_record_bytes or isinstance(json, CutValue):
            return Refusal(Reason.OVERSIZED, f"{whole_size(json)} bytes; the limit is {self._max_record_bytes}")
        if not json:
            return Refusal(Reason.MALFORMED_JSON, "the value is empty")
        return None

    def _judge(self, json: bytes, timestamp_ms: int) -> tuple[Event, int] | Refusal:
        try:
            members = _read_members(json)
        except (msgspec.DecodeError, RecursionError) as error:
            return Refusal(Reason.MALFORMED_JSON, f"{error}: {_shown(json)}"[:DETAIL_MAX])
        event_type = self._type_of(members)
        fault = (
            self._missing(members, event_type)
            or _unknown_type(members, event_type)
            or self._invalid(members, event_type or Event)
        )
        if fault:
            return _shortened(fault)
        assert event_type is not None
        event = _rebuilt(members, event_type)
        fault = self._out_of_range(event, members, timestamp_ms) or self._foreign(event)
        if fault:
            return _shortened(fault)
        effective_at = getattr(event, "effective_at", None)
        return event, milliseconds(effective_at or event.time)

    def _type_of(self, members: Members) -> type[Event] | None:
        name = msgspec.json.decode(members["type"]) if "type" in members else None
        return self._types.get(name) if isinstance(name, str) else None

    def _missing(self, members: Members, event_type: type[Event] | None) -> Refusal | None:
        required = REQUIRED_MEMBERS + (self._required[event_type.TYPE] if event_type else ())
        for name in required:
            if name not in members:
                return Refusal(Reason.MISSING_MEMBER, f"{name}: is required")
        if event_type is self._types["survey"] and "score" not in members and _is_answered(members):
            return Refusal(Reason.MISSING_MEMBER, "score: is required when the survey is answered")
        return None

    def _invalid(self, members: Members, event_type: type[Event]) -> Refusal | None:
        readers, forms = self._readers[event_type.TYPE], forms_of(event_type)
        values: dict[str, object] = {}
        for name in (*COMMON_MEMBERS, *event_type.OWN_MEMBERS):
            if name not in members or name == "type":
                continue
            try:
                values[name] = readers[name].decode(_exact(members[name], forms.get(name)))
            except msgspec.DecodeError as error:
                return _invalid_member(name, str(error), members)
            complaint = _complaint(values[name], forms.get(name))
            if complaint:
                return _invalid_member(name, complaint, members)
        kind = values.get("kind")
        score = values.get("score")
        if isinstance(kind, str) and isinstance(score, int) and not SCORE_MIN[kind] <= score <= SCORE_MAX[kind]:
            return _invalid_member("score", f"{kind} goes from {SCORE_MIN[kind]} to {SCORE_MAX[kind]}", members)
        return None

    def _out_of_range(self, event: Event, members: Members, timestamp_ms: int) -> Refusal | None:
        last_ms = (LATEST_MS if self._latest_ms is None else self._latest_ms) - 1
        by_record_ms = last_ms if self._latest_ms is not None else timestamp_ms + self._future_tolerance_ms
        for name, form in forms_of(type(event)).items():
            instant = getattr(event, name) if form == "instant" else None
            if instant is not None:
                if milliseconds(instant) < EARLIEST_MS:
                    return _refused(Reason.TIME_OUT_OF_RANGE, name, "lies before 2000-01-01", members)
                limit_ms = min(by_record_ms, last_ms) + (0 if name == "time" else EFFECTIVE_ALLOWANCE_MS)
                if milliseconds(instant) > limit_ms:
                    what = "lies too far in the future"
                    if by_record_ms >= last_ms:
                        what = f"must lie before {EPOCH + dt.timedelta(milliseconds=limit_ms + 1):%Y-%m-%dT%H:%M:%SZ}"
                    return _refused(Reason.TIME_OUT_OF_RANGE, name, what, members)
        return None

    def _foreign(self, event: Event) -> Refusal | None:
        currency = getattr(event, "currency", "")
        if currency and currency not in self._accepted_currencies:
            return Refusal(Reason.CURRENCY_MISMATCH, f"currency: there is no rate for {currency}")
        return None


def _fault_of_text(json: bytes) -> Refusal | None:
    try:
        json.decode()
    except UnicodeDecodeError as error:
        return Refusal(Reason.MALFORMED_JSON, f"not UTF-8 at byte {error.start}: {json[error.start : error.end]!r}")
    if is_nested_too_deeply(json):
        return Refusal(Reason.MALFORMED_JSON, f"nested deeper than {NESTING_MAX} levels")
    return None


def _complaint(value: object, form: Form | None) -> str | None:
    """Return what the rules beyond the structs have against a value of the right type, of a member with that form."""
    if value is None:
        return "must not be null"
    if not isinstance(value, str):
        return None
    if form == "slug" and not SLUG.fullmatch(value):
        return "must be a slug: a-z, 0-9, _ and -"
    if form == "country" and value not in COUNTRIES:
        return "must be two capital letters"
    if form == "currency" and not CURRENCY.fullmatch(value):
        return "must be three capital letters"
    if form == "label" and value in RESERVED_LABELS:
        return "is a reserved word"
    return None


def _required_members(event_type: type[Event]) -> tuple[str, ...]:
    required = {field.name for field in msgspec.structs.fields(event_type) if field.required}
    return tuple(name for name in event_type.OWN_MEMBERS if name in required)


def _member_readers(event_type: type[Event]) -> dict[str, msgspec.json.Decoder[object]]:
    return {field.name: msgspec.json.Decoder(field.type) for field in msgspec.structs.fields(event_type)}


def _is_answered(members: Members) -> bool:
    return "status" not in members or msgspec.json.decode(members["status"]) == "answered"


def _unknown_type(members: Members, event_type: type[Event] | None) -> Refusal | None:
    if event_type is not None:
        return None
    return _refused(Reason.UNKNOWN_TYPE, "type", "is none of the known types", members)


def _exact(raw: msgspec.Raw, form: Form | None) -> bytes:
    """Return a member's JSON; of an instant without leap second and with the decimals cut that msgspec would round."""
    if form != "instant":
        return bytes(raw)
    text = msgspec.json.decode(raw)
    return _write(without_surplus_decimals(without_leap_second(text))) if isinstance(text, str) else bytes(raw)


def _rebuilt(members: Members, event_type: type[Event]) -> Event:
    known, forms = {*event_type.__struct_fields__, "type"}, forms_of(event_type)
    exact = {name: msgspec.Raw(_exact(raw, forms.get(name))) for name, raw in members.items() if name in known}
    return msgspec.json.decode(_write(exact), type=event_type)


def _invalid_member(name: str, complaint: str, members: Members) -> Refusal:
    return _refused(Reason.INVALID_MEMBER, name, complaint, members)


def _refused(reason: Reason, name: str, complaint: str, members: Members) -> Refusal:
    return Refusal(reason, f"{name}: {complaint}; got {_shown(bytes(members[name]))}")


def _shown(json: bytes) -> str:
    text = json[: 4 * VALUE_SHOWN].decode(errors="replace")
    return text if len(text) <= VALUE_SHOWN else text[:VALUE_SHOWN] + "…"


def _shortened(refusal: Refusal) -> Refusal:
    return Refusal(refusal.reason, refusal.detail[:DETAIL_MAX])
