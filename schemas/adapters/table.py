"""A table of subscriptions: each row is one, from its start to its end, with plan and price.

The shape of most exports: a row says when a subscription began, what it costs, and when it ended if it has. A row is
known again by subscription and start (without such a column by start and plan), so that the next export of the same
table adds the ends that are new and changes nothing else.

Of a row that has a version all that may change is sent under it as `sequence`: what the newest version says counts.
Ends are ordered before whatever begins in the same instant, whatever their versions, as where a row of one plan is
followed by a row of the next.
Source: docs/adapters/table.md.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from schemas.adapters.adapter import Adapter, Members, OptionsFault, Translation
from schemas.adapters.cells import Moment
from schemas.adapters.columns import ROLES, normal_name
from schemas.adapters.options import read_options
from schemas.adapters.reading import IgnoredRecord, Node, SourceFault, translated
from schemas.adapters.subscription_rows import RowOptions, RowReader, SubscriptionRow
from schemas.instants import milliseconds, text_of_instant
from schemas.refusals import Reason

NAME: Final = "table"
_ENDS_FIRST: Final = -(2**62)
"""Added to the versions of ends; the other half of the integers that a sequence may be."""
_VERSION_MAX: Final = 2**62
_NEXT: Final = dt.timedelta(milliseconds=1)


class TableOptions(RowOptions, frozen=True, kw_only=True):
    """The options of a table: what differs between two of them.

    Attributes:
        exported_at: When the table was exported: the version of rows that have none, and the instant from which on
            what a row says is scheduled; a date, a date and time, or the text of one.
    """

    exported_at: Any = ""


def build(options: Mapping[str, Any]) -> Adapter:
    """Return the adapter; see `schemas.adapters.adapter.Builder`."""
    return SubscriptionTable(read_options(NAME, options, TableOptions))


class SubscriptionTable:
    """Translates rows of a table of subscriptions.

    Args:
        options: Of the table.

    Raises:
        OptionsFault: An option is wrong.
    """

    name = NAME

    def __init__(self, options: TableOptions) -> None:
        self._reader = RowReader(NAME, options)
        self._source = options.source or NAME
        self._exported_at = self._read_exported_at(options.exported_at)

    def _read_exported_at(self, value: Any) -> dt.datetime | None:
        text = value.isoformat() if isinstance(value, dt.date) else value
        try:
            moment = self._reader.cells.moment(Node({"exported_at": text}), "exported_at")
        except SourceFault as fault:
            raise OptionsFault(f"[{NAME}] {fault}") from fault
        return None if moment is None else moment.at

    def roles_of(self, columns: Iterable[str]) -> Mapping[str, str]:
        """Return the column of each thing that is read of a table, by what it is; for people to check."""
        return self._reader.columns.of(columns)

    def translate(self, value: bytes) -> Translation:
        """Return what a row says; see `schemas.adapters.adapter.Adapter`."""
        return translated(self.name, value, self._events)

    def _events(self, record: Node) -> Iterator[Members]:
        row = self._reader.read(record)
        if row.phase == "none":
            raise IgnoredRecord("a subscription that has not begun")
        end = self._checked_end(row, record)
        if row.start is None:
            raise record.missing("start", self._reader.columns.missing("start", record.members))
        if not row.price:
            raise self._reader.missing_price(record)
        yield from self._story(row, row.start, end)

    def _checked_end(self, row: SubscriptionRow, record: Node) -> Moment | None:
        columns = self._reader.columns.of(record.members)
        ended, status = columns.get("end", "end"), columns.get("status", "status")
        if row.end is None:
            if row.phase == "ended":
                raise record.missing(ended, f"is required where {status} says that the subscription has ended")
            if row.phase == "paused" and row.paused_at is None:
                advice = 'name the column of its start in columns.paused_at, or say statuses = {paused = "active"}'
                raise record.missing("paused_at", f"is required where {status} says paused; {advice}")
            return None
        if row.phase in ("active", "trial", "paused"):
            said = row.end == row.cancelled_at or normal_name(ended) in ROLES["cancelled_at"]
            not_read = (
                'columns.cancelled_at = "", and in columns.end the column of ends' if said else 'columns.end = ""'
            )
            fault = (
                f"{status} says that the subscription goes on, and {ended} that it ends: if that is the end of a paid"
                f' term, say {not_read}; if it is the end of the subscription, say columns.status = ""'
            )
            raise record.wrong(ended, fault)
        if row.start is not None and row.end.at < row.start.at:
            raise SourceFault(Reason.INVALID_MEMBER, ended, f"{row.end.text} must not lie before {row.start.text}")
        return row.end

    def _story(self, row: SubscriptionRow, start: Moment, end: Moment | None) -> Iterator[Members]:
        begun, version = start.at, self._version(row)
        name = f"{row.subscription}:{start.text}" if row.subscription else f"{start.text}:{row.price['plan']}"
        common: Members = {
            "source": self._source,
            "customer_id": row.customer,
            "subscription_id": row.subscription or name,
            **({"test": True} if row.test else {}),
        }
        told = {**common, **({} if version is None else {"sequence": version})}
        converted = row.trial_end.at if row.trial_end is not None and row.trial_end.at > begun else None
        trial = {"trial": True} if converted is not None or row.on_trial else {}
        yield {
            **told,
            "id": f"{name}:signup",
            "type": "signup",
            **self._times(begun),
            **row.price,
            **trial,
            **row.segments,
        }
        if converted is not None and (end is None or converted < end.at):
            times = self._times(converted, decided=begun)
            yield {**told, "id": f"{name}:conversion", "type": "upgrade", **times, **row.price}
        if row.paused_at is not None:
            name_of_pause = row.paused_at.text
            yield {**told, "id": f"{name}:pause:{name_of_pause}", "type": "pause", **self._times(row.paused_at.at)}
            if row.resumed_at is not None and row.resumed_at.at > row.paused_at.at:
                times = self._times(row.resumed_at.at)
                yield {**told, "id": f"{name}:resume:{name_of_pause}", "type": "resume", **times}
        closing = {**common, "id": f"{name}:end", **({} if version is None else {"sequence": version + _ENDS_FIRST})}
        if end is not None:
            # On its start it counts a millisecond later: of one instant the end of the row before comes first.
            at = max(end.at, begun + _NEXT)
            decided = at if row.cancelled_at is None else max(row.cancelled_at.at, begun)
            yield {**closing, "type": "cancel", **self._times(at, decided=decided), **row.ending}
        elif version is not None:
            # What takes back an end that an older version said, under the id of that end, and changes nothing itself.
            yield {**closing, "type": "upgrade", **self._times(begun + _NEXT), **row.price, **trial}

    def _version(self, row: SubscriptionRow) -> int | None:
        version = row.version
        if version is None and self._exported_at is not None:
            version = milliseconds(self._exported_at)
        return None if version is None else max(0, min(version, _VERSION_MAX - 1))

    def _times(self, at: dt.datetime, decided: dt.datetime | None = None) -> Members:
        """Return when something was decided, and when it takes effect if that is another instant.

        Args:
            at: When it takes effect.
            decided: When it was decided, if not then; by the time of the export all was that it says.
        """
        said = min(each for each in (at, decided, self._exported_at) if each is not None)
        return {"time": text_of_instant(said), **({"effective_at": text_of_instant(at)} if said != at else {})}
