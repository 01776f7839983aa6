"""Customers' states in memory, for as long as their partition is owned; compiled where they can be.

Two kinds of states are here: those that were used lately, as many as fit, and those that the redo log holds and their
places do not. A state that changes changes here, and is stored with the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from kpis.native import IS_THERE

if TYPE_CHECKING:
    from kpis.native.states import StateTable
    from schemas.events import Event

if IS_THERE:
    from kpis.native.states import StateTable

CustomerStates: TypeAlias = "PlainStates | StateTable"
"""States by customer, of those in memory: both kinds do the same."""


def customer_states(capacity: int) -> CustomerStates:
    """Return room for states, at most `capacity` (count), but for those of one batch and of the redo log."""
    return StateTable(capacity) if IS_THERE else PlainStates(capacity)


class PlainStates(MutableMapping[str, bytes]):
    """States in dictionaries of two generations: what was not used while one filled is forgotten with it.

    One that is set has changed. As many as fit stay in one generation for good: only what does not fit is moved, and
    forgotten.
    """

    def __init__(self, capacity: int) -> None:
        """Start empty; see `customer_states`."""
        self._most = max(1, 2 * capacity // 3)
        self._young: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}
        self._changed: dict[str, bytes] = {}
        self._logged: dict[str, bytes] = {}

    @property
    def logged(self) -> int:
        """Return of how many customers the redo log holds the state (count)."""
        return len(self._logged)

    def __len__(self) -> int:
        return len(self._young) + sum(customer not in self._young for customer in self._old.keys() | self._logged)

    def __iter__(self) -> Iterator[str]:
        return iter(self._young.keys() | self._old.keys() | self._logged.keys())

    def __getitem__(self, customer: str) -> bytes:
        state = self._young.get(customer)
        if state is None:
            state = self._old.get(customer)
            if state is None:
                state = self._logged[customer]
            self._young[customer] = state
        return state

    def __setitem__(self, customer: str, state: bytes) -> None:
        self._young[customer] = self._changed[customer] = state

    def __delitem__(self, customer: str) -> None:
        self.remove([customer])

    def find(self, events: Sequence[Event]) -> tuple[int, list[str]]:
        """Look up the customers of a batch's events, before anything else is done with it.

        Returns:
            How many customers these are (count), and those whose states are not in memory, in order.
        """
        customers = dict.fromkeys(event.customer_id for event in events)
        return len(customers), [customer for customer in customers if self.get(customer) is None]

    def put(self, customer: str, state: bytes) -> None:
        """Have a state in memory as it is stored."""
        self._young[customer] = state

    def take_changed(self) -> dict[str, bytes]:
        """Return the states that were set since this was asked last, as they are now."""
        changed, self._changed = self._changed, {}
        return changed

    def log(self, states: Mapping[str, bytes]) -> Any:
        """Take states that the newest entry of the redo log holds; return what stands for the entry in `unlog`."""
        self._logged.update(states)
        return states

    def unlog(self, gone: list[Any]) -> dict[str, bytes]:
        """Return the states that the oldest entries held last; they are the log's no longer."""
        newest, left = self._logged, dict[str, bytes]()
        entries: list[Mapping[str, bytes]] = gone
        for entry in entries:
            for customer, state in entry.items():
                if newest.get(customer) is state:  # the newest is the very object that its entry has
                    left[customer] = state
        for customer in left:
            del newest[customer]
        return left

    def remove(self, customers: Iterable[str]) -> None:
        """Forget the states of customers who have none any more; the log holds none of them."""
        for customer in customers:
            self._young.pop(customer, None)
            self._old.pop(customer, None)

    def let_go(self) -> None:
        """Forget states beyond the capacity; those that changed must be stored by now."""
        if 2 * len(self._young) > self._most and len(self._young) + len(self._old) > self._most:
            self._young, self._old = {}, self._young
