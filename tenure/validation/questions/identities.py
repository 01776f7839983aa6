"""Questions about ids that come again: with the same content, or with another.

Whether an event is a repetition, and how many contradict what was said, the fold knows; where they are, is found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from kpis.customer.customer import feedback_of
from kpis.references import offset_of
from schemas.events import EVENT_TYPES
from tenure.validation.questions.question import (
    EXAMPLES_KEPT,
    HASHES_KEPT,
    Asked,
    Kept,
    Mention,
    Question,
    Seen,
    Totals,
    Weight,
)

_BYTES_OF_NUMBER: Final = 8
_BYTES_OF_MEMBER: Final = 2
_MASK: Final = (1 << 8 * _BYTES_OF_MEMBER) - 1


class _Conflict(msgspec.Struct):
    """Two events under one id: their numbers, and the number of the one that counts; 0 where neither does."""

    customer_id: str
    event_id: str
    kind: str
    first: int
    later: int
    differing: list[str]
    counts: int = 0


class Repetitions(Question):
    """Events under an id that is known; those with other content are asked about.

    Attributes:
        repeated: The first plain repetitions.
    """

    WANTS = tuple(each for each in EVENT_TYPES if each.HAS_IDENTITY)

    def __init__(self) -> None:
        super().__init__()
        self.repeated: list[Mention] = []
        self._known: dict[int, bytes] = {}
        self._conflicts: list[_Conflict] = []
        self._by_customer: dict[str, list[_Conflict]] = {}

    def take(self, seen: Seen) -> None:
        """See an event."""
        if len(self.repeated) == EXAMPLES_KEPT == len(self._conflicts):
            self._known.clear()
            return
        event = seen.event
        key = hash((event.source, event.customer_id, event.id))
        known = self._known.get(key)
        content = _content(event)
        if known is None:
            if len(self._known) < HASHES_KEPT:
                self._known[key] = seen.number.to_bytes(_BYTES_OF_NUMBER) + content
            else:
                self.gave_up = f"examples of repeated ids: no more than {HASHES_KEPT:,} ids are remembered"
            return
        first = int.from_bytes(known[:_BYTES_OF_NUMBER])
        if known[_BYTES_OF_NUMBER:] == content:
            if len(self.repeated) < EXAMPLES_KEPT:
                said = f"{event.TYPE} {event.id} of {event.customer_id} again"
                self.repeated.append(Mention(said, seen.number))
        elif len(self._conflicts) < EXAMPLES_KEPT:
            differing = _differing(event, known[_BYTES_OF_NUMBER:], content)
            conflict = _Conflict(event.customer_id, event.id, event.TYPE, first, seen.number, differing)
            self._conflicts.append(conflict)
            self._by_customer.setdefault(event.customer_id, []).append(conflict)

    def look(self, kept: Kept) -> None:
        """See a customer: which of the events of one id counts, the state says."""
        conflicts = self._by_customer.get(kept.customer_id)
        if conflicts:
            customer = kept.view.customer
            held = [step.fact.reference for step in kept.view.steps]
            held += [item.reference for item in feedback_of(customer)]
            held += [each.reference for each in customer.rare.revocations] if customer.rare is not None else []
            numbers = {offset_of(reference) for reference in held}
            for conflict in conflicts:
                counting = numbers & {conflict.first, conflict.later}
                conflict.counts = counting.pop() if len(counting) == 1 else 0

    def asked(self, totals: Totals) -> Iterator[Asked]:
        """Ask about ids that were used twice."""
        if not totals.conflicts:
            return
        yield Asked(
            "conflicting_id",
            Weight.HIGH,
            totals.conflicts,
            totals.events,
            "events have the id of another one of their customer and source, and say something else",
            "of two the one with the greater sequence counts, then the earlier one; give each event an id of its own, "
            "or send a greater sequence with a correction",
            [self._mention(conflict) for conflict in self._conflicts],
        )

    def _mention(self, conflict: _Conflict) -> Mention:
        which = "the first counts" if conflict.counts == conflict.first else "this one counts"
        counts = f"; {which}" if conflict.counts else ""
        differing = ", ".join(conflict.differing) or "type"
        said = (
            f"{conflict.kind} {conflict.event_id} of {conflict.customer_id} differs from an earlier one in {differing}"
        )
        return Mention(said + counts, conflict.later)


def _content(event: Any) -> bytes:
    """Return short hashes of all members, in order, the type's first."""
    parts = [hash(type(event).TYPE)]
    parts += [hash(_plain(getattr(event, name))) for name in event.__struct_fields__]
    return b"".join([(part & _MASK).to_bytes(_BYTES_OF_MEMBER) for part in parts])


def _plain(member: Any) -> Any:
    return 0 if member is msgspec.UNSET else member


def _differing(event: Any, known: bytes, content: bytes) -> list[str]:
    if known[:_BYTES_OF_MEMBER] != content[:_BYTES_OF_MEMBER] or len(known) != len(content):
        return ["type"]
    names = event.__struct_fields__
    return [
        name
        for n, name in enumerate(names, 1)
        if known[n * _BYTES_OF_MEMBER : (n + 1) * _BYTES_OF_MEMBER]
        != content[n * _BYTES_OF_MEMBER : (n + 1) * _BYTES_OF_MEMBER]
    ]
