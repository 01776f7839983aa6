"""Questions about ids that come again: with the same content, or with another.

Whether an event is a repetition, and how many contradict what was said, the fold knows; where they are, is found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from kpis.customer.customer import feedback_of
from kpis.customer.touchpoints import stored_touchpoints
from kpis.references import offset_of
from schemas.events import EVENT_TYPES
from tenure.validation.questions.question import (
    EXAMPLES_KEPT,
    HASHES_KEPT,
    Asked,
    Kept,
    Mention,
    Question,
    SeenEvent,
    SeenTotals,
    Weight,
)

_BYTES_OF_NUMBER: Final = 8
_BYTES_OF_MEMBER: Final = 2
_SEQUENCE: Final = "sequence"
_MASK: Final = (1 << 8 * _BYTES_OF_MEMBER) - 1


class _Conflict(msgspec.Struct):
    """Two events under one id: their numbers, and the number of the one that counts; None where neither does."""

    customer_id: str
    event_id: str
    kind: str
    first: int
    later: int
    differing: list[str]
    counts: int | None = None


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
        self._contradicting = 0
        #: the first ones, by whether their sequence says which one counts
        self._conflicts: dict[bool, list[_Conflict]] = {False: [], True: []}
        self._by_customer: dict[str, list[_Conflict]] = {}

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
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
        else:
            self._take_conflict(event, first, seen.number, _differing(event, known[_BYTES_OF_NUMBER:], content))

    def _take_conflict(self, event: Any, first: int, later: int, differing: list[str]) -> None:
        is_corrected = _SEQUENCE in differing
        self._contradicting += not is_corrected
        examples = self._conflicts[is_corrected]
        if len(examples) < EXAMPLES_KEPT:
            conflict = _Conflict(event.customer_id, event.id, event.TYPE, first, later, differing)
            examples.append(conflict)
            self._by_customer.setdefault(event.customer_id, []).append(conflict)

    def look(self, kept: Kept) -> None:
        """See a customer: which of the events of one id counts, the state says."""
        conflicts = self._by_customer.get(kept.customer_id)
        if conflicts:
            customer = kept.view.customer
            held = [step.fact.reference for step in kept.view.steps]
            held += [item.reference for item in feedback_of(customer)]
            held += [fact.reference for fact in stored_touchpoints(customer)]
            held += [each.reference for each in customer.rare.revocations] if customer.rare is not None else []
            numbers = {offset_of(reference) for reference in held}
            for conflict in conflicts:
                counting = numbers & {conflict.first, conflict.later}
                conflict.counts = counting.pop() if len(counting) == 1 else None

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask about ids that were used twice."""
        contradicting = min(self._contradicting, totals.conflicts)
        corrected = totals.conflicts - contradicting
        if contradicting:
            yield Asked(
                "conflicting_id",
                Weight.HIGH,
                contradicting,
                totals.events,
                "events have the id of another one of their customer and source, and say something else",
                "the one with the earlier time counts, then the one with the lesser values, whichever was meant; give "
                "each event an id of its own, or a correction a greater sequence",
                [self._mention(conflict) for conflict in self._conflicts[False]],
            )
        if corrected:
            yield Asked(
                "corrected_id",
                Weight.LOW,
                corrected,
                totals.events,
                "events have the id of another one of their customer and source, with another sequence and content",
                "the one with the greater sequence counts: right for a correction",
                [self._mention(conflict) for conflict in self._conflicts[True]],
            )

    def _mention(self, conflict: _Conflict) -> Mention:
        which = "the first counts" if conflict.counts == conflict.first else "this one counts"
        counts = "" if conflict.counts is None else f"; {which}"
        differing = ", ".join(conflict.differing) or "type"
        said = (
            f"{conflict.kind} {conflict.event_id} of {conflict.customer_id} differs from an earlier one in {differing}"
        )
        return Mention(said + counts, conflict.later)


def _content(event: Any) -> bytes:
    """Return short hashes of the type, the sequence and all other members, in this order."""
    parts = [hash(type(event).TYPE)]
    parts += [hash(_plain(getattr(event, name))) for name in _members_in_order(event)]
    return b"".join([(part & _MASK).to_bytes(_BYTES_OF_MEMBER) for part in parts])


def _plain(member: Any) -> Any:
    return 0 if member is msgspec.UNSET else member


def _differing(event: Any, known: bytes, content: bytes) -> list[str]:
    """Return the members that differ; of events of different types, which have different ones, the first two alone."""
    names = ["type", *_members_in_order(event)]
    is_same_type = known[:_BYTES_OF_MEMBER] == content[:_BYTES_OF_MEMBER]
    return [
        name
        for n, name in enumerate(names if is_same_type else names[:2])
        if known[n * _BYTES_OF_MEMBER : (n + 1) * _BYTES_OF_MEMBER]
        != content[n * _BYTES_OF_MEMBER : (n + 1) * _BYTES_OF_MEMBER]
    ]


def _members_in_order(event: Any) -> list[str]:
    return [_SEQUENCE, *(name for name in event.__struct_fields__ if name != _SEQUENCE)]
