"""Members that no event type has, counted by name: what they hold is not read, and one may be misspelt.

A member of another type is no such member: rows of a table have columns for all types. Bounded, whatever a file has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from schemas.documents.ignored import IgnoredMember, IgnoredMembers
from schemas.events import COMMON_MEMBERS, EVENT_TYPES, PRICE_BY_AMOUNT, Event, Signup, common_members
from schemas.wording import counted, nearest
from tenure.files.findings import EXAMPLES_KEPT, IGNORED, Example, Findings

NAMES_SHOWN: Final = 20
NAMES_KEPT: Final = 1_000
_CHARACTERS_SHOWN: Final = 64
_BYTES_SHOWN: Final = 4 * _CHARACTERS_SHOWN
_CLOSE: Final = 0.7
"""Names of a file are compared that may mean something else altogether: closer than in a message of a refusal."""
_NULL: Final = b"null"
_SIGNUP_ADVICE: Final = "what it says is not read, unless the setting dimensions names it"


@dataclass
class _Name:
    """One name: the events that have it (count), the first of them, and what may have been meant."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    meant: str | None = None
    of_signup: bool = False


class Ignored:
    """Collects the members that no event type has.

    Args:
        signup: The signup struct, with the dimensions of the settings.

    Attributes:
        known: The members of all types.
    """

    def __init__(self, signup: type[Signup]) -> None:
        types = [signup if event_type is Signup else event_type for event_type in EVENT_TYPES]
        self.known = frozenset(COMMON_MEMBERS).union(*(event_type.OWN_MEMBERS for event_type in types))
        self._names: dict[str, _Name] = {}

    def take(self, event: Event, members: Mapping[str, msgspec.Raw], place: Callable[[], str]) -> None:
        """Take the members of an event as they were sent.

        Args:
            event: What was read of them.
            members: All of them.
            place: Returns where the event is; asked for examples alone.
        """
        for name in members.keys() - self.known:
            raw = bytes(members[name])
            if raw != _NULL:
                self._take(name, raw, event, members, place)

    def _take(
        self, name: str, raw: bytes, event: Event, members: Mapping[str, msgspec.Raw], place: Callable[[], str]
    ) -> None:
        shown = _shortened(name)
        found = self._names.get(shown)
        if found is None:
            if len(self._names) >= NAMES_KEPT:
                return
            found = self._names[shown] = _Name()
        found.count += 1
        if len(found.examples) < EXAMPLES_KEPT:
            found.meant = found.meant or _meant(name, event, members)
            found.of_signup = found.of_signup or isinstance(event, Signup)
            value = _shortened(raw[:_BYTES_SHOWN].decode("utf-8", "replace"))
            found.examples.append(f"{place()}: {shown}: {event.TYPE} has no such member; got {value}")

    def document(self) -> IgnoredMembers | UnsetType:
        """Return what was found, as commands print it; UNSET where there is nothing."""
        if not self._names:
            return UNSET
        return IgnoredMembers(
            members={
                name: IgnoredMember(count=found.count, meant=found.meant, examples=found.examples)
                for name, found in self._shown()
            },
            more=max(0, len(self._names) - NAMES_SHOWN),
        )

    def note_in(self, findings: Findings) -> None:
        """Add what was found to the findings of a file."""
        for name, found in self._shown():
            advice = f"did you mean {found.meant}?" if found.meant else _SIGNUP_ADVICE if found.of_signup else ""
            for number, said in enumerate(found.examples):
                count = found.count - len(found.examples) + 1 if not number else 1
                findings.add(IGNORED, name, partial(Example, said, advice), count=count)
        more = len(self._names) - NAMES_SHOWN
        if more > 0:
            at_least = "at least " if len(self._names) >= NAMES_KEPT else ""
            findings.remark(IGNORED, f"and {at_least}{counted(more, 'more member names')}")

    def _shown(self) -> list[tuple[str, _Name]]:
        by_use = sorted(self._names.items(), key=lambda each: (each[1].meant is None, -each[1].count, each[0]))
        return by_use[:NAMES_SHOWN]


def _meant(name: str, event: Event, members: Mapping[str, msgspec.Raw]) -> str | None:
    """Return the member of the event's type that may have been meant; None where none is close, or it is there."""
    if len(name) > _CHARACTERS_SHOWN:
        return None
    # A price has one form: beside an MRR nobody means an amount.
    there = {*members, *(PRICE_BY_AMOUNT if "mrr_minor" in members else ("mrr_minor",))}
    return nearest(
        name,
        [known for known in (*common_members(type(event)), *event.OWN_MEMBERS) if known not in there],
        cutoff=_CLOSE,
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _CHARACTERS_SHOWN else text[:_CHARACTERS_SHOWN] + "…"
