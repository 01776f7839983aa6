"""The seam for questions: each sees events one after the other, then customers one after the other, and then asks.

A question holds bounded memory, whatever it sees; where it stopped counting, it says so in `gave_up`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final, NamedTuple

from kpis.customer.facts import LifecycleFact
from kpis.members.view import View
from kpis.names import Names
from schemas.events import Event

EXAMPLES_KEPT: Final = 3
HASHES_KEPT: Final = 1_000_000
"""Ids that a question tells apart (count)."""


class Weight(StrEnum):
    """The weight of a question: what is at stake."""

    #: numbers are wrong, if it is a mistake
    HIGH = "high"
    #: numbers are misleading, or some are empty
    MEDIUM = "medium"
    #: worth knowing
    LOW = "low"


class SeenEvent(NamedTuple):
    """An event that would be applied, as a question sees it.

    Attributes:
        event: As decoded.
        time_ms: Its member `time` (ms since 1970).
        timestamp_ms: When its record reaches the log, or reached it (ms since 1970).
        number: Its place, as the source numbers them.
    """

    event: Any
    time_ms: int
    timestamp_ms: int
    number: int


class Kept(NamedTuple):
    """A customer after all events, as a question sees it.

    Attributes:
        customer_id: The id.
        view: The state, with all facts in the window.
        names: The tables of its numbers.
        facts: Those of the timeline that are not revoked, in order.
        has_refused: Whether a record of theirs was refused: what is missing may be in it.
    """

    customer_id: str
    view: View
    names: Names
    facts: Sequence[LifecycleFact]
    has_refused: bool


@dataclass
class SeenTotals:
    """Counts over all events, known once the last one is taken.

    Attributes:
        by_type: Events that are applied or repeated, by type.
        refused_signups: Records that are refused, and say that they are signups.
        tests: Events that are marked as tests.
        conflicts: Repetitions that differ from what was said first.
        customers: Customers of whom anything is known.
        effectless: Facts without effect, by kind.
        first_ms: Earliest event time; -1 without events (ms since 1970).
        last_ms: Latest event time (ms since 1970).
    """

    by_type: dict[str, int] = field(default_factory=dict)
    refused_signups: int = 0
    tests: int = 0
    conflicts: int = 0
    customers: int = 0
    effectless: dict[str, int] = field(default_factory=dict)
    first_ms: int = -1
    last_ms: int = -1

    @property
    def events(self) -> int:
        """All events that are applied or repeated (count)."""
        return sum(self.by_type.values())


class Mention(NamedTuple):
    """An example: what it is, and the number of its event; None where it has none."""

    said: str
    number: int | None = None


@dataclass(frozen=True)
class Asked:
    """A question that the events raise.

    Attributes:
        name: A slug, for scripts.
        weight: What is at stake.
        count: Of what it is about.
        of: Out of so many; None where that says nothing.
        what: One sentence.
        advice: What to do, or why it may be right.
        examples: The first three.
    """

    name: str
    weight: Weight
    count: int
    of: int | None
    what: str
    advice: str
    examples: Sequence[Mention] = ()


class Question:
    """The base of all questions: sees nothing, and asks nothing.

    Attributes:
        WANTS: Types of the events that `take` is given; none by default.
        gave_up: Where it stopped counting, in words; empty where it did not.
    """

    WANTS: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(self) -> None:
        self.gave_up = ""

    def take(self, seen: SeenEvent) -> None:
        """See an event, in the order of the source; repetitions are seen too."""

    def look(self, kept: Kept) -> None:
        """See a customer, once all events are taken; in no order."""

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Yield what there is to ask."""
        del totals
        yield from ()
