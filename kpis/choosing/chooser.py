"""Choice of customers by a filter, one at a time: by their profile, and the plan that a number goes by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from kpis.filters import Filter
from kpis.names import Names

T = TypeVar("T")


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

    def once(self, what: object, work_out: Callable[[], T]) -> T:
        """Return what is worked out of a customer whoever is chosen; `what` tells it from all else of the customer.

        Where a customer is taken once, that is once anyway; groups take one several times.
        """
        del what
        return work_out()


Choice: TypeAlias = Filter | Chooser | None
"""Whom a scan is of: those for whom a filter holds, those whom a chooser chooses, or everybody."""


def chooser_of(choice: Choice) -> Chooser:
    """Return what chooses the customers of a scan."""
    return choice if isinstance(choice, Chooser) else Chooser(choice)
