"""Choice of customers by a filter, one at a time: by their profile, and the plan that a number goes by."""

from __future__ import annotations

from kpis.filters import Filter
from kpis.names import Names


class Chooser:
    """Says of customers and their plan whether a filter holds; asked again, it remembers."""

    def __init__(self, where: Filter | None) -> None:
        """Take the filter; None chooses everybody."""
        self._where = where
        self._known: dict[tuple[int, int, int], bool] = {}

    def holds(self, names: Names, plan: int, profile: int) -> bool:
        """Return whether it holds of a profile and a plan, by the numbers of `names`."""
        if self._where is None:
            return True
        key = id(names), plan, profile
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._where.holds(lambda dimension: names.value_at(dimension, plan, profile))
        return found
