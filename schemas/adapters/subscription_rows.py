"""A row of a table of subscriptions, read: whom it is about, plan and price, from when to when.

What it comes to as events, each source that has such rows says: `schemas.adapters.table`, `schemas.adapters.debezium`.
Source: docs/adapters/table.md.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, get_args

import msgspec

from schemas.adapters.accounts import check_dimensions, check_plan, check_plans
from schemas.adapters.adapter import Members, OptionsFault
from schemas.adapters.cell_prices import price_of
from schemas.adapters.cells import (
    Amount,
    CellReader,
    Currency,
    DayNumbers,
    Moment,
    Money,
    date_format_of,
    interval_in,
    zone_of,
)
from schemas.adapters.columns import ROLES, Columns, holds_minor_units
from schemas.adapters.describing import described
from schemas.adapters.reading import Node
from schemas.wording import nearest_name

Phase = Literal["none", "trial", "active", "ending", "paused", "ended"]
"""What a subscription is: not begun, and then as its status says; `ending` is active until an end that is known."""
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
_STATUSES: Final[Mapping[str, Phase]] = MappingProxyType({
    **dict.fromkeys(("none", "incomplete", "incomplete_expired", "pending", "draft", "future", "scheduled"), "none"),
    **dict.fromkeys(("trial", "trialing", "trialling", "in_trial", "trialed", "on_trial"), "trial"),
    **dict.fromkeys(
        (
            "active", "live", "current", "open", "enabled", "past_due", "unpaid", "overdue", "renewed",
        ),
        "active",
    ),
    **dict.fromkeys(
        ("ending", "non_renewing", "pending_cancel", "pending_cancellation", "cancelling", "canceling"), "ending"
    ),
    **dict.fromkeys(("paused", "on_hold", "suspended", "frozen"), "paused"),
    **dict.fromkeys(
        (
            "ended", "cancelled", "canceled", "expired", "churned", "terminated", "inactive", "closed", "deleted",
            "finished", "lapsed",
        ),
        "ended",
    ),
})  # fmt: skip
_INVOLUNTARY: Final = frozenset({
    "payment_failed", "payment_failure", "failed_payment", "payment_declined", "card_declined", "card_expired",
    "nonpayment", "non_payment", "not_paid", "unpaid", "dunning", "chargeback", "fraud", "involuntary",
})  # fmt: skip


#: What to say of a value that is not there, where its name does not say it.
_NEEDED: Final = {
    "interval": 'is required with an amount; if all are monthly, say so: defaults = {interval = "month"}',
}


class RowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a table of subscriptions: what differs between two of them.

    Attributes:
        columns: Columns by what they mean (`schemas.adapters.columns.ROLES`); an empty one is not read.
        members: Further members of a signup, such as dimensions of the settings, each with its column.
        defaults: Values by role for rows that have none: `{plan = "pro", interval = "month"}`.
        plans: Names of plans by what the table has for them.
        statuses: Own words for a status, each as one of `PHASES`.
        intervals: Own words for an interval.
        involuntary_reasons: Reasons for which an end was not the customer's choice, beside the usual ones.
        money: The unit of amounts that do not show it.
        decimal_comma: Whether a comma stands before the decimals of amounts, or a point; where neither is said, amounts
            of which that is not clear are refused.
        time_zone: Of days, and of times without an offset (IANA name).
        date_format: Of times that are not ISO 8601, as for `datetime.strptime`.
        day_numbers: What bare numbers of days count: as Excel does, or since 1970; where nothing is said, these are
            refused.
        ends: Whether an end that is a day is the first day without the subscription, or its last day.
        source: The events' `source`.
    """

    columns: dict[str, str] = {}
    members: dict[str, str] = {}
    defaults: dict[str, str | int | float | bool] = {}
    plans: dict[str, str] = {}
    statuses: dict[str, str] = {}
    intervals: dict[str, str] = {}
    involuntary_reasons: list[str] = []
    money: Money | None = None
    decimal_comma: bool | None = None
    time_zone: str = "UTC"
    date_format: str = ""
    day_numbers: DayNumbers | None = None
    ends: Literal["exclusive", "inclusive"] = "exclusive"
    source: str = ""


