"""Counts of stays by a key, by their whole days and by whether they have ended, made to be added up.

A scan by groups makes thousands of them, and a filter adds up most: as arrays that takes a fraction of the time and
memory of dictionaries.
Pure. Definitions: docs/definitions.md, section "What keeps customers".
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np

from kpis.arrays import Ints
from kpis.population.lifetime import Durations

#: A stay is one number: that of its key, its days, and one bit for whether it has ended.
_DAY_BITS: Final = 20
_KEY_SHIFT: Final = _DAY_BITS + 1
_BELOW_KEY: Final = (1 << _KEY_SHIFT) - 1
#: Stays that are noted before they are summed up (count).
_ROOM: Final = 2_048

K = TypeVar("K", bound=Hashable)


class _StaySums(NamedTuple):
    """Stays as numbers, each once and in order, and how many there are of each."""

    stays: Ints
    counts: Ints


_NONE: Final = _StaySums(np.zeros(0, np.int64), np.zeros(0, np.int64))


class StayCounts(Generic[K]):
    """Counts of stays by a key."""

    def __init__(self) -> None:
        """Begin without stays."""
        self._numbers: dict[K, int] = {}
        self._noted = array("q")
        self._room = _ROOM
        self._sums: list[_StaySums] = []

    def note(self, key: K, days: int, *, has_left: bool) -> None:
        """Count one stay.

        Args:
            key: What it is counted under.
            days: Its length (whole days).
            has_left: It has ended.
        """
        assert 0 <= days < 1 << _DAY_BITS, f"a stay of {days} days"
        number = self._numbers.setdefault(key, len(self._numbers))
        self._noted.append(number << _KEY_SHIFT | days << 1 | has_left)
        if len(self._noted) >= self._room:
            sums = self._summed()
            self._sums, self._noted, self._room = [sums], array("q"), max(_ROOM, len(sums.stays))

    def add(self, other: StayCounts[K]) -> None:
        """Count the stays of another too, which stays as it is."""
        sums = other._summed()
        numbers = np.array([self._numbers.setdefault(key, len(self._numbers)) for key in other._numbers], np.int64)
        if len(sums.stays):
            stays = numbers[sums.stays >> _KEY_SHIFT] << _KEY_SHIFT | sums.stays & _BELOW_KEY
            self._sums.append(_StaySums(stays, sums.counts))

    def durations(self) -> dict[K, Durations]:
        """Return the stays by key, in the order in which keys came; keys without any are left out."""
        sums = self._summed()
        starts = np.searchsorted(sums.stays, np.arange(len(self._numbers) + 1) << _KEY_SHIFT).tolist()
        days, has_left = (sums.stays & _BELOW_KEY) >> 1, (sums.stays & 1).astype(np.bool_)
        found: dict[K, Durations] = {}
        for key, start, end in zip(self._numbers, starts, starts[1:], strict=False):
            if start == end:
                continue
            mine, left, counts = days[start:end], has_left[start:end], sums.counts[start:end]
            found[key] = Durations(
                dict(zip(mine[left].tolist(), counts[left].tolist(), strict=True)),
                dict(zip(mine[~left].tolist(), counts[~left].tolist(), strict=True)),
            )
        return found

    def _summed(self) -> _StaySums:
        noted = np.array(self._noted, np.int64)
        return _together([*self._sums, _StaySums(noted, np.ones(len(noted), np.int64))])


def _together(parts: Sequence[_StaySums]) -> _StaySums:
    stays, counts = np.concatenate([each.stays for each in parts]), np.concatenate([each.counts for each in parts])
    if not len(stays):
        return _NONE
    order = np.argsort(stays, kind="stable")
    stays = stays[order]
    first = np.flatnonzero(np.concatenate([[True], stays[1:] != stays[:-1]]))
    return _StaySums(stays[first], np.add.reduceat(counts[order], first))
