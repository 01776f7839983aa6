"""From records to events, at the speed of one tight loop.

The fast path is msgspec's tagged-union decoder plus a handful of set lookups; whatever it does not take, for whatever
reason, goes to `schemas.decoding.diagnosis`, which says what is wrong or reads it exactly. No record raises.
Source: docs/events.md.
"""

import re
from collections import Counter
from collections.abc import Generator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar, Union

import msgspec
import numpy as np
from numpy.typing import NDArray

from schemas.decoding.cut_values import CutValue
from schemas.decoding.diagnosis import Diagnosis, Readable
from schemas.decoding.rules import (
    COUNTRIES,
    CURRENCY,
    EARLIEST_MS,
    EFFECTIVE_ALLOWANCE_MS,
    LATEST_MS,
    NESTING_MAX,
    SCORES,
    SLUG,
)
from schemas.decoding.wire_formats import format_of
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.events import (
    EVENT_TYPES,
    OTHER_WAY,
    RESERVED_LABELS,
    Activity,
    Cancel,
    Downgrade,
    Event,
    Exposure,
    LifecycleEvent,
    Pause,
    Resume,
    Revoke,
    Signup,
    Survey,
    Upgrade,
    forms_of,
    signup_with,
)
from schemas.instants import DAY_MS, EPOCH, milliseconds
from schemas.refusals import Refusal

SLUGS_REMEMBERED: Final = 4_096
# A record this short cannot be nested deeper than the limit: each level takes two bytes, the required members more.
SHORT_BYTES: Final = 2 * NESTING_MAX

# A step of these is a few ms of usual records; of one that is as large as it may be, and made to be slow, about 0.1 s.
STEP_RECORDS: Final = 2_048
STEP_BYTES: Final = 512 * 1024

_find_surplus_decimals: Final = re.compile(rb"\.[0-9]{7}").search
_find_escaped_ascii: Final = re.compile(rb"\\u00[2-7]").search
_cut_surplus_decimals: Final = re.compile(
    rb'("(?:time|effective_at)"[ \t\r\n]*:[ \t\r\n]*"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:]{8}\.[0-9]{6})[0-9]+'
).sub

# Types whose members the loop judges itself, because they are frequent, as it does an exposure's two slugs. All that
# another type needs is its struct: where one of its members has a form, the diagnosis judges it, at a tenth of the
# speed.
_WRITTEN_OUT: Final = frozenset({Activity, Survey, Signup, Upgrade, Downgrade, Cancel, Pause, Resume, Revoke})
_JUDGED_OF_SIGNUP: Final = frozenset({"time", "effective_at", "plan", "currency", "country", "channel"})
# What a struct takes of such a member is right: only more than that is read.
_JUDGED_BY_STRUCT: Final = "id"
_NEVER_MS: Final = 2**63

R = TypeVar("R", bound=Readable)


class _UnclearError(ValueError):
    """The fast path leaves a record to the diagnosis."""


# UnicodeDecodeError and _UnclearError are ValueErrors.
_NOT_READ: Final = (msgspec.DecodeError, ValueError, RecursionError)


