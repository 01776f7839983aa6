"""The fold: events of a batch and the states before them -> the states after them, and the rows that changed.

Every event changes the rows by `contribution(after) - contribution(before)`. That is what the general path computes,
once for all events of a batch that a customer has, and no further back than these reach. Surveys and activity that come
in order write down their difference themselves, where it is plain.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, MutableMapping, Sequence
from typing import Any, Final

from kpis.customer.state import Customer, decode, encode
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from kpis.fold.context import FoldContext, TooManyFacts
from kpis.fold.feedback import renewal, revoke, survey
from kpis.fold.lifecycle import cancel, change, pause, resume, signup
from kpis.fold.usage import activity, onboarding
from kpis.names import Names
from kpis.rows import Row
from schemas.events import (
    Activity,
    Cancel,
    Downgrade,
    Event,
    Onboarding,
    Pause,
    Renewal,
    Resume,
    Revoke,
    Signup,
    Survey,
    Upgrade,
)

#: The last argument is the number of the event in its batch, by which its reference is asked for.
Apply = Callable[[FoldContext, Customer, Any, int, int], bool]

#: the state of a customer of whom nothing is known
_NOBODY: Final = encode(Customer())

#: what takes about as long to look through as an event to apply (bytes)
STATE_BYTES: Final = 128
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
    ) -> None:
        """Start with no rows.

        Args:
            names: The partition's intern tables, which grow as events are folded.
            bucket_ms: Length of a bucket (ms).
            what: What counts.
            max_facts: Facts a customer may have (lifecycle, surveys, renewals, revocations).
            short_cuts: False takes the general path always; for tests.
        """
        self.context = FoldContext(names, bucket_ms=bucket_ms, what=what, max_facts=max_facts, short_cuts=short_cuts)
        #: which of the events since `begin` are over the limit of facts, counted from 0
        self.refused: list[int] = []
        self._apply = dict(_APPLY)
        self._events: Sequence[Event] = ()
        self._times: Sequence[int] = ()
        self._states: MutableMapping[str, bytes] = {}
        self._next = 0
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
    ) -> tuple[dict[str, bytes], list[Row]]:
        """Apply events in order.

        Args:
            events: Decoded events.
            times: Their event times (ms).
            states: By customer; those that change are changed here.
            references: Where their records lie (see `kpis.references`); None where it does not matter.

        Returns:
            The states that changed, and the rows that changed; counts of events are added to `context`.
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
        for kind in set(map(type, events)) - self._apply.keys():
            assert issubclass(kind, Signup), kind  # with the members of further dimensions
            self._apply[kind] = signup
        self._events, self._times, self._states, self._next = events, times, states, 0
        self._changed, self._open, self._closing, self.refused = {}, {}, None, []
        self.context.rows = []
        self.context.since = None
        self.context.references = [0] * len(events) if references is None else references

    def go_on(self, work: int) -> bool:
        """Apply the next events; True while something is left.

        Args:
            work: How much to do: an event is one of it, and one more for each `STATE_BYTES` of its customer's state.
        """
        context, apply_by_type, stored = self.context, self._apply, self._states.get
        states, changed, times, pending = self._states, self._changed, self._times, self._open
        events = self._events
        for n in range(self._next, len(events)):
            if work <= 0:
                self._next = n
                return True
            event = events[n]
            customer_id = event.customer_id
            if pending and customer_id in pending:
                work -= self._apply_again(customer_id, event, n)
                continue
            state = stored(customer_id, _NOBODY)
            work -= 1 + len(state) // STATE_BYTES
            customer = decode(state)
            try:
                if apply_by_type[type(event)](context, customer, event, times[n], n):
                    if context.since is None:
                        states[customer_id] = changed[customer_id] = encode(customer)
                    else:
                        pending[customer_id] = (customer, context.since)
                        context.since = None
            except TooManyFacts:
                self.refused.append(n)
        self._next = len(events)
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

    def end(self) -> tuple[dict[str, bytes], list[Row]]:
        """Return what has changed since `begin`, once nothing is left; see `fold`."""
        assert self._next == len(self._events), "events are left"
        assert not self._open, "customers are left"
        assert self._closing is None, "a customer is left"
        self._events, self._times, self._states = (), (), {}
        self.context.pasts.clear()
        return self._changed, self.context.rows

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
