"""The fold: events of a batch and the states before them -> the states after them, and the rows that changed.

Every event changes the rows by `contribution(after) - contribution(before)`. That is what the general path computes,
once for all events of a batch that a customer has, and no further back than these reach. Surveys and activity that come
in order write down their difference themselves, where it is plain.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, MutableMapping, Sequence
from typing import Any, Final, TypeVar

from kpis.arrays import Ints
from kpis.customer.state import Customer, decode, encode
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from kpis.fold.context import FoldContext, TooManyFacts
from kpis.fold.feedback import renewal, revoke, survey
from kpis.fold.lifecycle import cancel, change, pause, resume, signup
from kpis.fold.touchpoints import contact, exposure, mark, referral, support
from kpis.fold.usage import activity, onboarding
from kpis.names import Names
from kpis.native import IS_THERE
from kpis.packing import array_of, stacked, table_of
from schemas.events import (
    Activity,
    Cancel,
    Contact,
    Downgrade,
    Event,
    Exposure,
    Mark,
    Onboarding,
    Pause,
    Referral,
    Renewal,
    Resume,
    Revoke,
    Signup,
    Support,
    Survey,
    Upgrade,
)

if IS_THERE:
    from kpis.native.batch import EventBatch
    from kpis.native.states import StateTable
    from kpis.native.usual import UsualEvents

#: The last argument is the number of the event in its batch, by which its reference is asked for.
Apply = Callable[[FoldContext, Customer, Any, int, int], bool]

#: the state of a customer of whom nothing is known
_NOBODY: Final = encode(Customer())

#: what takes about as long to look through as an event to apply (bytes)
STATE_BYTES: Final = 128
_T = TypeVar("_T")
_WITHOUT_END: Final = 1 << 60

_APPLY: dict[type[Any], Apply] = {
    Signup: signup,
    Upgrade: change,
    Downgrade: change,
    Pause: pause,
    Resume: resume,
    Cancel: cancel,
    Revoke: revoke,
    Survey: survey,
    Renewal: renewal,
    Onboarding: onboarding,
    Activity: activity,
    Contact: contact,
    Support: support,
    Referral: referral,
    Exposure: exposure,
    Mark: mark,
}


class Fold:
    """Applies events to states, one partition's at a time; not safe for use by two tasks at once.

    `fold` does it in one go. `begin`, `go_on` and `end` do the same in steps, with whatever the caller does between
    them: what comes out does not depend on where a step ends.
    """

    def __init__(
        self,
        names: Names,
        *,
        bucket_ms: int = 3_600_000,
        what: WhatCounts = BY_DEFAULT,
        max_facts: int = 4096,
        short_cuts: bool = True,
        native: bool = True,
    ) -> None:
        """Start with no rows.

        Args:
            names: The partition's intern tables, which grow as events are folded.
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            max_facts: Facts a customer may have (lifecycle, surveys, renewals, touchpoints, revocations).
            short_cuts: False takes the general path always; for tests.
            native: False folds all events in Python, as where nothing was compiled; for tests.
        """
        self.context = FoldContext(names, bucket_ms=bucket_ms, what=what, max_facts=max_facts, short_cuts=short_cuts)
        #: which of the events since `begin` are over the limit of facts, counted from 0
        self.refused: list[int] = []
        #: events that were folded natively, ever (count)
        self.natively = 0
        self._usual = UsualEvents(self.context) if native and short_cuts and IS_THERE else None
        self._apply = dict(_APPLY)
        self._events: Sequence[Event] = ()
        self._times: Sequence[int] = ()
        self._states: MutableMapping[str, bytes] = {}
        #: events that are folded in Python, by number, and how many of them are done
        self._numbers: Sequence[int] = ()
        self._next = 0
        #: how many events have been looked at natively
        self._looked_at = 0
        self._changed: dict[str, bytes] = {}
        #: customers that the general path has changed, with the first bucket whose rows they touch; until rows are
        #: worked out, `states` has the state before
        self._open: dict[str, tuple[Customer, int]] = {}
        #: the one of them at work, once all events are applied
        self._closing: Generator[int, None, None] | None = None

    def fold(
        self,
        events: Sequence[Event],
        times: Sequence[int],
        states: MutableMapping[str, bytes],
        references: Sequence[int] | None = None,
    ) -> tuple[dict[str, bytes], Ints]:
        """Apply events in order.

        Args:
            events: Decoded events.
            times: Their event times (ms).
            states: By customer; those that change are changed here.
            references: Where their records lie (see `kpis.references`); None where it does not matter.

        Returns:
            The states that changed, and the rows that changed, one line each; counts of events are added to `context`.
            Where `states` notes itself what changes (a `StateTable`), those that are returned are not all of them.
        """
        self.begin(events, times, states, references)
        while self.go_on(_WITHOUT_END):
            pass
        return self.end()

    def begin(
        self,
        events: Sequence[Event],
        times: Sequence[int],
        states: MutableMapping[str, bytes],
        references: Sequence[int] | None = None,
    ) -> None:
        """Take events that are to be applied; see `fold`."""
        references = [0] * len(events) if references is None else references
        self._events, self._times, self._states = events, times, states
        self._numbers, self._next, self._looked_at = range(len(events)), 0, len(events)
        self._changed, self._open, self._closing, self.refused = {}, {}, None, []
        self.context.rows = []
        self.context.since = None
        self.context.references = references
        if self._usual is not None and isinstance(states, dict | StateTable):
            self._usual.begin(_as_taken(events), _as_list(times), states, self._changed, _as_list(references))
            self._looked_at = 0

    def may_reach_back(self, events: Sequence[Event], states: Mapping[str, bytes], numbers: Ints) -> list[int]:
        """Return the numbers of events that may take back another one, or whose identity their customer's state holds.

        Args:
            events: Decoded events.
            states: By customer.
            numbers: Of the events that are looked at.
        """
        if self._usual is None or not isinstance(states, dict | StateTable):
            every: list[int] = numbers.tolist()
            return every
        return self._usual.may_reach_back(_as_taken(events), states, numbers)

    def go_on(self, work: int) -> bool:
        """Apply the next events; True while something is left.

        Args:
            work: How much to do: an event is one of it, and one more for each `STATE_BYTES` of its customer's state.
        """
        if self._looked_at < len(self._events):
            return self._look_natively(work)
        context, apply_by_type, stored = self.context, self._apply, self._states.get
        states, changed, times, pending = self._states, self._changed, self._times, self._open
        events, numbers = self._events, self._numbers
        for place in range(self._next, len(numbers)):
            if work <= 0:
                self._next = place
                return True
            n = numbers[place]
            event = events[n]
            kind = type(event)
            if kind not in apply_by_type:
                assert issubclass(kind, Signup), kind  # with the members of further dimensions
                apply_by_type[kind] = signup
            customer_id = event.customer_id
            if pending and customer_id in pending:
                work -= self._apply_again(customer_id, event, n)
                continue
            state = stored(customer_id, _NOBODY)
            work -= 1 + len(state) // STATE_BYTES
            customer = decode(state)
            try:
                if apply_by_type[kind](context, customer, event, times[n], n):
                    if context.since is None:
                        states[customer_id] = changed[customer_id] = encode(customer)
                    else:
                        pending[customer_id] = (customer, context.since)
                        context.since = None
            except TooManyFacts:
                self.refused.append(n)
        self._next = len(numbers)
        while pending or self._closing is not None:
            if work <= 0:
                return True
            if self._closing is None:
                self._closing = self._close(next(iter(pending)))
            done = next(self._closing, None)
            if done is None:
                self._closing = None
            else:
                work -= done
        return False

    def _look_natively(self, work: int) -> bool:
        """Fold the next of the usual events; those that are not are left. True while something is."""
        usual = self._usual
        assert usual is not None, "nothing was compiled"
        self._looked_at = usual.go_on(self._looked_at, work)
        if self._looked_at < len(self._events):
            return True
        self.context.applied += usual.applied
        self.natively += usual.applied
        self._numbers = usual.left
        return bool(self._numbers)

    def end(self) -> tuple[dict[str, bytes], Ints]:
        """Return what has changed since `begin`, once nothing is left; see `fold`."""
        assert self._looked_at == len(self._events), "events are left"
        assert self._next == len(self._numbers), "events are left"
        assert not self._open, "customers are left"
        assert self._closing is None, "a customer is left"
        self._events, self._times, self._states = (), (), {}
        self.context.pasts.clear()
        rows = table_of(self.context.rows)
        if self._usual is None:
            return self._changed, rows
        return self._changed, stacked((array_of(self._usual.take_rows()), rows))

    def _apply_again(self, customer_id: str, event: Event, n: int) -> int:
        """Apply one more event to a customer whose cache is stale; return how much work it was."""
        if type(event) is Onboarding:  # its rows follow from the cache
            work = sum(self._close(customer_id))
            customer = decode(self._states[customer_id])
            if onboarding(self.context, customer, event, self._times[n], n):
                self._states[customer_id] = self._changed[customer_id] = encode(customer)
            return work + 1
        context = self.context
        customer, context.since = self._open[customer_id]
        short_cuts, context.short_cuts = context.short_cuts, False
        try:
            self._apply[type(event)](context, customer, event, self._times[n], n)
        except TooManyFacts:
            self.refused.append(n)
        finally:
            assert context.since is not None
            self._open[customer_id] = (customer, context.since)
            context.short_cuts, context.since = short_cuts, None
        return 1 + (len(customer.life) + len(customer.feedback) + len(customer.acts)) // STATE_BYTES

    def _close(self, customer_id: str) -> Generator[int, None, None]:
        """Write down what the general path has changed of a customer, in steps; yields how much work each was."""
        customer, since = self._open.pop(customer_id)
        yield from self.context.write_down(customer, decode(self._states.get(customer_id, _NOBODY)), since)
        state = self._states[customer_id] = self._changed[customer_id] = encode(customer)
        yield 1 + len(state) // STATE_BYTES


def _as_taken(events: Sequence[Event]) -> list[Event] | EventBatch[Any]:
    return events if isinstance(events, EventBatch) else _as_list(events)


def _as_list(items: Sequence[_T]) -> list[_T]:
    return items if isinstance(items, list) else list(items)