@dataclass(slots=True)
class Decoded(Generic[R]):
    """The decoded events of a batch; the first three lists are parallel and in the order of the records.

    Attributes:
        events: The events to apply, without test events.
        times: Their event times (ms since 1970, cut).
        records: The records that they came in.
        refused: The records that are not applied, each with the reason.
        tests: How many valid test events there were (count).
        mended: By the index of an event, its members that were mended; only events that have any.
    """

    events: MutableSequence[Event]
    times: list[int]
    records: MutableSequence[R]
    refused: list[tuple[R, Refusal]]
    tests: int = 0
    mended: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def pick(self, indices: Sequence[int]) -> None:
        """Keep the events at indices, in that order, with what is known of each."""
        self.events, self.times = self.part(indices)
        self.records = [self.records[index] for index in indices]
        if self.mended:
            self.mended = {n: self.mended[index] for n, index in enumerate(indices) if index in self.mended}

    def part(self, indices: Sequence[int]) -> tuple[MutableSequence[Event], list[int]]:
        """Return the events at indices, in that order, and their times."""
        return [self.events[index] for index in indices], [self.times[index] for index in indices]

    def put_in_order(self) -> None:
        """Sort events by their time, those of one time in the order of their records."""
        times = np.array(self.times, np.int64)
        if not (times[1:] >= times[:-1]).all():
            self.pick(np.argsort(times, kind="stable").tolist())

    def customers(self) -> list[str]:
        """Return the customers, each once, in the order of their first events."""
        return list(dict.fromkeys([event.customer_id for event in self.events]))

    def with_headers(self) -> list[int]:
        """Return the indices of events whose record has headers."""
        return [n for n, record in enumerate(self.records) if record.headers]

    def arrived_ms(self) -> NDArray[np.int64]:
        """Return the timestamps of the events' records (ms since 1970)."""
        return np.array([record.timestamp for record in self.records], np.int64)

    def latest_ms(self) -> int:
        """Return the latest event time (ms since 1970), 0 without any; of a scheduled fact when it was announced."""
        times = self.times
        for index, event in enumerate(self.events):
            if isinstance(event, LifecycleEvent) and event.effective_at is not None:
                times = times if times is not self.times else list(times)
                times[index] = milliseconds(event.time)
        return max(times, default=0)

    def feeds(self) -> Counter[tuple[str, str]]:
        """Return how many events there are by type and source."""
        counted = Counter((type(event), event.source) for event in self.events)
        found: Counter[tuple[str, str]] = Counter()
        for (kind, source), count in counted.items():
            found[kind.TYPE, source] += count
        return found


class DecodingLimits(NamedTuple):
    """The configuration of a decoder; see `Decoder`."""

    #: the members of a signup that are its values of dimensions, the plan apart
    labels: tuple[str, ...]
    #: with the default one
    currencies: Mapping[str, int]
    future_tolerance_ms: int
    #: the last instant that is not too late (ms since 1970)
    last_ms: int
    is_file: bool
    max_record_bytes: int


