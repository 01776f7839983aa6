"""The fold: events of a batch and the states before them -> the states after them, and the rows that changed.

Every event changes the rows by `contribution(after) - contribution(before)`. That is what the general path computes;
short cuts write down the difference where it is plain, mostly for events that come in order, and leave everything else
to the general path.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Final

from kpis.feedback import renewal, revoke, survey
from kpis.folding import Folding, TooManyFacts
from kpis.lifecycle import cancel, change, signup
from kpis.names import Names
from kpis.rows import Row
from kpis.state import Customer, decode, encode
from kpis.usage import activity, onboarding
from schemas.events import Activity, Cancel, Downgrade, Event, Onboarding, Renewal, Revoke, Signup, Survey, Upgrade

#: The last argument is the number of the event in its batch, by which its place is asked for.
Apply = Callable[[Folding, Customer, Any, int, int], bool]

#: the state of a customer of whom nothing is known
_NOBODY: Final = encode(Customer())

_APPLY: dict[type[Any], Apply] = {
    Signup: signup,
    Upgrade: change,
    Downgrade: change,
    Cancel: cancel,
    Revoke: revoke,
    Survey: survey,
    Renewal: renewal,
    Onboarding: onboarding,
    Activity: activity,
}


class Fold:
    """Applies events to states, one partition's at a time; not safe for use by two tasks at once."""

    def __init__(
        self, names: Names, *, bucket_ms: int = 3_600_000, max_facts: int = 4096, short_cuts: bool = True
    ) -> None:
        """Start with no rows.

        Args:
            names: The partition's intern tables, which grow as events are folded.
            bucket_ms: Length of a bucket (ms).
            max_facts: Facts a customer may have (lifecycle, surveys, renewals, revocations).
            short_cuts: False takes the general path always; for tests.
        """
        self.folding = Folding(names, bucket_ms=bucket_ms, max_facts=max_facts, short_cuts=short_cuts)
        #: which of the events of the last call are over the limit of facts, counted from 0
        self.refused: list[int] = []
        self._apply = dict(_APPLY)

    def fold(
        self,
        events: Sequence[Event],
        times: Sequence[int],
        states: MutableMapping[str, bytes],
        places: Sequence[int] | None = None,
    ) -> tuple[dict[str, bytes], list[Row]]:
        """Apply events in order.

        Args:
            events: Decoded events.
            times: Their event times (ms).
            states: By customer; those that change are changed here.
            places: Where their records lie (see `kpis.places`); None where it does not matter.

        Returns:
            The states that changed, and the rows that changed; counts of events are added to `folding`.
        """
        changed: dict[str, bytes] = {}
        folding, apply_by_type, stored = self.folding, self._apply, states.get
        for kind in set(map(type, events)) - apply_by_type.keys():
            assert issubclass(kind, Signup), kind  # with the members of further dimensions
            apply_by_type[kind] = signup
        rows: list[Row] = []
        folding.rows = rows
        self.refused = []
        folding.places = [0] * len(events) if places is None else places
        for n, event in enumerate(events):
            customer_id = event.customer_id
            customer = decode(stored(customer_id, _NOBODY))
            try:
                if apply_by_type[type(event)](folding, customer, event, times[n], n):
                    states[customer_id] = changed[customer_id] = encode(customer)
            except TooManyFacts:
                self.refused.append(n)
        return changed, rows
