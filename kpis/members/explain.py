"""The members of a number: who makes it up, by how much, by which events and by which rule, and who nearly did.

Customers are taken one at a time, from any partition and in any order; only those that will be shown are kept.
Pure: who reads the states is `tenure.reports.explain`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.pseudonyms import is_pseudonym
from kpis.customer.state import decode
from kpis.customer.what_counts import WhatCounts
from kpis.members.exclusions import Exclusion, Exclusions
from kpis.members.fact_texts import FactText, fact_text
from kpis.members.rules import Membership, Memberships
from kpis.members.view import View, Window
from kpis.names import PLAN, Names


class Why(NamedTuple):
    """One reason why a customer is counted, or is not; `amount` is 0 for those who are not."""

    amount: int
    rule: str
    events: tuple[FactText, ...]


class Member(NamedTuple):
    """A customer, with what they add to the number."""

    customer_id: str
    partition: int
    amount: int
    whys: tuple[Why, ...]


class ForgottenMembers(NamedTuple):
    """The forgotten customers among the members of a number, who are told in one row."""

    #: what they add
    amount: int = 0
    #: who contributes (count of customers)
    customers: int = 0
    #: who nearly does (count of customers)
    near: int = 0


class Explained(NamedTuple):
    """A number and its members: all sums, but only as many customers as were asked for."""

    total: int
    #: of each value of the dimension; where none is asked for by kind, which is "" of most counts
    by_value: dict[str, int]
    #: who contributes (count of customers)
    customers: int
    #: who nearly does (count of customers)
    near: int
    members: list[Member]
    near_misses: list[Member]
    #: who of them is forgotten, and not among the members that are shown
    forgotten: ForgottenMembers = ForgottenMembers()


class Candidate(NamedTuple):
    """A customer who may be a member; what the view works out is shared by all counts that are explained.

    The view is as of the window of whoever takes it.
    """

    customer_id: str
    partition: int
    names: Names
    #: as `kpis.customer.state.encode` wrote it
    state: bytes
    view: View


class _Kept(NamedTuple):
    rank: tuple[int, str]
    customer_id: str
    partition: int
    names: Names
    state: bytes


def _rank(kept: _Kept) -> tuple[int, str]:
    return kept.rank


_T = TypeVar("_T", Membership, Exclusion)


class Explaining:
    """Takes customers, and tells what they add to one count."""

    def __init__(
        self,
        shares: Memberships,
        exclusions: Exclusions | None,
        window: Window,
        what: WhatCounts,
        *,
        limit: int,
        dimension: str | None = None,
        value: str | None = None,
        where: Choice = None,
    ) -> None:
        """Begin without customers.

        Args:
            shares: What a customer adds, such as a function of `kpis.members.rules`.
            exclusions: Why a customer adds nothing; None where nobody asks.
            window: The window.
            what: What counts.
            limit: Members, and near exclusions, that are shown (count).
            dimension: Sums are by its values; None for a count that is told by kind.
            value: Only what belongs to this value of the dimension.
            where: Only what belongs to segments for which it holds.
        """
        self._shares, self._misses, self._window, self._what = shares, exclusions, window, what
        self._limit, self._dimension, self._value, self._chooser = limit, dimension, value, chooser_of(where)
        self._by_value: Counter[str] = Counter()
        self._customers = self._near = 0
        self._members: list[_Kept] = []
        self._missed: list[_Kept] = []
        self._forgotten = ForgottenMembers()

    def take(self, candidate: Candidate) -> None:
        """Take a customer, whose view must be of the same window."""
        customer_id, partition, names, state, view = candidate
        value_of = self._values(view, names)
        amount, there = 0, False
        for share in self._chosen(view, names, value_of):
            self._by_value[value_of(share)] += share.amount
            amount += share.amount
            there = True
        is_near = not there and self._misses is not None and any(True for _ in self._missing(view, names))
        self._customers += there
        self._near += is_near
        if is_pseudonym(customer_id):
            known = self._forgotten
            self._forgotten = ForgottenMembers(known.amount + amount, known.customers + there, known.near + is_near)
        elif there:
            self._keep(self._members, _Kept((-amount, customer_id), customer_id, partition, names, state))
        elif is_near:
            self._keep(self._missed, _Kept((0, customer_id), customer_id, partition, names, state))

    def add(self, other: Explaining) -> None:
        """Take the customers of another that explains the same."""
        self._by_value.update(other._by_value)
        self._customers += other._customers
        self._near += other._near
        pairs = zip(self._forgotten, other._forgotten, strict=True)
        self._forgotten = ForgottenMembers(*(mine + its for mine, its in pairs))
        for kept, its in ((self._members, other._members), (self._missed, other._missed)):
            for one in its:
                self._keep(kept, one)

    def explained(self) -> Explained:
        """Return what was taken so far: the largest shares first, then by customer."""
        return Explained(
            sum(self._by_value.values()),
            dict(sorted(self._by_value.items())),
            self._customers,
            self._near,
            [self._member(kept) for kept in sorted(self._members, key=_rank)[: self._limit]],
            [self._near_miss(kept) for kept in sorted(self._missed, key=_rank)[: self._limit]],
            self._forgotten,
        )

    def _keep(self, kept: list[_Kept], one: _Kept) -> None:
        kept.append(one)
        if len(kept) >= 4 * self._limit + 64:
            kept.sort(key=_rank)
            del kept[self._limit :]

    def _values(self, view: View, names: Names) -> Callable[[Membership], str]:
        dimension = self._dimension
        if dimension is None:
            return _kind_of
        if dimension == PLAN:
            return lambda share: names.plan_names[share.plan]
        fixed = names.value_of(dimension, view.customer.profile)
        return lambda _: fixed

    def _chosen(self, view: View, names: Names, value_of: Callable[[Membership], str]) -> Iterator[Membership]:
        """Yield the shares of the segments that are asked for."""
        for share in self._shares(view):
            if self._value in (None, value_of(share)) and self._holds(view, names, share.plan):
                yield share

    def _holds(self, view: View, names: Names, plan: int) -> bool:
        """Return whether the filter holds of a customer on a plan."""
        return self._chooser.holds(names, plan, view.customer.profile)

    def _missing(self, view: View, names: Names) -> Iterator[Exclusion]:
        """Yield near exclusions of the segment; by plan, of those who are or were on it at either end of the window."""
        assert self._misses is not None
        if not any(self._holds(view, names, plan) for plan in (view.start.plan, view.end.plan)):
            return
        if self._value is not None:
            if self._dimension == PLAN:
                values = {names.plan_names[view.start.plan], names.plan_names[view.end.plan]}
            else:
                values = {self._values(view, names)(Membership(0, 0, "", ()))}
            if self._value not in values:
                return
        yield from self._misses(view)

    def _member(self, kept: _Kept) -> Member:
        view = View(decode(kept.state), self._window, self._what)
        value_of = self._values(view, kept.names)
        found = self._chosen(view, kept.names, value_of)
        whys = tuple(self._why(share, share.amount, kept.names) for share in found)
        return Member(kept.customer_id, kept.partition, -kept.rank[0], whys)

    def _near_miss(self, kept: _Kept) -> Member:
        view = View(decode(kept.state), self._window, self._what)
        whys = tuple(self._why(exclusion, 0, kept.names) for exclusion in self._missing(view, kept.names))
        return Member(kept.customer_id, kept.partition, 0, whys)

    def _why(self, found: _T, amount: int, names: Names) -> Why:
        return Why(amount, self._window.rule_text(found.why), tuple(fact_text(fact, names) for fact in found.facts))


def _kind_of(share: Membership) -> str:
    return share.kind
