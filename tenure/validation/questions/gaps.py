"""Questions about gaps: hours and days without an event of a type that usually has many then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Final, NamedTuple

from kpis.instants import instant_text
from schemas.events import EVENT_TYPES
from schemas.instants import DAY_MS
from tenure.validation.questions.question import EXAMPLES_KEPT, Asked, Mention, Question, SeenEvent, SeenTotals, Weight

_HOUR_MS: Final = 3_600_000
_WEEKS: Final = 4
"""So many weeks before and after a gap say what is usual."""
_FEWEST_SAMPLES: Final = 4
_EXPECTED: Final = 30.0
"""Where so many events are expected and none is there, it is no chance."""
_LONGEST_DAYS: Final = 7 * _WEEKS
"""So much of a longer gap is judged: what lies further in is too far from what is usual."""
_HOURS_KEPT: Final = 100_000
"""Hours with events, of one type (count)."""


class Gap(NamedTuple):
    """A stretch without an event of a type: its first instant, the instant after it (ms), events expected (count)."""

    kind: str
    start_ms: int
    end_ms: int
    expected: float


class Gaps(Question):
    """Stretches without an event of a type; what is usual is the median of the same hour, or day, of other weeks."""

    WANTS = EVENT_TYPES

    def __init__(self) -> None:
        super().__init__()
        self._hours: dict[str, dict[int, int]] = {}

    def take(self, seen: SeenEvent) -> None:
        """See an event."""
        hours, hour = self._hours.setdefault(seen.event.TYPE, {}), seen.time_ms // _HOUR_MS
        if hour in hours or len(hours) < _HOURS_KEPT:
            hours[hour] = hours.get(hour, 0) + 1
        else:
            self.gave_up = f"gaps: no more than {_HOURS_KEPT:,} hours of a type are told apart"

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether events are missing."""
        del totals
        last = max((max(hours) for hours in self._hours.values()), default=0)
        found = sorted(
            (gap for kind, hours in self._hours.items() for gap in _gaps_of(kind, hours, last)),
            key=lambda gap: (-gap.expected, gap.start_ms, gap.kind),
        )
        if found:
            yield Asked(
                "gaps",
                Weight.HIGH,
                len(found),
                None,
                "stretches have no event of a type that usually has many then",
                "look whether an export was cut there, or a producer stood still; where there was nothing to tell, "
                "all is well",
                [Mention(_said(gap)) for gap in found[:EXAMPLES_KEPT]],
            )


def _said(gap: Gap) -> str:
    start, end = instant_text(gap.start_ms), instant_text(gap.end_ms)
    return f"no {gap.kind} from {start} to {end}, where about {gap.expected:,.0f} are usual"


def _gaps_of(kind: str, hours: Mapping[int, int], last_hour: int) -> Iterator[Gap]:
    days: dict[int, int] = {}
    for hour, count in hours.items():
        days[hour // 24] = days.get(hour // 24, 0) + count
    # The last day may not be over yet: only days before it can be empty.
    of_days = [Gap(kind, a * DAY_MS, b * DAY_MS, expected) for a, b, expected in _empty(days, last_hour // 24, 7)]
    yield from of_days
    for a, b, expected in _empty(hours, last_hour, 7 * 24):
        gap = Gap(kind, a * _HOUR_MS, b * _HOUR_MS, expected)
        if not any(gap.start_ms < day.end_ms and day.start_ms < gap.end_ms for day in of_days):
            yield gap


def _empty(counts: Mapping[int, int], last: int, week: int) -> Iterator[tuple[int, int, float]]:
    """Yield stretches without a count in which many are expected: first, the one after the last, and how many.

    Args:
        counts: By hour or day.
        last: The last hour or day of all types; it may not be over.
        week: Length of a week (hours or days).
    """
    present = sorted(counts)
    first = present[0]
    for before, after in zip(present, [*present[1:], max(last, present[-1] + 1)], strict=True):
        start, end = before + 1, after
        if end <= start:
            continue
        expected = 0.0
        for each in range(start, min(end, start + _LONGEST_DAYS * week // 7)):
            places = [each + n * week for n in range(-_WEEKS, _WEEKS + 1)]
            samples = [counts.get(place, 0) for place in places if first <= place < last and not start <= place < end]
            if len(samples) >= _FEWEST_SAMPLES:
                expected += median(samples)
        if expected >= _EXPECTED:
            yield start, end, expected
