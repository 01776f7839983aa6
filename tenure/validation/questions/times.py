"""Questions about times: events that lie after their record, and dates without a time of day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from schemas.events import EVENT_TYPES
from schemas.wording import counted, in_words
from tenure.validation.questions.question import EXAMPLES_KEPT, Asked, Mention, Question, SeenEvent, SeenTotals, Weight

_SKEW_MS: Final = 5_000
"""Clocks of machines differ by less where anything sets them."""
_FEWEST: Final = 20
_NEARLY_ALL: Final = 0.95


class AheadOfRecord(Question):
    """Events that happened after their record was written."""

    WANTS = EVENT_TYPES

    def __init__(self) -> None:
        super().__init__()
        self._count = self._largest_ms = 0
        self._examples: list[Mention] = []

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        ahead_ms = seen.time_ms - seen.timestamp_ms
        if ahead_ms <= _SKEW_MS:
            return
        self._count += 1
        self._largest_ms = max(self._largest_ms, ahead_ms)
        if len(self._examples) < EXAMPLES_KEPT:
            said = f"{seen.event.TYPE} of {seen.event.customer_id} lies {ahead_ms // 1000:,} s ahead"
            self._examples.append(Mention(said, seen.number))

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask of clocks."""
        if self._count:
            yield Asked(
                "ahead_of_record",
                Weight.MEDIUM,
                self._count,
                totals.events,
                f"events lie in the future of their record, by up to {self._largest_ms // 1000:,} s",
                "set the producer's clock, and its time zone: local times that are sent with Z lie hours ahead. "
                "What is announced ahead has effective_at for it.",
                self._examples,
            )


class DatesOnly(Question):
    """Types whose events all happen at midnight."""

    WANTS = EVENT_TYPES

    def __init__(self) -> None:
        super().__init__()
        self._all: Counter[str] = Counter()
        self._at_midnight: Counter[str] = Counter()
        self._examples: dict[str, Mention] = {}

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        kind, time = seen.event.TYPE, seen.event.time
        self._all[kind] += 1
        if not (time.hour or time.minute or time.second):
            self._at_midnight[kind] += 1
            if kind not in self._examples:
                said = f"{kind} of {seen.event.customer_id} at {time.isoformat()}"
                self._examples[kind] = Mention(said, seen.number)

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether times were dates."""
        del totals
        found = [
            kind
            for kind, count in self._all.items()
            if count >= _FEWEST and self._at_midnight[kind] >= _NEARLY_ALL * count
        ]
        if found:
            count = sum(self._at_midnight[kind] for kind in found)
            yield Asked(
                "dates_only",
                Weight.MEDIUM,
                count,
                sum(self._all[kind] for kind in found),
                f"events of {counted(len(found), 'types')} are at midnight, as if they had dates alone: "
                f"{in_words(found)}",
                "what happens within a day then has no order but `sequence`, and hours mean nothing; send the time "
                "of day, or `sequence`, and the offset of the place whose days these are",
                [self._examples[kind] for kind in found[:EXAMPLES_KEPT]],
            )
