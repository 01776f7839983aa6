"""The targets that KPIs are meant to keep to, and every change that was ever made to them.

One append-only log is the only truth: the last change of a KPI and window is what holds. Nothing is overwritten, so
that nobody's change can lose another's, and the audit cannot disagree with the values.
What a valid target is, says `tenure.operations.targets`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from streams.errors import CheckFailed
from streams.tables import Tables

_LOG: Final = "targets"
ALL: Final = "all"
"""The dimension of all customers."""


class TargetPlace(NamedTuple):
    """A KPI of some customers in a window, of which there is one target or none."""

    kpi: str
    window: str
    dimension: str
    segment: str


class TargetChange(msgspec.Struct, frozen=True):
    """A change of the target of one KPI in one window.

    Attributes:
        kpi: The name of a ratio, as in `schemas.catalogue.ratios`.
        window: "30d", "month".
        value: What it should be, as the ratio is counted (0.9, not 90); None takes the target back.
        owner: Who answers for it.
        review_at_ms: When the owner looks at it again (ms since 1970 UTC).
        changed_by: Who said so.
        changed_at_ms: When (ms since 1970 UTC, by the clock of the machine it was said on).
        note: Why, in words; may be empty.
        dimension: Of a segment: "plan"; `all` for all customers.
        segment: The segment's value; empty for all customers.
    """

    kpi: str
    window: str
    value: float | None
    owner: str
    review_at_ms: int
    changed_by: str
    changed_at_ms: int
    note: str = ""
    dimension: str = ALL
    segment: str = ""

    @property
    def place(self) -> TargetPlace:
        """The KPI, window and customers that it is of; of each only the last change holds."""
        return TargetPlace(self.kpi, self.window, self.dimension, self.segment)


class Audited(NamedTuple):
    """A change, and what held before it."""

    change: TargetChange
    before: TargetChange | None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(TargetChange).decode


class TargetStore:
    """The targets of a stream in its tables; remembers what it has read, and asks only for what came since."""

    def __init__(self, tables: Tables) -> None:
        """Read nothing yet."""
        self._tables = tables
        self._entries: list[bytes] = []
        self._changes: list[TargetChange] = []

    async def append(self, change: TargetChange) -> None:
        """Add a change.

        Raises:
            TablesUnavailable: Redis does not answer; whether the change is there, `changes` tells.
        """
        await self._tables.append(_LOG, _encode(_stored(change)))

    async def changes(self) -> list[TargetChange]:
        """Return all changes, the earliest first.

        Raises:
            TablesUnavailable: Redis does not answer.
            CheckFailed: An entry is none that this version can read.
        """
        known = len(self._entries)
        # From the last known one on: where that is another now, Redis came back from an earlier moment.
        found = await self._tables.entries(_LOG, max(0, known - 1))
        if known and found[:1] != self._entries[-1:]:
            self._entries, self._changes = [], []
            found = await self._tables.entries(_LOG)
        elif known:
            found = found[1:]
        fresh = [_read(entry, len(self._entries) + n) for n, entry in enumerate(found, 1)]
        self._entries += found
        self._changes += fresh
        return list(self._changes)

    async def current(self) -> list[TargetChange]:
        """Return the targets that hold, by KPI and window.

        Raises:
            TablesUnavailable: Redis does not answer.
            CheckFailed: As `changes`.
        """
        return holding(await self.changes())


def holding(changes: Iterable[TargetChange]) -> list[TargetChange]:
    """Return what holds after some changes: the last of each KPI and window that was not taken back."""
    last = {change.place: change for change in changes}
    return [last[place] for place in sorted(last) if last[place].value is not None]


def audit(changes: Iterable[TargetChange]) -> list[Audited]:
    """Return each change with what held before it, the earliest first."""
    last: dict[TargetPlace, TargetChange] = {}
    out: list[Audited] = []
    for change in changes:
        out.append(Audited(change, last.get(change.place)))
        last[change.place] = change
    return out


def _stored(change: TargetChange) -> TargetChange:
    """Return a change as it is stored: a segment stands in the KPI, as in "churn_standard@plan=pro".

    A version that knows no segments would take a target of one for that of all customers; so it is of a KPI that it
    knows nothing of.
    """
    if change.dimension == ALL:
        return change
    kpi = f"{change.kpi}@{change.dimension}={change.segment}"
    return msgspec.structs.replace(change, kpi=kpi, dimension=ALL, segment="")


def _read(entry: bytes, number: int) -> TargetChange:
    try:
        change = _decode(entry)
    except msgspec.DecodeError as error:
        raise CheckFailed(
            f"change {number} of the targets in Redis cannot be read ({error}): use the version of tenure that wrote it"
        ) from error
    kpi, of_segment, where = change.kpi.partition("@")
    if not of_segment:
        return change
    dimension, _, segment = where.partition("=")
    return msgspec.structs.replace(change, kpi=kpi, dimension=dimension, segment=segment)
