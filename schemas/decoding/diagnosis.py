"""Diagnosis of a record that the fast path did not take: the first reason of the closed list that applies.

Slow and thorough: it reads the members one by one, in the order of docs/events.md. It also accepts what the fast path
does not read, or not exactly: members that are mended, integers as ids, `null`, prices by amount, a member given twice,
an escaped, odd or very fine time, JSON in the framing of Confluent's serializers. Both paths agree on every record.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from schemas.currencies import CURRENCY_CODES, code_meant
from schemas.decoding.cut_values import CutValue, whole_size
from schemas.decoding.framing import unframed
from schemas.decoding.members import WrongMemberError, readers_of, text_in
from schemas.decoding.mending import MENDERS, is_mended
from schemas.decoding.prices import mrr_of
from schemas.decoding.rules import EARLIEST_MS, EFFECTIVE_ALLOWANCE_MS, LATEST_MS, NESTING_MAX, is_nested_too_deeply
from schemas.decoding.wire_formats import format_of
from schemas.events import (
    COMMON_MEMBERS,
    EVENT_TYPES,
    MRR_MINOR_MAX,
    PRICE_BY_AMOUNT,
    REQUIRED_MEMBERS,
    SCORE_MAX,
    SCORE_MIN,
    Event,
    PricedEvent,
    Revoke,
    Signup,
    common_members,
    forms_of,
    required_members,
)
from schemas.instants import EPOCH, milliseconds
from schemas.member_forms import choices_of, form_in_words
from schemas.refusals import ORDER, Reason, Refusal
from schemas.wording import in_words, nearest, nearest_name

VALUE_SHOWN: Final = 64
DETAIL_MAX: Final = 300
# Names that are looked at for what may have been meant; a record made to be slow has a hundred thousand.
NAMES_COMPARED: Final = 16
NAME_COMPARED_CHARACTERS: Final = 32

Members = dict[str, bytes]
_read_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_NULL: Final = b"null"


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


class Accepted(NamedTuple):
    """An event as it is applied.

    Attributes:
        event: The event.
        at_ms: Its event time (ms since 1970).
        mended: The members that were mended, in the order of its type.
    """

    event: Event
    at_ms: int
    mended: tuple[str, ...] = ()


class Diagnosis:
    """Judges one record at a time, by the rules of one configuration.

    Args:
        signup: The signup struct, with the configured dimensions.
        currencies: The default currency and those with a rate, each with the first instant that has one (ms since
            1970).
        future_tolerance_ms: How far beyond a record's timestamp an event may lie (milliseconds).
        latest_ms: If set, the first instant that is too late, whatever the record's timestamp (ms since 1970); else the
            record's timestamp decides, and nothing is later than the year 2099.
        max_record_bytes: The largest value that is read (bytes).
    """

    def __init__(
        self,
        *,
        signup: type[Signup],
        currencies: Mapping[str, int],
        future_tolerance_ms: int,
        latest_ms: int | None,
        max_record_bytes: int,
    ) -> None:
        self._currencies = currencies
        self._future_tolerance_ms = future_tolerance_ms
        self._latest_ms = latest_ms
        self._max_record_bytes = max_record_bytes
        types: list[type[Event]] = [signup if event_type is Signup else event_type for event_type in EVENT_TYPES]
        self._types = {event_type.TYPE: event_type for event_type in types}
        self._required = {event_type.TYPE: _required_members(event_type) for event_type in types}
        self._readers = {event_type.TYPE: readers_of(event_type) for event_type in types}
        self._known = {*COMMON_MEMBERS, *(name for event_type in types for name in event_type.OWN_MEMBERS)}

    def examine(self, record: Readable) -> Accepted | Refusal:
        """Return the event, or the first reason to refuse the record."""
        json = record.value
        wire_format = format_of(record.headers) if record.headers else None
        fault = self._fault_of_size(json)
        if json and not fault and wire_format is None:
            json = unframed(json)
        if json and not fault and (wire_format is None or wire_format.HOLDS_JSON):
            fault = _fault_of_text(json)
        if fault:
            return fault
        assert json, "what is empty is a fault"
        if wire_format is not None:
            json, fault = wire_format.translate(json, record.headers)
            if fault and (not json or fault.reason is Reason.MALFORMED_JSON):
                return _shortened(fault)
            fault_of_data = self._fault_of_size(json) or _fault_of_text(json)
            if fault_of_data:
                return fault_of_data
        verdict = self._judge(json, record.timestamp)
        if fault and (not isinstance(verdict, Refusal) or ORDER[fault.reason] <= ORDER[verdict.reason]):
            return _shortened(fault)
        return _shortened(verdict) if isinstance(verdict, Refusal) else verdict

    def _fault_of_size(self, json: bytes | None) -> Refusal | None:
        if json is None:
            return Refusal(Reason.MALFORMED_JSON, "the record has no value (a tombstone)")
        if whole_size(json) > self._max_record_bytes or isinstance(json, CutValue):
            return Refusal(Reason.OVERSIZED, f"{whole_size(json)} bytes; the limit is {self._max_record_bytes}")
        if not json:
            return Refusal(Reason.MALFORMED_JSON, "the value is empty")
        return None

    def _judge(self, json: bytes, timestamp_ms: int) -> Accepted | Refusal:
        try:
            found = _read_members(json)
        except (msgspec.DecodeError, RecursionError) as error:
            return Refusal(Reason.MALFORMED_JSON, f"{error}: {_shown(json)}")
        members = {name: bytes(raw) for name, raw in found.items() if name in self._known}
        members = {name: raw for name, raw in members.items() if raw != _NULL}
        name = text_in(members["type"]) if "type" in members else None
        event_type = None if name is None else self._types.get(name)
        fault = self._missing(members, event_type, found.keys())
        if fault:
            return fault
        if event_type is None:
            hint = nearest_name(name[:VALUE_SHOWN], tuple(self._types)) if name else ""
            return _refused(Reason.UNKNOWN_TYPE, "type", f"must be one of {', '.join(self._types)}", members, hint)
        event = self._read(members, event_type)
        if isinstance(event, Refusal):
            return event
        return self._out_of_range(event.event, members, timestamp_ms) or self._foreign(event) or event

    def _missing(self, members: Members, event_type: type[Event] | None, sent: Collection[str]) -> Refusal | None:
        of_type = None if event_type is None else required_members(event_type) + self._required[event_type.TYPE]
        required = of_type or REQUIRED_MEMBERS
        for name in required:
            if name not in members:
                return _missed(name, "is required", event_type, sent)
        if event_type is None:
            return None
        if event_type is self._types["survey"] and "score" not in members and _is_answered(members):
            return _missed("score", "is required when the survey is answered", event_type, sent)
        if issubclass(event_type, PricedEvent):
            if "mrr_minor" not in members and "amount_minor" not in members:
                return _missed("mrr_minor", "it or amount_minor with interval is required", event_type, sent)
            if "amount_minor" in members and "interval" not in members:
                return _missed("interval", "is required with amount_minor", event_type, sent)
        return None

    def _read(self, members: Members, event_type: type[Event]) -> Accepted | Refusal:
        readers, forms = self._readers[event_type.TYPE], forms_of(event_type)
        values: dict[str, Any] = {}
        mended = []
        for name in (*common_members(event_type), *event_type.OWN_MEMBERS):
            raw = members.get(name)
            if raw is None or name == "type":
                continue
            form = forms.get(name)
            mend = MENDERS.get(form) if form else None
            if form and mend:
                sent = text_in(raw)
                kept = None if sent is None else mend(sent)
                if is_mended(form, sent, kept):
                    mended.append(name)
                if kept is not None:
                    values[name] = kept
                continue
            try:
                values[name] = readers[name](raw)
            except WrongMemberError:
                return _invalid(name, members, event_type)
        fault = _fault_of_score(values, members) or _settle_price(values, members, event_type)
        if fault:
            return fault
        if event_type is Revoke:
            values["names_source"] = "source" in values
        event = event_type(**values)
        return Accepted(event, milliseconds(getattr(event, "effective_at", None) or event.time), tuple(mended))

    def _out_of_range(self, event: Event, members: Members, timestamp_ms: int) -> Refusal | None:
        last_ms = (LATEST_MS if self._latest_ms is None else self._latest_ms) - 1
        by_record_ms = last_ms if self._latest_ms is not None else timestamp_ms + self._future_tolerance_ms
        for name, form in forms_of(type(event)).items():
            instant = getattr(event, name) if form == "instant" else None
            if instant is None:
                continue
            at_ms = milliseconds(instant)
            limit_ms = min(by_record_ms, last_ms) + (0 if name == "time" else EFFECTIVE_ALLOWANCE_MS)
            if at_ms < EARLIEST_MS:
                return _refused(Reason.TIME_OUT_OF_RANGE, name, "must not lie before 2000-01-01T00:00:00Z", members)
            if at_ms > limit_ms:
                what = f"must not lie after {_written(limit_ms)}"
                if by_record_ms < last_ms:
                    what += ", by the record's timestamp and future_tolerance_seconds"
                return _refused(Reason.TIME_OUT_OF_RANGE, name, what, members)
        return None

    def _foreign(self, accepted: Accepted) -> Refusal | None:
        currency = getattr(accepted.event, "currency", "")
        since_ms = self._currencies.get(currency) if currency else accepted.at_ms
        if since_ms is not None and since_ms <= accepted.at_ms:
            return None
        if since_ms is None and currency not in CURRENCY_CODES:
            meant = code_meant(currency, self._currencies)
            advice = "send the currency's code, such as EUR" if meant is None else f"did you mean {meant}?"
            what = f'must be a code of ISO 4217; got "{currency}"'
            return Refusal(Reason.CURRENCY_MISMATCH, f"currency: {what}; {advice}")
        what = f"there is no rate for {currency}"
        if since_ms is not None:
            what = f"the first rate for {currency} holds from {_written(since_ms)}, and the event is of "
            what += _written(accepted.at_ms)
        return Refusal(Reason.CURRENCY_MISMATCH, f"currency: {what}; add one to the setting currency_rates")


def _fault_of_text(json: bytes) -> Refusal | None:
    try:
        json.decode()
    except UnicodeDecodeError as error:
        return Refusal(Reason.MALFORMED_JSON, f"not UTF-8 at byte {error.start}: {json[error.start : error.end]!r}")
    if is_nested_too_deeply(json):
        return Refusal(Reason.MALFORMED_JSON, f"nested deeper than {NESTING_MAX} levels")
    return None


def _required_members(event_type: type[Event]) -> tuple[str, ...]:
    """Return the members of its own that a type needs, but for the price, which has two forms."""
    required = {field.name for field in msgspec.structs.fields(event_type) if field.required} - {"mrr_minor"}
    return tuple(name for name in event_type.OWN_MEMBERS if name in required)


def _is_answered(members: Members) -> bool:
    return "status" not in members or text_in(members["status"]) == "answered"


def _fault_of_score(values: Mapping[str, Any], members: Members) -> Refusal | None:
    kind, score = values.get("kind"), values.get("score")
    if kind is None or score is None or SCORE_MIN[kind] <= score <= SCORE_MAX[kind]:
        return None
    what = f"must be an integer from {SCORE_MIN[kind]} to {SCORE_MAX[kind]}, for {kind}"
    return _refused(Reason.INVALID_MEMBER, "score", what, members)


def _settle_price(values: dict[str, Any], members: Members, event_type: type[Event]) -> Refusal | None:
    """Put the MRR in place of a price by amount; return what is wrong with the price, if anything."""
    if not issubclass(event_type, PricedEvent):
        return None
    by_amount = {name: values.pop(name) for name in PRICE_BY_AMOUNT if name in values}
    if not by_amount:
        return None
    if "mrr_minor" in values:
        what = f"must not come together with {in_words(by_amount)}; leave out the one or the other"
        return _refused(Reason.INVALID_MEMBER, "mrr_minor", what, members)
    values["mrr_minor"] = mrr_of(**by_amount)
    if values["mrr_minor"] > MRR_MINOR_MAX:
        what = f"must come to at most {MRR_MINOR_MAX} a month"
        return _refused(Reason.INVALID_MEMBER, "amount_minor", what, members)
    return None


def _missed(name: str, what: str, event_type: type[Event] | None, sent: Collection[str]) -> Refusal:
    """Return the refusal of a record without a member, with the name under which it may have been sent."""
    if name in sent:
        return Refusal(Reason.MISSING_MEMBER, f"{name}: {what}, and null is no value")
    known = {*COMMON_MEMBERS} if event_type is None else {*common_members(event_type), *event_type.OWN_MEMBERS}
    others = [other for other in sent if len(other) <= NAME_COMPARED_CHARACTERS and other not in known]
    close = _nearest(name, tuple(others[:NAMES_COMPARED]))
    hint = f"; there is {close}: did you mean {name}?" if close else ""
    return Refusal(Reason.MISSING_MEMBER, f"{name}: {what}{hint}")


# A producer makes the same mistake again and again.
@lru_cache(maxsize=256)
def _nearest(name: str, others: tuple[str, ...]) -> str | None:
    return nearest(name, others)


def _invalid(name: str, members: Members, event_type: type[Event]) -> Refusal:
    sent = text_in(members[name])
    choices = choices_of(event_type, name)
    hint = nearest_name(sent[:VALUE_SHOWN], choices) if sent and choices else ""
    return _refused(Reason.INVALID_MEMBER, name, f"must be {form_in_words(event_type, name)}", members, hint)


def _refused(reason: Reason, name: str, complaint: str, members: Members, hint: str = "") -> Refusal:
    return Refusal(reason, f"{name}: {complaint}; got {_shown(members[name])}{hint}")


def _shown(json: bytes) -> str:
    text = json[: 4 * VALUE_SHOWN].decode(errors="replace")
    return text if len(text) <= VALUE_SHOWN else text[:VALUE_SHOWN] + "…"


def _written(at_ms: int) -> str:
    try:
        return (EPOCH + dt.timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:  # the timestamp of a record may be any number
        return f"{at_ms} ms since 1970"


def _shortened(refusal: Refusal) -> Refusal:
    return Refusal(refusal.reason, refusal.detail[:DETAIL_MAX])