class SubscriptionRow(NamedTuple):
    """The content of a row.

    Attributes:
        customer: Whom the subscription belongs to.
        subscription: Its id; empty where the table has none.
        price: Plan and price, as members of an event; nothing where the row has ended and does not say it any more.
        segments: Members of a signup beside these.
        start: Of the subscription, a trial too; None where the table has no such column.
        end: Its end.
        cancelled_at: When the end was decided, if not with it.
        trial_end: The end of its trial.
        paused_at: The start of its last pause.
        resumed_at: The end of its last pause.
        phase: As the status says; None without one.
        on_trial: Whether the row says that it is on trial, by its status or a flag.
        ending: Reason and so on, as members of a cancel.
        version: A number that grows with each version of the row; None where there is none.
        test: Whether it is none of a customer.
    """

    customer: str
    subscription: str
    price: Members
    segments: Members
    start: Moment | None
    end: Moment | None
    cancelled_at: Moment | None
    trial_end: Moment | None
    paused_at: Moment | None
    resumed_at: Moment | None
    phase: Phase | None
    on_trial: bool
    ending: Members
    version: int | None
    test: bool


class RowReader:
    """Reads rows by the options of a source.

    Args:
        adapter: The adapter's name, for errors.
        options: Of the table.
        local_numbers: Whether counts since 1970 are of the clock on the wall, and not of UTC.

    Raises:
        OptionsFault: An option is wrong.
    """

    def __init__(self, adapter: str, options: RowOptions, *, local_numbers: bool = False) -> None:
        check_dimensions(adapter, "members", options.members)
        check_plans(adapter, "plans", options.plans)
        plan = options.defaults.get("plan")
        if isinstance(plan, str):
            check_plan(adapter, "defaults.plan", options.plans.get(plan, plan))
        self._options = options
        self.columns = Columns(adapter, options.columns)
        self.cells = CellReader(
            time_zone=zone_of(adapter, options.time_zone),
            date_format=date_format_of(adapter, options.date_format),
            decimal_comma=options.decimal_comma,
            money=options.money,
            intervals=options.intervals,
            local_numbers=local_numbers,
            day_numbers=options.day_numbers,
        )
        self._statuses = {**_STATUSES, **_own_statuses(adapter, options.statuses)}
        self._involuntary = _INVOLUNTARY.union(_word(reason) for reason in options.involuntary_reasons)
        written = {role: Decimal(str(of)) if isinstance(of, float) else of for role, of in options.defaults.items()}
        self._defaults = Node(written, "defaults")
        for role in options.defaults:
            if role not in ROLES:
                hint = nearest_name(role, tuple(ROLES))
                raise OptionsFault(f"[{adapter}] defaults.{role}: there is no such value of a row{hint}")
        for word, interval in options.intervals.items():
            if interval_in(interval) is None:
                raise OptionsFault(f"[{adapter}] intervals.{word}: {interval} is none; write month, or 3 months")

    def read(self, row: Node) -> SubscriptionRow:
        """Return what a row says.

        Raises:
            SourceFault: A cell is missing or cannot be read.
        """
        cells = self._cells_of(row)
        phase = self._phase(cells)
        end = self._end(cells)
        decided = cells.end("cancelled_at")
        may_lack_price = phase in ("ended", "none") or end is not None
        return SubscriptionRow(
            customer=cells.required("customer"),
            subscription=cells.text("subscription"),
            price=self._price(cells, may_be_absent=may_lack_price),
            segments=self._segments(cells, row),
            start=self._start(cells),
            end=decided if end is None else end,
            cancelled_at=decided,
            trial_end=cells.moment("trial_end"),
            paused_at=cells.moment("paused_at"),
            resumed_at=cells.end("resumed_at"),
            phase=phase,
            on_trial=phase == "trial" or cells.flag("trial"),
            ending=self._ending(cells),
            version=cells.version(),
            test=cells.flag("test"),
        )

    def key(self, row: Node) -> tuple[str, str]:
        """Return customer and subscription of a row that may hold no more than these."""
        cells = self._cells_of(row)
        return cells.required("customer"), cells.text("subscription")

    def missing_price(self, row: Node) -> Exception:
        """Return the fault of a row that has no plan, or no price, and needs both."""
        return _missing_price(self._cells_of(row))

    def _cells_of(self, row: Node) -> "_RowCells":
        return _RowCells(self.cells, row, self.columns.of(row.members), self._defaults, self.columns)

    def _phase(self, cells: "_RowCells") -> Phase | None:
        status = cells.status()
        if not status:
            return None
        phase = self._statuses.get(_word(status))
        if phase is None:
            own = f'say what it is in the option statuses, as in {{{_word(status)[:32]} = "active"}}'
            known = ", ".join(PHASES)
            raise cells.wrong("status", f"is not known: {own}; known are {known}")
        return phase

    def _start(self, cells: "_RowCells") -> Moment | None:
        start, trial_start = cells.moment("start"), cells.moment("trial_start")
        if start is None or trial_start is None:
            return start or trial_start
        return min(start, trial_start)

    def _end(self, cells: "_RowCells") -> Moment | None:
        end = cells.end("end")
        if end is None or self._options.ends == "exclusive":
            return end
        # A last second of a day is how a last day is written by who needs a time for it.
        return self.cells.next_day(end) if end.is_day or self.cells.is_last_second(end) else end

    def _price(self, cells: "_RowCells", *, may_be_absent: bool) -> Members:
        plan, price = cells.text("plan"), price_of(cells)
        if may_be_absent and not (plan and price):
            return {}
        if not (plan and price):
            raise _missing_price(cells)
        return {"plan": self._options.plans.get(plan, plan), **price}

    def _segments(self, cells: "_RowCells", row: Node) -> Members:
        segments = {name: cells.text(name) for name in ("country", "channel")}
        segments |= {name: self.cells.text(row, column) for name, column in self._options.members.items()}
        return described(segments)

    def _ending(self, cells: "_RowCells") -> Members:
        reason = cells.text("reason")
        involuntary = cells.flag("involuntary") or _word(reason) in self._involuntary
        return {**described({"reason": reason}), **({"involuntary": True} if involuntary else {})}


