"""Groups of customers whom every filter treats alike: what a scan finds in each, so that filters need no scan more.

A filter decides by a customer's profile and plans. What a scan takes of a customer depends on the filter only by which
of the plans that it asks of it are chosen. So the scan is made once for each such choice, and a filter adds up those
that it makes itself: the same sums, to the unit, as those of a scan under that filter.
Pure: who reads the states is `tenure.reports.kept`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

from kpis.choosing.chooser import Choice, Chooser
from kpis.customer.state import Customer
from kpis.filters import Filter
from kpis.names import Names

#: Plans that one customer may have been on to be in a group (count); those of more are looked at for each filter.
MOST_PLANS = 3


class Summable(Protocol):
    """A scan whose results can be added up."""

    def add(self, other: Self, /) -> None:
        """Take what another scan of the same question has taken; the other stays as it is."""


S = TypeVar("S", bound=Summable)
T = TypeVar("T")


class Taken(NamedTuple):
    """One customer of a partition, as a scan takes it; `state` are the bytes that the customer was decoded from."""

    partition: int
    names: Names
    customer_id: str
    state: bytes
    customer: Customer


class ScanQuestion(NamedTuple, Generic[S]):
    """A question to all customers: equal keys ask the same.

    Attributes:
        key: The name of the report and all that the answer depends on but the filter and the customers.
        make: Begins a scan of those chosen. It must take nothing that depends on a plan without asking its chooser,
            and ask for all plans where none is chosen.
        take: Lets a scan take one customer.
    """

    key: tuple[object, ...]
    make: Callable[[Choice], S]
    take: Callable[[S, Taken], None]


class GroupKey(NamedTuple):
    """The customers of a profile whose scan asks for some plans, and which of these are chosen; by their numbers."""

    profile: int
    asked: tuple[int, ...]
    chosen: tuple[int, ...]


class Groups(NamedTuple, Generic[S]):
    """Findings of a scan in the customers of one partition.

    Attributes:
        names: Of the partition.
        nobody: What it finds where the filter holds for nobody.
        scans: What it finds in each group.
        others: Customers of more than MOST_PLANS plans.
    """

    names: Names
    nobody: S
    scans: Mapping[GroupKey, S]
    others: list[Taken]


class _PlanChooser(Chooser):
    """Chooses by plan alone, and notes what it is asked of a customer, and what was worked out."""

    def __init__(self) -> None:
        super().__init__(None)
        self.asked: set[int] = set()
        self.chosen: tuple[int, ...] = ()
        self._worked_out: dict[object, Any] = {}

    def begin(self) -> None:
        """Begin another customer; no plan is chosen."""
        self.asked, self.chosen = set(), ()
        self._worked_out.clear()

    def holds(self, names: Names, plan: int, profile: int) -> bool:
        del names, profile
        self.asked.add(plan)
        return plan in self.chosen

    def once(self, what: object, work_out: Callable[[], T]) -> T:
        known = self._worked_out
        if what not in known:
            known[what] = work_out()
        found: T = known[what]
        return found


class GroupCollector(Generic[S]):
    """Takes the customers of one partition, slice by slice; its names may grow meanwhile."""

    def __init__(self, names: Names, question: ScanQuestion[S]) -> None:
        """Begin without customers; `names` are what their numbers stand for."""
        self._names, self._question, self._chooser = names, question, _PlanChooser()
        self._nobody = question.make(self._chooser)
        self._scans: dict[GroupKey, S] = {}
        self._others: list[Taken] = []

    def take(self, customers: Iterable[Taken]) -> None:
        """Take some customers."""
        chooser, take = self._chooser, self._question.take
        for taken in customers:
            chooser.begin()
            take(self._nobody, taken)
            asked = tuple(sorted(chooser.asked))
            if len(asked) > MOST_PLANS:
                self._others.append(taken)
                continue
            for chosen in _choices(asked):
                chooser.chosen = chosen
                take(self._scan(GroupKey(taken.customer.profile, asked, chosen)), taken)
            assert len(chooser.asked) == len(asked), "a scan asks for all plans where none is chosen"

    def groups(self) -> Groups[S]:
        """Return what was found in all who were taken."""
        return Groups(self._names, self._nobody, self._scans, self._others)

    def _scan(self, key: GroupKey) -> S:
        found = self._scans.get(key)
        if found is None:
            found = self._scans[key] = self._question.make(self._chooser)
        return found


@lru_cache(1_024)
def _choices(asked: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return all choices of some plans but that of none."""
    return tuple(chosen for count in range(1, len(asked) + 1) for chosen in combinations(asked, count))


def summed_up(parts: Iterable[Groups[S]], question: ScanQuestion[S], where: Filter | None) -> S:
    """Return what a scan of all customers under a filter finds."""
    whole = question.make(where)
    for part in parts:
        chooser = Chooser(where)
        whole.add(part.nobody)
        for key, scan in part.scans.items():
            if all((plan in key.chosen) == chooser.holds(part.names, plan, key.profile) for plan in key.asked):
                whole.add(scan)
        for taken in part.others:
            question.take(whole, taken)
    return whole
