"""A bounded cache of customer states, for as long as their partition is owned."""

from __future__ import annotations

from collections.abc import Iterable


class StateCache:
    """States by customer, in two generations: what was not used while a generation filled is forgotten with it.

    As many as fit stay in one generation for good: only what does not fit is moved, and forgotten.
    """

    def __init__(self, capacity: int) -> None:
        """Start empty; `capacity` is the most states that are kept, but for those of one batch (count)."""
        self._most = max(1, 2 * capacity // 3)
        #: states as they will be stored: who changes one changes it here, for a look into a large dictionary costs more
        #: than most of what is done with a state
        self.at_hand: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self.at_hand) + len(self._old)

    def take(self, customers: Iterable[str]) -> list[str]:
        """Bring states at hand; return the customers whose state is not here, in order."""
        young, old = self.at_hand, self._old
        missing = [customer for customer in customers if customer not in young]
        if not old:
            return missing
        absent: list[str] = []
        for customer in missing:
            state = old.get(customer)
            if state is None:
                absent.append(customer)
            else:
                young[customer] = state
        return absent

    def drop(self, customers: Iterable[str]) -> None:
        """Forget the states of customers who have none any more."""
        for customer in customers:
            self.at_hand.pop(customer, None)
            self._old.pop(customer, None)

    def let_go(self) -> None:
        """Forget states beyond the capacity; those that changed must be stored by now."""
        if 2 * len(self.at_hand) > self._most and len(self) > self._most:
            self.at_hand, self._old = {}, self.at_hand
