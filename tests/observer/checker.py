"""A checker that knows nothing of the product: of what was sent, and of what was shown, does each explain the other?

It is told which records were sent, on which partition of which topic and when, and what each worker showed at a time:
whose partitions it counted, under which marks, and the counts. Each topic's partition is read in its order, so that
whatever is shown must be the numbers of a prefix of each, taken together; and while nothing is marked, prefixes only
grow. Counts that go back because of a late event or a revocation are those of a longer prefix; whatever else goes back
needs a mark: another owner, a conflict that was counted, a scrape without the partition.

Numbers come from `tests.recount`. Not here: how scrapes are read (`tests.observer.scrapes`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from tests.recount.counts import STOCKS, WINDOW_COUNTS
from tests.recount.customers import read
from tests.recount.decoding import decode
from tests.recount.options import Options
from tests.recount.records import record_of
from tests.recount.refusals import RefusedError
from tests.recount.report import report, windows_at

Lane = tuple[str, int]
Cut = tuple[int, ...]
_Hashes = NDArray[np.uint64]
#: more ways in which partitions may have been cut are not tried (count)
_MOST_WAYS: Final = 4_000_000
_MOST_CUTS: Final = 20_000


class SentRecord(NamedTuple):
    """A record that was sent.

    Attributes:
        topic: Where to.
        partition: Of the topic.
        value: Its bytes.
        sent_seconds: Before that, nobody can have seen it.
    """

    topic: str
    partition: int
    value: bytes
    sent_seconds: float


class Shown(NamedTuple):
    """What somebody showed.

    Attributes:
        who: Its name.
        seconds: When it had been shown.
        marks: Of each partition in the counts: two that differ explain why less is counted in between.
        as_of_ms: The instant that the counts are as of (ms since 1970).
        counts: By name; those of a window as "window/name".
    """

    who: str
    seconds: float
    marks: Mapping[int, object]
    as_of_ms: int
    counts: Mapping[str, int]


class Violation(NamedTuple):
    """Something shown that nothing explains."""

    shown: Shown
    reason: str


class Checker:
    """Checks what is shown, in the order in which it was shown.

    Args:
        sent: All that was sent, each topic's partition in its order.
        options: What the numbers depend on.
    """

    def __init__(self, sent: Iterable[SentRecord], options: Options) -> None:
        self._options = options
        self._lanes: dict[int, dict[Lane, list[SentRecord]]] = {}
        for record in sent:
            lanes = self._lanes.setdefault(record.partition, {})
            lanes.setdefault((record.topic, record.partition), []).append(record)
        #: which prefixes may have been counted, by who showed it, the partition, and its mark
        self._known: dict[tuple[str, int], tuple[object, set[Cut]]] = {}
        #: by partition and customer, what each topic has of it, in the order of their names
        self._shares = {number: _shares(lanes, options) for number, lanes in self._lanes.items()}
        #: sets of names of counts that were shown, each once
        self._names: dict[frozenset[str], frozenset[str]] = {}
        #: by customer, instant, names of counts, and how many of the customer's records of each topic are counted
        self._values: dict[tuple[str, int, frozenset[str], Cut], int] = {}
        self.violations: list[Violation] = []
        #: looks that were decided, and others, of which there were too many ways (counts)
        self.decided = 0
        self.undecided = 0

    def look(self, shown: Shown) -> None:
        """Check one thing that was shown."""
        absent = [(who, number) for who, number in self._known if who == shown.who and number not in shown.marks]
        for whose in absent:  # not counted in this one: whatever it shows next is explained
            del self._known[whose]
        if not shown.marks:
            self._expect_nothing(shown)
            return
        partitions = sorted(shown.marks)
        free = [self._cuts(number, shown.seconds) for number in partitions]
        bound = [self._not_before(shown, number, cuts) for number, cuts in zip(partitions, free, strict=True)]
        if not self._is_decidable(free):
            self.undecided += 1
            return
        self.decided += 1
        found = self._explained(shown, partitions, bound)
        if found is None:
            found = self._explained(shown, partitions, free)
            reason = "no prefix of what was sent explains it" if found is None else "it goes back, and no mark says why"
            self.violations.append(Violation(shown, reason))
        for place, number in enumerate(partitions):
            cuts = free[place] if found is None else found[place]
            self._known[shown.who, number] = (shown.marks[number], set(cuts))

    def _expect_nothing(self, shown: Shown) -> None:
        self.decided += 1
        if any(shown.counts.values()):
            self.violations.append(Violation(shown, "counts are shown, and no partition is said to be counted"))

    def _cuts(self, number: int, seconds: float) -> list[Cut]:
        """Return all prefixes of a partition's topics of what was sent by a time."""
        lanes = self._lanes.get(number, {})
        lengths = [sum(record.sent_seconds <= seconds for record in lane) for _, lane in sorted(lanes.items())]
        ways = int(np.prod([length + 1 for length in lengths], dtype=np.int64)) if lengths else 1
        if ways > _MOST_CUTS:
            return []
        return list(product(*(range(length + 1) for length in lengths)))

    def _not_before(self, shown: Shown, number: int, cuts: list[Cut]) -> list[Cut]:
        """Return the prefixes that are no shorter than one that was shown under the same mark."""
        known = self._known.get((shown.who, number))
        if known is None or known[0] != shown.marks[number]:
            return cuts
        before = np.array(sorted(known[1]), np.int64)
        if not before.size:
            return cuts
        after = np.array(cuts, np.int64)
        longer = np.zeros(len(cuts), bool)
        for cut in before:
            longer |= (after >= cut).all(axis=1)
        return [cut for cut, is_longer in zip(cuts, longer.tolist(), strict=True) if is_longer]

    def _is_decidable(self, ways: Sequence[Sequence[Cut]]) -> bool:
        half = len(ways) // 2
        sizes = [np.prod([len(cuts) for cuts in part], dtype=np.float64) for part in (ways[:half], ways[half:])]
        return all(ways) and bool(max(sizes) <= _MOST_WAYS)

    def _explained(
        self, shown: Shown, partitions: Sequence[int], ways: Sequence[Sequence[Cut]]
    ) -> list[list[Cut]] | None:
        """Return the prefixes of each partition that can explain what is shown; None: none can."""
        names = self._names.setdefault(frozenset(shown.counts), frozenset(shown.counts))
        wanted = np.uint64(sum(shown.counts[name] * _weight(name) for name in shown.counts) % 2**64)
        hashes = [
            np.array([self._value(number, cut, shown.as_of_ms, names) for cut in cuts], np.uint64)
            for number, cuts in zip(partitions, ways, strict=True)
        ]
        if not all(len(some) for some in hashes):
            return None
        half = len(hashes) // 2
        left, right = _sums(hashes[:half]), _sums(hashes[half:])
        missing = (wanted - left).astype(np.uint64)
        of_left, of_right = np.isin(missing, right), np.isin(right, missing)
        if not of_left.any():
            return None
        return [
            *_used(ways[:half], of_left),
            *_used(ways[half:], of_right),
        ]

    def _value(self, number: int, cut: Cut, as_of_ms: int, names: frozenset[str]) -> int:
        """Return what stands for the counts of a prefix: counts are sums over customers."""
        total = 0
        for customer, shares in self._shares.get(number, {}).items():
            lengths = tuple(bisect_left(share.places, end) for share, end in zip(shares, cut, strict=True))
            if not any(lengths):
                continue
            own = (customer, as_of_ms, names, lengths)
            if own not in self._values:
                values = [value for share, end in zip(shares, lengths, strict=True) for value in share.values[:end]]
                counts = counts_of(values, as_of_ms, self._options)
                self._values[own] = sum(counts.get(name, 0) * _weight(name) for name in names)
            total += self._values[own]
        return total % 2**64