class Decoder:
    """Decodes batches of records by the rules of one configuration.

    Args:
        dimensions: Extra members of a signup; those that it has anyway may be among them.
        default_currency: Currency of events that name none (ISO 4217).
        currencies: Those with a rate to the default currency, each with the first instant that has one (ms since 1970).
        future_tolerance_ms: How far beyond a record's timestamp an event may lie (milliseconds).
        latest_ms: If set, the first instant that is too late, in place of the check against the record's timestamp
            (ms since 1970); for files. Live, the year 2100 is too late whatever that timestamp is.
        max_record_bytes: The largest value that is read (bytes).

    Raises:
        ValueError: a dimension or a currency is not of the right form.
    """

    def __init__(
        self,
        dimensions: Sequence[str] = (),
        default_currency: str = "USD",
        currencies: Mapping[str, int] = MappingProxyType({}),
        future_tolerance_ms: int = 3_600_000,
        latest_ms: int | None = None,
        max_record_bytes: int = 1_048_576,
    ) -> None:
        for currency in (default_currency, *currencies):
            if not CURRENCY.fullmatch(currency):
                raise ValueError(f"the currency {currency!r} must be three capital letters (ISO 4217)")
        own = tuple(name for name in dimensions if name not in BUILT_IN_DIMENSIONS)
        self.signup = signup_with(own)
        self._more_labels = _more_labels_of(self.signup)
        #: types that the loop says nothing of, and whose members the structs do not judge in full
        self._thorough = frozenset(
            event_type for event_type in EVENT_TYPES if event_type not in _WRITTEN_OUT and _has_more_forms(event_type)
        )
        self._lifecycle = frozenset({self.signup, *(each for each in EVENT_TYPES if issubclass(each, LifecycleEvent))})
        types = tuple(self.signup if event_type is Signup else event_type for event_type in EVENT_TYPES)
        self._read = msgspec.json.Decoder[Any](Union[types]).decode  # noqa: UP007 - built at run time
        accepted = {**currencies, default_currency: EARLIEST_MS}
        self._currencies = {**accepted, "": EARLIEST_MS}
        self._countries = COUNTRIES | {""}
        self._slugs = {"", "unspecified"}
        self._future_tolerance_ms = future_tolerance_ms
        self._last_ms = (LATEST_MS if latest_ms is None else latest_ms) - 1
        self._is_file = latest_ms is not None
        self._max_record_bytes = max_record_bytes
        self.limits = DecodingLimits(
            (*BUILT_IN_DIMENSIONS[1:], *own),
            accepted,
            future_tolerance_ms,
            self._last_ms,
            self._is_file,
            max_record_bytes,
        )
        self._diagnosis = Diagnosis(
            signup=self.signup,
            currencies=accepted,
            future_tolerance_ms=future_tolerance_ms,
            latest_ms=latest_ms,
            max_record_bytes=max_record_bytes,
        )

    def decode(self, records: Sequence[R]) -> Decoded[R]:
        """Return what the records say; never raises, whatever their bytes."""
        decoded: Decoded[R] = Decoded([], [], [], [])
        self._decode(records, _text_of(records), decoded)
        return decoded

    def decode_in_steps(self, records: Sequence[R]) -> Generator[None, None, Decoded[R]]:
        """Decode as `decode` does, and yield after each step of `STEP_RECORDS`, fewer where they are large."""
        decoded: Decoded[R] = Decoded([], [], [], [])
        left = [records[start : start + STEP_RECORDS] for start in range(0, len(records), STEP_RECORDS)]
        left.reverse()
        while left:
            part = left.pop()
            text = _text_of(part)
            if len(text) > STEP_BYTES and len(part) > 1:
                middle = len(part) // 2
                left += [part[middle:], part[:middle]]
                continue
            self._decode(part, text, decoded)
            yield
        return decoded

    def _decode(self, records: Sequence[R], text: bytes, decoded: Decoded[R]) -> None:
        """Add what records say, whose values together are `text`."""
        add_event, add_time, add_record = decoded.events.append, decoded.times.append, decoded.records.append
        read, signup, slugs, more_labels = self._read, self.signup, self._slugs, self._more_labels
        countries, rated_from_ms, lifecycle = self._countries, self._currencies.get, self._lifecycle
        tolerance_ms, is_file, thorough = self._future_tolerance_ms, self._is_file, self._thorough
        last_ms, inspect_all = self._last_ms, self._max_record_bytes < SHORT_BYTES or _needs_inspection(text)
        for record in records:
            json = record.value
            try:
                if record.headers or type(json) is not bytes or inspect_all or len(json) > SHORT_BYTES:
                    json = self._inspected(record, inspect_all)
                event = read(json)
                if inspect_all:
                    event = self._without_rounding(event, json)
                # `milliseconds`, written out: the call alone would cost a tenth of the whole.
                delta = event.time - EPOCH
                time_ms = delta.days * DAY_MS + delta.seconds * 1000 + delta.microseconds // 1000
                limit_ms = record.timestamp + tolerance_ms
                if is_file or limit_ms > last_ms:
                    limit_ms = last_ms
                good = EARLIEST_MS <= time_ms <= limit_ms
                kind = type(event)
                if kind is Activity:
                    good = good and (event.feature in slugs or self._is_slug(event.feature))
                elif kind is Survey:
                    good = good and event.score in SCORES[event.kind][event.status] and event.via != OTHER_WAY
                    good = good and (event.reason in slugs or self._is_slug(event.reason))
                elif kind in lifecycle:
                    if event.effective_at is not None:
                        time_ms = milliseconds(event.effective_at)
                        good = good and EARLIEST_MS <= time_ms <= limit_ms + EFFECTIVE_ALLOWANCE_MS
                    if kind is Cancel:
                        good = good and (event.reason in slugs or self._is_slug(event.reason))
                    elif kind is signup or kind is Upgrade or kind is Downgrade:
                        good = (
                            good
                            and event.plan not in RESERVED_LABELS
                            and rated_from_ms(event.currency, _NEVER_MS) <= time_ms
                        )
                        if kind is signup:
                            good = (
                                good
                                and event.country in countries
                                and event.channel not in RESERVED_LABELS
                                and not (more_labels and _has_reserved(event, more_labels))
                            )
                elif kind is Revoke:
                    event = _with_source(event, json)
                elif kind in thorough:
                    good = good and kind is Exposure and self._is_slug(event.measure) and self._is_slug(event.variant)
            except _NOT_READ:
                self._settle(record, decoded)
                continue
            if not good:
                self._settle(record, decoded)
            elif event.test:
                decoded.tests += 1
            else:
                add_event(event)
                add_time(time_ms)
                add_record(record)

    def _is_slug(self, text: str) -> bool:
        """Tell whether a text is a slug, and remember it."""
        if text in self._slugs:
            return True
        if not SLUG.fullmatch(text):
            return False
        if len(self._slugs) < SLUGS_REMEMBERED:
            self._slugs.add(text)
        return True

    def _inspected(self, record: Readable, look_at_text: bool) -> bytes:
        """Return the JSON of a record that may hold what msgspec alone would not read as documented.

        Raises:
            _UnclearError: the diagnosis has to say what it is.
            UnicodeDecodeError: it is not UTF-8.
        """
        json = record.value
        if not json or type(json) is CutValue or len(json) > self._max_record_bytes:
            raise _UnclearError
        wire_format = format_of(record.headers) if record.headers else None
        if wire_format is None or wire_format.HOLDS_JSON:
            if len(json) > SHORT_BYTES and _has_many_brackets(json):
                raise _UnclearError
            if look_at_text:
                _check_text(json)
        if wire_format is not None:
            json, fault = wire_format.translate(json, record.headers)
            if fault or _has_many_brackets(json):
                raise _UnclearError
            _check_text(json)
            if _find_surplus_decimals(json):
                json = _cut_surplus_decimals(rb"\1", json)
        return json

    def _without_rounding(self, event: Any, json: bytes) -> Any:
        """Return the event, read again where msgspec's rounding to microseconds may have changed a millisecond."""
        if event.time.microsecond % 1000 and getattr(event, "effective_at", None) is None:
            return event
        return self._read(_cut_surplus_decimals(rb"\1", json)) if _find_surplus_decimals(json) else event

    def _settle(self, record: R, decoded: Decoded[R]) -> None:
        """Let the diagnosis decide about a record that the fast path did not take."""
        verdict = self._diagnosis.examine(record)
        if isinstance(verdict, Refusal):
            decoded.refused.append((record, verdict))
            return
        if verdict.event.test:
            decoded.tests += 1
            return
        if verdict.mended:
            decoded.mended[len(decoded.events)] = verdict.mended
        decoded.events.append(verdict.event)
        decoded.times.append(verdict.at_ms)
        decoded.records.append(record)


