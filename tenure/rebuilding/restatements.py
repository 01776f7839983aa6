"""Restatements of periods that are over, on their way to new tables: they go where the customers of their events go.

A partition strikes the names of its own customers alone when somebody is forgotten, so that the restatement by an event
has to lie where its customer does. Whose the late activity of an hour is, nobody knows: it loses its name instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from kpis.customer.customer import feedback_of, life_of
from kpis.customer.deduplication import identity_of
from kpis.customer.state import Customer
from kpis.fold.restatements import decode, moved_away, unnamed
from schemas.events import Activity, Onboarding
from streams.settings.settings import Settings
from streams.tables import PeriodUpdate, Restated, Tables

_WITHOUT_IDENTITY = (Activity.TYPE, Onboarding.TYPE)


class MovedRestatements:
    """The restatements of a stream, by partition, and where they come to lie.

    Args:
        settings: Of the stream.
        in_use: Partitions that have something stored (count).
        moves: Whether customers change their partition.
    """

    def __init__(self, settings: Settings, *, in_use: int, moves: bool) -> None:
        self._settings = settings
        self._in_use = in_use
        self._moves = moves
        self._stored: list[dict[str, Restated]] = []
        #: by partition, the hashes of events that restated something, and of these those that `read` found last
        self._wanted: list[set[bytes]] = []
        self._new: list[set[bytes]] = []
        #: by partition and hash of an event, the partition that its customer comes to lie on
        self._homes: dict[tuple[int, bytes], int] = {}

    async def read(self, source: Tables) -> None:
        """Read what is stored."""
        self._stored = []
        for number in range(self._in_use):
            periods = list(await source.restated(number))
            self._stored.append(await source.restated(number, periods))
        before = self._wanted or [set()] * self._in_use
        self._wanted = [_identities(restated) if self._moves else set() for restated in self._stored]
        self._new = [now - known for now, known in zip(self._wanted, before, strict=True)]

    def has_new(self, state: bytes, origin: int) -> bool:
        """Return whether a state has the event of a restatement that came between the last two reads.

        The state itself may have been read before with the event in it.
        """
        return any(identity in state for identity in self._new[origin])  # it lies there as it is

    def meet(self, customer: Customer, origin: int, home: int) -> None:
        """Learn where a customer comes to lie."""
        wanted = self._wanted[origin]
        if not wanted or origin == home:
            return
        facts = [*life_of(customer), *feedback_of(customer), *(customer.rare.revocations if customer.rare else ())]
        for fact in facts:
            if fact.identity in wanted:
                self._homes[origin, fact.identity] = home

    def updates(self) -> Mapping[int, Sequence[PeriodUpdate]]:
        """Return what is to be stored, by partition."""
        out: dict[int, dict[str, _Period]] = defaultdict(dict)
        for number, restated in enumerate(self._stored):
            for period, known in restated.items():
                mine = out[number].setdefault(period, _Period())
                mine.add_sums(known.revision, known.changes)
                for stored in known.entries:
                    home = self._home(number, stored)
                    if home == number:
                        mine.entries.append(self._kept(stored))
                        continue
                    changes = decode(stored).changes
                    theirs = out[home].setdefault(period, _Period())
                    mine.add_sums(-1, {name: -change for name, change in changes.items()})
                    theirs.add_sums(1, changes)
                    theirs.entries.append(moved_away(stored, number))
        return defaultdict(
            tuple,
            {
                number: [found.update(period) for period, found in sorted(by_period.items())]
                for number, by_period in out.items()
            },
        )

    def _home(self, number: int, stored: bytes) -> int:
        found = decode(stored)
        if not self._moves or found.events != 1 or not found.event_id:
            return number
        return self._homes.get((number, identity_of(found.event_source, found.event_id)), number)

    def _kept(self, stored: bytes) -> bytes:
        return unnamed(stored) if self._moves and decode(stored).event_type in _WITHOUT_IDENTITY else stored


class _Period:
    """All restatements of a period that one partition comes to hold."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self._revision = 0
        self._changes: dict[str, int] = {}

    def add_sums(self, revisions: int, changes: Mapping[str, int]) -> None:
        self._revision += revisions
        for name, change in changes.items():
            self._changes[name] = self._changes.get(name, 0) + change

    def update(self, period: str) -> PeriodUpdate:
        """Return what is to be stored, in the order in which the records arrived."""
        ordered = sorted(self.entries, key=lambda stored: decode(stored).arrived_at_ms)
        return PeriodUpdate(period, ordered, self._revision, self._changes)


def _identities(restated: Mapping[str, Restated]) -> set[bytes]:
    """Return the hashes of the events that restated something, those that have an id of their own."""
    entries = [decode(stored) for known in restated.values() for stored in known.entries]
    return {
        identity_of(each.event_source, each.event_id)
        for each in entries
        if each.events == 1 and each.event_id and each.event_type not in _WITHOUT_IDENTITY
    }
