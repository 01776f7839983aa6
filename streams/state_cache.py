"""A bounded cache of customer states, for as long as their partition is owned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class StateCache:
    """States by customer, in two generations: what was not used while a generation filled is forgotten with it.

    None stands for a customer who is known to have no state.
    """

    def __init__(self, capacity: int) -> None:
        """Start empty; `capacity` is the most states that are kept (count)."""
        self._half = max(1, capacity // 2)
        self._young: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def take(self, customers: Iterable[str]) -> tuple[dict[str, bytes | None], list[str]]:
        """Return the states that are here, and the customers whose state must be read."""
        young, old = self._young, self._old
        found: dict[str, bytes | None] = {}
        missing: list[str] = []
        for customer in customers:
            state = young.get(customer)
            if state is None:
                state = old.get(customer)
                if state is None:
                    missing.append(customer)
                    continue
                young[customer] = state
            found[customer] = state
        self._turn()
        return found, missing

    def put(self, states: Mapping[str, bytes]) -> None:
        """Keep states as they are stored now."""
        self._young.update(states)
        self._turn()

    def _turn(self) -> None:
        if len(self._young) > self._half:
            self._young, self._old = {}, self._young
