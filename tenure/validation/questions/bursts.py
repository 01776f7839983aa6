"""Questions about bursts: hours in which a source sends far more cancels than it ever does, as a producer gone wild."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from kpis.instants import instant_text
from schemas.events import Cancel, Revoke
from tenure.validation.questions.question import (
    EXAMPLES_KEPT,
    HASHES_KEPT,
    Asked,
    Mention,
    Question,
    SeenEvent,
    SeenTotals,
    Weight,
)

_HOUR_MS: Final = 3_600_000
_FEWEST: Final = 20
_TIMES_USUAL: Final = 10
_FEWEST_DAYS: Final = 7
"""Days with cancels, without which nothing is usual (count)."""
_WILD_DAYS: Final = 2
"""So many days may have been wild: what comes on more of them, such as a nightly batch, is usual (count)."""


class Burst(NamedTuple):
    """An hour of a source: its first instant (ms since 1970), its cancels, and how many are usual (counts)."""

    source: str
    start_ms: int
    cancels: int
    usual: int


class CancelBursts(Question):
    """Hours of a source with far more cancels than usual; what is repeated or revoked is none."""

    WANTS = (Cancel, Revoke)

    def __init__(self) -> None:
        super().__init__()
        self._hours: dict[int, tuple[str, int]] = {}
        #: each source and hour once, however many cancels it has
        self._shared: dict[tuple[str, int], tuple[str, int]] = {}
        self._revoked: set[int] = set()

    def take(self, seen: SeenEvent) -> None:
        """See a cancel, or a revoke of something."""
        event = seen.event
        is_cancel = isinstance(event, Cancel)
        key = hash((event.source, event.customer_id, event.id if is_cancel else event.revokes))
        if len(self._hours if is_cancel else self._revoked) >= HASHES_KEPT:
            self.gave_up = f"bursts: no more than {HASHES_KEPT:,} cancels, and as many revokes, are told apart"
        elif is_cancel:
            hour = (event.source, seen.time_ms // _HOUR_MS)
            self._hours.setdefault(key, self._shared.setdefault(hour, hour))
        else:
            self._revoked.add(key)

    def asked(self, totals: SeenTotals) -> Iterator[Asked]:
        """Ask whether a producer has gone wild."""
        del totals
        hours: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for key, (source, hour) in self._hours.items():
            if key not in self._revoked:
                hours[source][hour] += 1
        found = sorted(_bursts_of(hours), key=lambda burst: (-burst.cancels, burst.start_ms, burst.source))
        if found:
            first = found[0]
            since, until = instant_text(first.start_ms), instant_text(first.start_ms + _HOUR_MS)
            yield Asked(
                "cancel_burst",
                Weight.HIGH,
                sum(burst.cancels for burst in found),
                sum(counts.total() for counts in hours.values()),
                f"cancels lie in an hour in which their source has more than {_TIMES_USUAL} times as many as usual",
                f"look whether its producer has gone wild; `tenure undo --source {shlex.quote(first.source)} "
                f"--type cancel --clock event --since {since} --until {until}` shows the numbers without those of "
                "the first example, and takes them back with --yes",
                [Mention(_said(burst)) for burst in found[:EXAMPLES_KEPT]],
            )


def _said(burst: Burst) -> str:
    end = instant_text(burst.start_ms + _HOUR_MS)
    return (
        f"{burst.cancels:,} of {burst.source} from {instant_text(burst.start_ms)} to {end}, where at most "
        f"{burst.usual:,} an hour are usual"
    )


def _bursts_of(hours: Mapping[str, Mapping[int, int]]) -> Iterator[Burst]:
    """Yield the bursts of all sources; one that is too new to have a usual hour is held against all together."""
    together: Counter[int] = Counter()
    for counts in hours.values():
        together.update(counts)
    usual_together = _usual(together)
    for source, counts in hours.items():
        usual = _usual(counts) or usual_together
        if usual is not None:
            for hour, count in counts.items():
                if count >= _FEWEST and count > _TIMES_USUAL * usual:
                    yield Burst(source, hour * _HOUR_MS, count, usual)


def _usual(counts: Mapping[int, int]) -> int | None:
    """Return how many a day's busiest hour has, but for the wildest days; None where there are too few days."""
    busiest: dict[int, int] = {}
    for hour, count in counts.items():
        busiest[hour // 24] = max(busiest.get(hour // 24, 0), count)
    return sorted(busiest.values(), reverse=True)[_WILD_DAYS] if len(busiest) >= _FEWEST_DAYS else None
