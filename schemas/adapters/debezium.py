"""Debezium: changes of a table of subscriptions, as its connectors write them to Kafka.

A change says what a row was and what it is: what differs is what happened. A row that is read, by a snapshot or because
nothing is known of what it was, says only what it says of its past: its start, its end.

Two rules make repetitions, snapshots and disorder change nothing. What can be said again and again of one row (its
start, by each snapshot) has one id, and of all who say it the first counts: the `sequence` falls with the position in
the log. What a change says has an id with its position, or replaces what was said before: the `sequence` grows with it.
Source: Debezium, connector for PostgreSQL, section Data change events, and New Record State Extraction;
docs/adapters/debezium.md.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from schemas.adapters.adapter import Adapter, Members, OptionsFault, Translation
from schemas.adapters.cells import DayNumbers
from schemas.adapters.connect_values import Fields, fields_of, plain_row
from schemas.adapters.log_positions import position_of
from schemas.adapters.options import read_options
from schemas.adapters.reading import IgnoredRecord, Node, translated
from schemas.adapters.subscription_rows import Phase, RowOptions, RowReader, SubscriptionRow
from schemas.instants import EPOCH, milliseconds, text_of_instant

NAME: Final = "debezium"
_LIVE: Final[frozenset[Phase]] = frozenset({"trial", "active", "ending", "paused"})
_OPERATIONS: Final = frozenset({"c", "r", "u", "d"})
_SAYS_NOTHING: Final = {"t": "truncate", "m": "message"}
#: What *New Record State Extraction* puts before the members that it takes out of the envelope, and of its `source`.
_ADDED, _OF_SOURCE = "__", "__source_"
_FIELDS: Final = "op,source.ts_ms,source.lsn"
_FULL: Final = "for PostgreSQL set ALTER TABLE … REPLICA IDENTITY FULL, so that changes say what the row was"


class DebeziumOptions(RowOptions, frozen=True, kw_only=True):
    """The options of a table: what differs between two of them.

    Attributes:
        table: The table, as `schema.table` or `table`; changes of others are ignored. Empty reads all.
        deletes: Whether a row that is deleted while its subscription goes on ends it.
        scales: Digits after the point, by column, of decimals that are bytes in records without a schema.
    """

    # Connectors write decimals as texts with a point, and dates without a schema as days since 1970.
    decimal_comma: bool | None = False
    day_numbers: DayNumbers | None = "epoch"
    table: str = ""
    deletes: Literal["cancel", "ignore"] = "cancel"
    scales: dict[str, int] = msgspec.field(default_factory=dict)


class RowChange(NamedTuple):
    """A change of one row.

    Attributes:
        at: When it was committed (UTC).
        position: Where it stands in the log.
    """

    at: dt.datetime
    position: int

    @property
    def text(self) -> str:
        """Its instant as events have it."""
        return text_of_instant(self.at)


class RowImage(NamedTuple):
    """A row, and what its subscription is by it at the time of a change."""

    row: SubscriptionRow
    phase: Phase

    @property
    def is_live(self) -> bool:
        """Tell whether the subscription has begun and not ended."""
        return self.phase in _LIVE

    @property
    def end(self) -> dt.datetime | None:
        """The end that counts: of a subscription that goes on by its status the end of a paid term is none."""
        if self.row.end is None or self.row.phase in ("active", "trial", "paused", "none"):
            return None
        return self.row.end.at

    @property
    def trial(self) -> Members:
        """The member of a signup or change that says whether it is on trial."""
        return {"trial": True} if self.phase == "trial" else {}


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    return Debezium(read_options(NAME, options, DebeziumOptions))


class Debezium:
    """Translates changes of a table of subscriptions.

    Args:
        options: Of the table.

    Raises:
        OptionsFault: An option is wrong.
    """

    name = NAME

    def __init__(self, options: DebeziumOptions) -> None:
        self._options = options
        self._reader = RowReader(NAME, options, local_numbers=True)
        self._source = options.source or NAME
        for column, scale in options.scales.items():
            if not 0 <= scale <= 38:
                raise OptionsFault(f"[{NAME}] scales.{column}: {scale} is none; write digits after the point, 0 to 38")

    def translate(self, value: bytes) -> Translation:
        """Return what a change says; see `schemas.adapters.adapter.Adapter`."""
        if value.strip() in (b"", b"null"):
            return Translation(ignored="tombstone")
        return translated(self.name, value, self._events)

    def _events(self, record: Node) -> Iterator[Members]:
        schema: Any = None
        if record.get("payload") is not None and record.get("op") is None:
            schema, record = record.get("schema"), record.object("payload")
        if record.get("op") is None and any(name.startswith(_ADDED) for name in record.members):
            yield from self._of_extracted(record, schema)
            return
        operation = record.optional_text("op")
        if not operation:
            raise IgnoredRecord(_kind_of(record))
        if operation in _SAYS_NOTHING:
            raise IgnoredRecord(_SAYS_NOTHING[operation])
        if operation not in _OPERATIONS:
            raise record.wrong("op", f"must be one of {', '.join(sorted(_OPERATIONS))}")
        source = record.object("source")
        self._check_table(source)
        at = _instant_of(source) or _instant_of(record)
        if at is None:
            raise source.missing("ts_ms")
        change = RowChange(at, position_of(source, record.optional_object("transaction"), milliseconds(at)))
        before = self._row(record, "before", fields_of(schema, "before"))
        after = self._row(record, "after", fields_of(schema, "after"))
        yield from self._told(operation, before, after, change)

    def _of_extracted(self, record: Node, schema: Any) -> Iterator[Members]:
        """Yield the events of a record of which a transformation has left the row, and `__` members of the change."""
        deleted = record.get("__deleted") in (True, "true")
        operation = record.optional_text("__op") or ("d" if deleted else "u")
        if operation not in _OPERATIONS:
            raise IgnoredRecord(operation[:16])
        source = Node(_without(_OF_SOURCE, record))
        envelope = Node(_without(_ADDED, record))
        said = Node({**envelope.members, **source.members})
        self._check_named(said)
        # The envelope's time is that of the connector, which may be hours after the change.
        at = _instant_of(source) or _instant_of(envelope)
        if at is None:
            raise record.missing("__source_ts_ms", f"is required: set add.fields={_FIELDS}")
        change = RowChange(at, position_of(said, None, milliseconds(at)))
        members = {name: value for name, value in record.members.items() if not name.startswith(_ADDED)}
        row = plain_row(Node(members), fields_of(schema), self._options.scales)
        yield from self._told("d" if deleted else operation, row if deleted else None, None if deleted else row, change)

    def _row(self, record: Node, part: str, fields: Fields) -> Node | None:
        found = record.optional_object(part)
        return None if found is None else plain_row(found, fields, self._options.scales)

    def _check_named(self, said: Node) -> None:
        """Refuse a record that does not say of which table it is, where the options name one; see `_check_table`."""
        table = self._options.table
        place = bool(said.get("schema") or said.get("db"))
        if table and not (said.get("table") and (place or "." not in table)):
            advice = f"set add.fields={_FIELDS},source.schema,source.table, of MySQL source.db"
            raise said.missing("__source_table", f"is required where the option table is set: {advice}")
        if table:
            self._check_table(said)

    def _check_table(self, source: Node) -> None:
        table = source.optional_text("table")
        if self._options.table in (
            "",
            table,
            f"{source.optional_text('schema')}.{table}",
            f"{source.optional_text('db')}.{table}",
        ):
            return
        raise IgnoredRecord(f"of the table {table}, not {self._options.table}")

    def _told(self, operation: str, before: Node | None, after: Node | None, change: RowChange) -> Iterator[Members]:
        if operation == "d":
            yield from self._deleted(before, change)
            return
        if after is None:
            raise Node({}).missing("after", "is required of a change that is no delete")
        now = self._image(after, change)
        was = (
            self._image(before, change) if operation == "u" and before is not None and self._is_whole(before) else None
        )
        story = _Story(self._common(now), change)
        if was is None:
            yield from _beginning(story, now)
            if operation == "u":
                yield from _state(story, now)
            return
        if was.row.customer != now.row.customer:
            if was.is_live:
                yield from _Story(self._common(was), change).cancel_now(was, "moved")
            if now.is_live:
                yield story.said("signup", "signup", {**now.row.price, **now.trial, **now.row.segments})
            return
        yield from _difference(story, was, now)

    def _deleted(self, before: Node | None, change: RowChange) -> Iterator[Members]:
        if self._options.deletes == "ignore":
            raise IgnoredRecord("delete")
        if before is None or not self._is_whole(before):
            if before is not None and self._lacks_column(before):
                self._reader.key(before)  # it says which column there is not
            raise (before or Node({}, "before")).missing(
                "customer", f"is not in what the row was: {_FULL}; or ignore deletes"
            )
        was = self._image(before, change)
        if not was.is_live:
            raise IgnoredRecord("delete of a row whose subscription had ended")
        yield from _Story(self._common(was), change).cancel_now(was, "delete")

    def _lacks_column(self, before: Node) -> bool:
        """Tell whether a row holds more than its key, and no column of the customer, with a value or without one."""
        columns = self._reader.columns.of(before.members)
        more = (name for name in before.members if name != columns.get("subscription"))
        has_more = any(self._reader.cells.has_value(before, name) for name in more)
        return has_more and columns.get("customer", "") not in before.members

    def _is_whole(self, before: Node) -> bool:
        """Tell whether a row is there with more than its key."""
        column = self._reader.columns.of(before.members).get("customer", "")
        return self._reader.cells.has_value(before, column) or "customer" in self._options.defaults

    def _image(self, row: Node, change: RowChange) -> RowImage:
        read = self._reader.read(row)
        image = RowImage(read, _phase_of(read, change.at))
        if image.is_live and not read.price:
            raise self._reader.missing_price(row)
        return image

    def _common(self, image: RowImage) -> Members:
        return {
            "source": self._source,
            "customer_id": image.row.customer,
            **({"subscription_id": image.row.subscription} if image.row.subscription else {}),
            **({"test": True} if image.row.test else {}),
        }


class _Story:
    """Events of one change.

    Args:
        common: Members that all of them have.
        change: That they are of.
    """

    def __init__(self, common: Members, change: RowChange) -> None:
        self.change = change
        self._common = common
        self._key = common.get("subscription_id", "")

    def said(self, kind: str, what: str, members: Members, at: dt.datetime | None = None) -> Members:
        """Return an event that this change alone says, at its own time or at another."""
        return self._event(kind, f"{self._key}:{self.change.position}:{what}", self.change.position, members, at)

    def first(self, kind: str, what: str, members: Members, at: dt.datetime | None = None) -> Members:
        """Return an event that others may say too, of whom the first counts."""
        return self._event(kind, f"{self._key}:{what}", -self.change.position, members, at)

    def last(self, kind: str, what: str, members: Members, at: dt.datetime | None = None) -> Members:
        """Return an event that others may say too, of whom the last counts, and which goes before all firsts."""
        return self._event(kind, f"{self._key}:{what}", self.change.position, members, at)

    def _event(self, kind: str, name: str, sequence: int, members: Members, at: dt.datetime | None) -> Members:
        instant = self.change.at if at is None else at
        # What lies in the future is scheduled: it is said now, and takes effect then.
        times: Members = {"time": text_of_instant(min(instant, self.change.at))}
        if instant > self.change.at:
            times["effective_at"] = text_of_instant(instant)
        return {**self._common, "id": name, "type": kind, "sequence": sequence, **times, **members}

    def cancel_now(self, image: RowImage, what: str) -> Iterator[Members]:
        """Yield the end of a subscription by the change itself."""
        yield self.said("cancel", what, image.row.ending)


def _beginning(story: _Story, now: RowImage) -> Iterator[Members]:
    """Yield what a row says of its past and of what is scheduled, however often it is read."""
    row = now.row
    if now.phase == "none":
        raise IgnoredRecord("a subscription that has not begun")
    if not row.price or (now.phase == "ended" and now.end is None):
        raise IgnoredRecord("a subscription that has ended, of which the row does not say when, or at which price")
    begun = story.change.at if row.start is None else min(row.start.at, story.change.at)
    converted = _conversion(now, begun, story.change.at)
    trial = {"trial": True} if converted is not None else now.trial
    yield story.first("signup", "signup", {**row.price, **trial, **row.segments}, begun)
    if converted is not None:
        yield story.first("upgrade", f"conversion:{text_of_instant(converted)}", row.price, converted)
    if now.phase == "paused":
        yield _pause(story, now)
    if now.end is not None:
        yield story.first("cancel", f"end:{text_of_instant(now.end)}", row.ending, max(now.end, begun))


def _conversion(now: RowImage, begun: dt.datetime, at: dt.datetime) -> dt.datetime | None:
    """Return when a trial became, or is to become, a paid subscription; None where the row does not say."""
    trial_end = None if now.row.trial_end is None else now.row.trial_end.at
    if trial_end is None or trial_end <= begun or (now.end is not None and trial_end >= now.end):
        return None
    if now.row.phase is None:
        return trial_end
    # Where there is a status, it says when the trial is over; what is past, only the row still knows.
    return trial_end if trial_end <= at and now.phase != "trial" else None


def _state(story: _Story, now: RowImage) -> Iterator[Members]:
    """Yield what a row is at the time of a change, where nothing is known of what it was."""
    if now.phase == "ended":
        if now.end is None:
            yield from story.cancel_now(now, "cancel")
        return
    yield story.said("signup", "state", {**now.row.price, **now.trial, **now.row.segments})
    if now.phase == "paused":
        yield story.said("pause", "pause", {})


def _difference(story: _Story, was: RowImage, now: RowImage) -> Iterator[Members]:
    """Yield what happened between what a row was and what it is."""
    if now.is_live and was.phase == "none":
        yield from _beginning(story, now)
    elif now.is_live and not was.is_live:
        yield story.said("signup", "signup", {**now.row.price, **now.trial, **now.row.segments})
        yield from _ends(story, None, now)
    elif now.is_live:
        yield from _changes(story, was, now)
    elif was.is_live:
        yield from _ended(story, was, now)
    elif was.phase == now.phase == "ended" and now.end is not None:
        if (was.end, was.row.ending) == (now.end, now.row.ending):
            raise IgnoredRecord("a change of nothing that is counted")
        yield story.last("cancel", f"end:{text_of_instant(now.end)}", now.row.ending, now.end)
        if was.end not in (None, now.end):
            yield story.last("cancel", f"end:{text_of_instant(was.end)}", now.row.ending, now.end)
    else:
        raise IgnoredRecord("a change of a subscription that has ended, or not begun")


def _changes(story: _Story, was: RowImage, now: RowImage) -> Iterator[Members]:
    """Yield what happened to a subscription that goes on."""
    events = [*_other_price(story, was, now), *_other_pause(story, was, now), *_ends(story, was, now)]
    if not events:
        raise IgnoredRecord("a change of nothing that is counted")
    yield from events


def _other_price(story: _Story, was: RowImage, now: RowImage) -> Iterator[Members]:
    if was.phase == "trial" and now.phase != "trial":
        trial_end = now.row.trial_end or was.row.trial_end
        if trial_end is None:
            yield story.said("upgrade", "conversion", now.row.price)
        else:
            yield story.last("upgrade", f"conversion:{trial_end.text}", now.row.price)
    elif was.row.price != now.row.price or was.trial != now.trial:
        yield story.said("upgrade", "change", {**now.row.price, **now.trial})
    if now.row.phase is None and was.row.trial_end != now.row.trial_end:
        # Without a status nothing else will say that the trial is over: it is scheduled anew.
        if was.row.trial_end is not None and was.row.trial_end.at > story.change.at:
            what = f"conversion:{was.row.trial_end.text}"
            yield story.last("upgrade", what, {**now.row.price, **now.trial})
        if now.row.trial_end is not None and now.row.trial_end.at > story.change.at:
            what = f"conversion:{now.row.trial_end.text}"
            yield story.last("upgrade", what, now.row.price, now.row.trial_end.at)


def _other_pause(story: _Story, was: RowImage, now: RowImage) -> Iterator[Members]:
    if now.phase == "paused" and was.phase != "paused":
        yield _pause(story, now)
    if was.phase == "paused" and now.phase != "paused":
        resumed = None if now.row.resumed_at is None else now.row.resumed_at.at
        paused = None if was.row.paused_at is None else was.row.paused_at.at
        at = resumed if resumed is not None and (paused is None or resumed > paused) else None
        yield story.said("resume", "resume", {}, at)


def _pause(story: _Story, now: RowImage) -> Members:
    if now.row.paused_at is None:
        return story.said("pause", "pause", {})
    return story.first("pause", f"pause:{now.row.paused_at.text}", {}, now.row.paused_at.at)


def _ends(story: _Story, was: RowImage | None, now: RowImage) -> Iterator[Members]:
    """Yield an end that is scheduled, and in the place of one that is not any more a change that changes nothing.

    Under the id of an end that is withdrawn the last word counts; were it revoked, the same end could not be scheduled
    again.
    """
    before = None if was is None else was.end
    if before == now.end:
        return
    if before is not None:
        yield story.last("upgrade", f"end:{text_of_instant(before)}", {**now.row.price, **now.trial})
    if now.end is not None:
        yield story.last("cancel", f"end:{text_of_instant(now.end)}", now.row.ending, now.end)


def _ended(story: _Story, was: RowImage, now: RowImage) -> Iterator[Members]:
    if now.end is None:
        yield from story.cancel_now(now, "cancel")
        return
    yield story.last("cancel", f"end:{text_of_instant(now.end)}", now.row.ending, now.end)
    if was.end not in (None, now.end):
        yield story.last("cancel", f"end:{text_of_instant(was.end)}", now.row.ending, now.end)


def _phase_of(row: SubscriptionRow, at: dt.datetime) -> Phase:
    """Return what a subscription is at an instant, by its status, and without one by its dates."""
    if row.phase is not None:
        return row.phase
    if row.start is not None and row.start.at > at:
        return "none"
    if row.end is not None and row.end.at <= at:
        return "ended"
    if row.paused_at is not None and (row.resumed_at is None or row.resumed_at.at < row.paused_at.at):
        return "paused"
    if row.on_trial or (row.trial_end is not None and row.trial_end.at > at):
        return "trial"
    return "active" if row.end is None else "ending"


def _instant_of(node: Node) -> dt.datetime | None:
    """Return the time of a change, by the finest of its members."""
    for name, parts in (("ts_us", 1), ("ts_ms", 1000)):
        count = node.optional_integer(name)
        if count is not None:
            try:
                return EPOCH + dt.timedelta(microseconds=count * parts)
            except OverflowError as error:
                raise node.wrong(name, "must be an instant") from error
    return None


def _without(prefix: str, record: Node) -> Members:
    """Return the members of a record whose names have a prefix, under names without it."""
    return {name.removeprefix(prefix): value for name, value in record.members.items() if name.startswith(prefix)}


def _kind_of(record: Node) -> str:
    if record.get("ddl") is not None or record.get("tableChanges") is not None:
        return "schema change"
    if record.get("status") in ("BEGIN", "END"):
        return "transaction"
    if record.members.keys() <= {"ts_ms", "ts_us", "ts_ns"} and record.members:
        return "heartbeat"
    raise record.missing("op", "is required; is this a change event of Debezium?")