class _Share(NamedTuple):
    """The records of one customer in one topic's partition: their places in it, and their values."""

    places: list[int]
    values: list[bytes]


def _shares(lanes: Mapping[Lane, Sequence[SentRecord]], options: Options) -> dict[str, list[_Share]]:
    """Return what is there of each customer, lane by lane in the order of their names; what is refused is nobody's."""
    found: dict[str, list[_Share]] = {}
    for number, (_, lane) in enumerate(sorted(lanes.items())):
        for place, record in enumerate(lane):
            customer = _customer_of(record.value, options)
            if customer is not None:
                share = found.setdefault(customer, [_Share([], []) for _ in lanes])[number]
                share.places.append(place)
                share.values.append(record.value)
    return found


def _customer_of(value: bytes, options: Options) -> str | None:
    """Return whose record it is; None where it is refused, and changes no count."""
    try:
        return decode(record_of(value), options).customer_id
    except RefusedError:
        return None


def counts_of(values: Sequence[bytes], as_of_ms: int, options: Options) -> dict[str, int]:
    """Return all counts of some records as of an instant, as `Shown` has them."""
    found = report(read(values, options), as_of_ms, windows_at(as_of_ms, options))
    totals, windows = found["totals"], found["windows"]
    assert isinstance(totals, dict)
    assert isinstance(windows, dict)
    counts = {name: totals[name] for name in STOCKS}
    for window, numbers in windows.items():
        counts |= {f"{window}/{name}": numbers[name] for name in WINDOW_COUNTS}
    return counts


@cache
def _weight(name: str) -> int:
    """Return a number of its own for each count, so that a sum of products stands for all of them."""
    return xxhash.xxh3_64_intdigest(name.encode())


def _sums(hashes: Sequence[_Hashes]) -> _Hashes:
    """Return the sums of one of each, the last ones running fastest."""
    found = np.zeros(1, np.uint64)
    for some in hashes:
        found = (found[:, None] + some[None, :]).ravel()
    return found


def _used(ways: Sequence[Sequence[Cut]], fits: NDArray[np.bool_]) -> list[list[Cut]]:
    """Return which prefixes of each partition are part of a sum that fits."""
    table = fits.reshape([len(cuts) for cuts in ways]) if ways else fits
    found: list[list[Cut]] = []
    for place, cuts in enumerate(ways):
        others = tuple(axis for axis in range(len(ways)) if axis != place)
        fitting: list[bool] = np.any(table, axis=others).tolist()
        found.append([cut for cut, fit in zip(cuts, fitting, strict=True) if fit])
    return found