def _more_labels_of(signup: type[Signup]) -> tuple[str, ...]:
    """Return the members of a signup that are judged as labels, beside those that the loop names."""
    more = {name: form for name, form in forms_of(signup).items() if name not in _JUDGED_OF_SIGNUP}
    assert set(more.values()) <= {"segment", _JUDGED_BY_STRUCT}, more
    return tuple(name for name, form in more.items() if form == "segment")


def _has_more_forms(event_type: type[Event]) -> bool:
    """Tell whether a type has members, beside its time, that its struct does not judge in full."""
    return any(form != _JUDGED_BY_STRUCT for name, form in forms_of(event_type).items() if name != "time")


def _has_reserved(event: Event, labels: tuple[str, ...]) -> bool:
    return any(getattr(event, name) in RESERVED_LABELS for name in labels)


def _with_source(event: Revoke, json: bytes) -> Revoke:
    """Return a revoke that says whether it names its source.

    Raises:
        _UnclearError: the name stands in the record, and may not be that of a member of the event.
    """
    if b'"source"' not in json:
        return msgspec.structs.replace(event, names_source=False)
    if event.source == Revoke.TOPIC or not event.names_source:
        raise _UnclearError
    return event


def _check_text(json: bytes) -> None:
    """Raise where a record is not UTF-8, or writes ASCII as escapes, which may hide the decimals of a time."""
    if _find_escaped_ascii(json):
        raise _UnclearError
    if not json.isascii():
        json.decode()


def _has_many_brackets(json: bytes) -> bool:
    return json.count(b"{") + json.count(b"[") > NESTING_MAX


def _text_of(records: Sequence[Readable]) -> bytes:
    """Return all values, one after the other."""
    return b"\n".join([record.value or b"" for record in records])


def _needs_inspection(text: bytes) -> bool:
    """Tell whether any record may hold invalid UTF-8, a time with surplus decimals, or escaped ASCII characters.

    One look at all bytes of a batch costs a tenth of a look at each record.
    """
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return True
    return _find_surplus_decimals(text) is not None or (b"\\" in text and _find_escaped_ascii(text) is not None)