class _RowCells:
    """The cells of one row by role, and what stands in their place where a row has none."""

    def __init__(
        self, cells: CellReader, row: Node, columns: Mapping[str, str], defaults: Node, known: Columns
    ) -> None:
        self._cells = cells
        self._row = row
        self._columns = columns
        self._defaults = defaults
        self._known = known

    def _at(self, role: str) -> tuple[Node, str]:
        column = self._columns.get(role)
        if column is not None and self._cells.has_value(self._row, column):
            return self._row, column
        if role in self._defaults.members:
            return self._defaults, role
        return self._row, role if column is None else column

    def _is_read(self, role: str) -> bool:
        return role in self._columns or role in self._defaults.members

    def text(self, role: str) -> str:
        return self._cells.text(*self._at(role)) if self._is_read(role) else ""

    def flag(self, role: str) -> bool:
        return self._cells.flag(*self._at(role)) if self._is_read(role) else False

    def count(self, role: str) -> int | None:
        return self._cells.count(*self._at(role)) if self._is_read(role) else None

    def moment(self, role: str) -> Moment | None:
        return self._cells.moment(*self._at(role)) if self._is_read(role) else None

    def end(self, role: str) -> Moment | None:
        return self._cells.end(*self._at(role)) if self._is_read(role) else None

    def status(self) -> str:
        column = self._columns.get("status")
        found = None if column is None else self._row.get(column)
        # In every other column it is no value, as Python writes it; of a status it is one that systems have.
        return "none" if isinstance(found, str) and found.strip() == "none" else self.text("status")

    def version(self) -> int | None:
        return self._cells.version(*self._at("version")) if self._is_read("version") else None

    def interval(self) -> tuple[str, int] | None:
        return self._cells.interval(*self._at("interval")) if self._is_read("interval") else None

    def amount(self, role: str) -> Amount | None:
        if not self._is_read(role):
            return None
        row, name = self._at(role)
        return self._cells.amount(row, name, currency=self._currency(), is_minor=holds_minor_units(name))

    def _currency(self) -> Currency:
        text, (row, _) = self.text("currency"), self._at("currency")
        return Currency(default=text) if row is self._defaults else Currency(stated=text)

    def required(self, role: str) -> str:
        text = self.text(role)
        if not text:
            raise self.missing(role)
        return text

    def missing(self, role: str, problem: str = "") -> Exception:
        problem = problem or _NEEDED.get(role, "")
        if role in self._columns:
            column = self._columns[role]
            problem = problem or (
                f"is required as the {role}" if column in self._row.members else f"there is no such column for {role}"
            )
            return self._row.missing(column, problem)
        return self._row.missing(role, problem or self._known.missing(role, self._row.members))

    def wrong(self, role: str, problem: str) -> Exception:
        row, name = self._at(role)
        return row.wrong(name, problem)


def _missing_price(cells: _RowCells) -> Exception:
    if not cells.text("plan"):
        return cells.missing("plan")
    return cells.missing("mrr", "a price is required; name its column in the options (mrr, arr or amount)")


def _own_statuses(adapter: str, statuses: Mapping[str, str]) -> dict[str, Phase]:
    by_name: dict[str, Phase] = {phase: phase for phase in PHASES}
    for status, phase in statuses.items():
        if phase not in by_name:
            raise OptionsFault(f"[{adapter}] statuses.{status}: {phase} is none of {', '.join(PHASES)}")
    return {_word(status): by_name[phase] for status, phase in statuses.items()}


def _word(text: str) -> str:
    return "_".join(text.lower().replace("-", " ").replace("_", " ").split())
