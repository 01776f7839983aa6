"""Cancellations by reason, survey answers and feature use: counts in two windows.

Customers are taken some at a time, from any partition and in any order. Partitions number their names differently, so
everything is added up by name.
Pure: who reads the states is `tenure.reports.reasons`. Definitions: docs/definitions.md, section "Cohorts and
lifetime".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from kpis.choosing.chooser import Choice, chooser_of
from kpis.customer.customer import activity_of
from kpis.customer.features import features_of
from kpis.customer.feedback_codes import ANSWERED
from kpis.customer.movements import leaving_of
from kpis.customer.state import Customer
from kpis.customer.what_counts import WhatCounts
from kpis.members.view import View, Window
from kpis.names import NONE, OTHER, Names

#: Reasons, and features, that are shown by name (count).
SHOWN: Final = 20


class Line(NamedTuple):
    """A reason or a feature, with its counts in the window, and in the window before it."""

    name: str
    amount: int
    before: int
    #: of `amount`, cancellations that were involuntary
    involuntary: int = 0
    #: of cancellations in the window, the MRR that was lost by them (minor units)
    lost_mrr: int = 0

    @property
    def change(self) -> int:
        """By how much the count rose since the window before."""
        return self.amount - self.before


class Ranking(NamedTuple):
    """The largest SHOWN by name, and the rest as one; `total` is their sum."""

    lines: list[Line]
    total: Line


class _Sums:
    """Counts by name, in two windows."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.before: Counter[str] = Counter()
        self.involuntary: Counter[str] = Counter()
        self.lost_mrr: Counter[str] = Counter()

    def add(self, other: _Sums) -> None:
        """Take the counts of others too."""
        self.now.update(other.now)
        self.before.update(other.before)
        self.involuntary.update(other.involuntary)
        self.lost_mrr.update(other.lost_mrr)

    def ranking(self, shown: int) -> Ranking:
        names = sorted({*self.now, *self.before}, key=lambda name: (-self.now[name], -self.before[name], name))
        lines = [self._line(name, [name]) for name in [name for name in names if name != OTHER][:shown]]
        rest = [name for name in names if name not in {line.name for line in lines}]
        if rest:
            lines.append(self._line(OTHER, rest))
        return Ranking(lines, self._line("", names))

    def _line(self, name: str, names: Iterable[str]) -> Line:
        parts = list(names)
        return Line(
            name,
            sum(self.now[part] for part in parts),
            sum(self.before[part] for part in parts),
            sum(self.involuntary[part] for part in parts),
            sum(self.lost_mrr[part] for part in parts),
        )


#: Sums by (dimension, value); the sums of all customers are under ("", "").
Found = dict[tuple[str, str], _Sums]


class Reasons:
    """Takes all customers, and counts reasons and features."""

    def __init__(
        self,
        window: Window,
        what: WhatCounts,
        *,
        before_ms: int,
        by: Sequence[str] = (),
        where: Choice = None,
    ) -> None:
        """Begin without customers.

        Args:
            window: The window.
            what: What counts.
            before_ms: The start of the window before it (ms since 1970), which ends where the window starts.
            by: Dimensions whose segments are wanted.
            where: Only what customers did for whom it holds; its plan is the one that segments by plan use.
        """
        self._chooser = chooser_of(where)
        self._window, self._what = window, what
        self._before = Window(before_ms, window.start_ms, window.bucket_ms)
        self._windows = ((self._window, True), (self._before, False))[: 1 if before_ms == window.start_ms else 2]
        self._by = tuple(by)
        self._cancellations: Found = {("", ""): _Sums()}
        self._answers: Found = {("", ""): _Sums()}
        self._features: Found = {("", ""): _Sums()}

    def take(self, names: Names, customers: Iterable[Customer]) -> None:
        """Take some customers of one partition."""
        for customer in customers:
            # One fact alone makes nobody inactive.
            left = customer.facts > 1 and customer.last_at >= self._before.start_ms
            noted = customer.feedback_at >= self._before.start_ms
            used = customer.active_bucket >= self._before.start_ms // self._window.bucket_ms
            if not left and not noted and not used:
                continue
            for window, is_now in self._windows:
                view = View(customer, window, self._what)
                if left:
                    self._take_cancellations(view, names, is_now=is_now)
                if noted:
                    self._take_answers(view, names, is_now=is_now)
                if used:
                    self._take_features(view, names, is_now=is_now)

    def add(self, other: Reasons) -> None:
        """Take the customers of another scan too."""
        pairs = ((self._cancellations, other._cancellations), (self._answers, other._answers))
        for mine, its in (*pairs, (self._features, other._features)):
            for segment, sums in its.items():
                mine.setdefault(segment, _Sums()).add(sums)

    def cancellations(self, *, shown: int = SHOWN) -> dict[tuple[str, str], Ranking]:
        """Return cancellations by reason, of each (dimension, value); ("", "") is all customers."""
        return _rankings(self._cancellations, shown)

    def answers(self, *, shown: int = SHOWN) -> dict[tuple[str, str], Ranking]:
        """Return answered surveys by reason, as `cancellations` does."""
        return _rankings(self._answers, shown)

    def features(self, *, shown: int = SHOWN) -> dict[tuple[str, str], Ranking]:
        """Return engaged customers by feature; `other` and totals count a customer once for each feature."""
        return _rankings(self._features, shown)

    def _take_cancellations(self, view: View, names: Names, *, is_now: bool) -> None:
        for movement in view.movements:
            if movement.departure is None:
                continue
            leaving = leaving_of(movement.departure)
            reason = leaving.slug if leaving.number is None else names.reason_names[leaving.number]
            for sums in self._sums(self._cancellations, view, names, movement.departed.plan):
                (sums.now if is_now else sums.before)[reason] += 1
                if is_now:
                    sums.lost_mrr[reason] += movement.departed.mrr
                if is_now and leaving.is_involuntary:
                    sums.involuntary[reason] += 1

    def _take_answers(self, view: View, names: Names, *, is_now: bool) -> None:
        for item in view.feedback:
            if item.code in ANSWERED:
                reason = names.reason_names[item.reason] or NONE
                for sums in self._sums(self._answers, view, names, view.plan_of_feedback(item)):
                    (sums.now if is_now else sums.before)[reason] += 1

    def _take_features(self, view: View, names: Names, *, is_now: bool) -> None:
        if not view.end.active or not view.active_buckets:
            return
        first, last = view.active_buckets[0], view.active_buckets[-1]
        for feature, buckets in features_of(view.customer, activity_of(view.customer)).items():
            if any(first <= bucket <= last for bucket in buckets):
                name = names.feature_names[feature] or NONE
                for sums in self._sums(self._features, view, names, view.end.plan):
                    (sums.now if is_now else sums.before)[name] += 1

    def _sums(self, found: Found, view: View, names: Names, plan: int) -> Iterable[_Sums]:
        """Return the sums of all customers and of the segments that a fact belongs to; none where it is not chosen."""
        if not self._chooser.holds(names, plan, view.customer.profile):
            return
        yield found["", ""]
        for dimension in self._by:
            value = names.value_at(dimension, plan, view.customer.profile)
            yield found.setdefault((dimension, value), _Sums())


def _rankings(found: Found, shown: int) -> dict[tuple[str, str], Ranking]:
    return {segment: sums.ranking(shown) for segment, sums in sorted(found.items())}
