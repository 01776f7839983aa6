"""Seeded traffic of the reference job: events as their producers would send them, in the order of their arrival.

Event times lie within the day before the run, or more days; 1 % of the events arrive up to days late, 0.5 % twice.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.instants import DAY_MS
from schemas.topics import DEFAULT_TOPIC_OF_TYPE

HOUR_MS: Final = 3_600_000
LATE_SHARE: Final = 0.01
MEAN_LATENESS_MS: Final = DAY_MS
REPEATED_SHARE: Final = 0.005
SURVEY_SCORES: Final = 11
PRICES_MINOR: Final = (0, 1900, 4900, 19900)


class Message(NamedTuple):
    """A record to produce; `timestamp_ms` is when it arrived (ms since 1970)."""

    topic: str
    key: bytes
    value: bytes
    timestamp_ms: int


class Segments(NamedTuple):
    """The values of the dimensions that every stream has."""

    plans: tuple[str, ...]
    countries: tuple[str, ...]
    channels: tuple[str, ...]


FEW: Final = Segments(
    ("free", "starter", "pro", "enterprise"),
    ("US", "DE", "GB", "FR", "BR", "RO", "IN", "JP", "ES", "IT", "NL", "SE", "PL", "MX", "CA", "AU", "KR"),
    ("ads", "organic", "referral", "partner"),
)
SIXTY: Final = Segments(
    tuple(f"plan-{n:02d}" for n in range(20)),
    (*FEW.countries, "PT", "BE", "AT"),
    tuple(f"channel-{n:02d}" for n in range(20)),
)


@dataclass(frozen=True)
class Mix:
    """Memberships of event types, in percent.

    Attributes:
        name: For tables.
        shares: Percent by event type.
        settled: Every customer signed up in the sixty days before, and few customers make most of the events.
    """

    name: str
    shares: Mapping[str, int]
    settled: bool = False


LIFECYCLE: Final = Mix("lifecycle", {"signup": 35, "upgrade": 8, "downgrade": 7, "cancel": 10, "survey": 40})
ACTIVITY: Final = Mix(
    "activity",
    {"activity": 80, "survey": 8, "signup": 5, "upgrade": 2, "downgrade": 2, "cancel": 2, "renewal": 1},
    settled=True,
)


class Traffic:
    """One stream of events; two of the same arguments are equal.

    Args:
        mix: Memberships of types.
        events: Events of the day, repeats included (count).
        customers: Customers (count).
        end_ms: The end of the day: no event lies at or after it (ms since 1970).
        seed: Of all chance.
        segments: Values of dimensions.
        days: Length of what is called the day here (count).
        orderly: No event is late, and none arrives twice.
    """

    def __init__(
        self,
        mix: Mix,
        *,
        events: int,
        customers: int,
        end_ms: int,
        seed: int = 1,
        segments: Segments = FEW,
        days: int = 1,
        orderly: bool = False,
    ) -> None:
        self.mix = mix
        self.events = events
        self.customers = customers
        self.end_ms = end_ms
        self.length_ms = days * DAY_MS
        self._late, self._repeated = (0.0, 0.0) if orderly else (LATE_SHARE, REPEATED_SHARE)
        self._most_ms = 1 if orderly else 2000
        self._random = random.Random(seed)
        self._segments = segments

    def before(self) -> Iterator[Message]:
        """Yield the signups of the sixty days before, of a settled mix; one a customer."""
        if not self.mix.settled:
            return
        start_ms = self.end_ms - 61 * DAY_MS
        for n in range(self.customers):
            at_ms = start_ms + 60 * DAY_MS * n // self.customers
            yield self._message("signup", n, at_ms, at_ms)

    def day(self) -> Iterator[Message]:
        """Yield the events of the day in the order of their arrival."""
        rng, start_ms = self._random, self.end_ms - self.length_ms
        kinds = rng.choices(list(self.mix.shares), list(self.mix.shares.values()), k=self.events)
        recent: list[Message] = []
        newcomer = self.customers
        for n, kind in enumerate(kinds):
            arrived_ms = start_ms + n * self.length_ms // self.events
            if len(recent) == 1000 and rng.random() < self._repeated:
                yield recent[rng.randrange(1000)]._replace(timestamp_ms=arrived_ms)
                continue
            late_ms = (
                int(rng.expovariate(1 / MEAN_LATENESS_MS))
                if rng.random() < self._late
                else rng.randrange(self._most_ms)
            )
            customer = int(rng.random() ** (3 if self.mix.settled else 1) * self.customers)
            if self.mix.settled and kind == "signup":
                customer, newcomer = newcomer, newcomer + 1
            message = self._message(kind, customer, arrived_ms - late_ms, arrived_ms)
            if len(recent) < 1000:
                recent.append(message)
            else:
                recent[n % 1000] = message
            yield message

    def _message(self, kind: str, number: int, at_ms: int, arrived_ms: int) -> Message:
        rng = self._random
        customer = f"customer-{number:08d}"
        bits = f"{rng.getrandbits(128):032x}"
        event_id = f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"
        value = (
            f'{{"id":"{event_id}","source":"app","type":"{kind}","customer_id":"{customer}",'
            f'"time":"{_instant(at_ms)}",{self._members(kind)}}}'
        )
        return Message(DEFAULT_TOPIC_OF_TYPE[kind], customer.encode(), value.encode(), arrived_ms)

    def _members(self, kind: str) -> str:
        rng, segments = self._random, self._segments
        if kind in {"signup", "upgrade", "downgrade"}:
            n = rng.randrange(len(segments.plans))
            paid = f'"plan":"{segments.plans[n]}","mrr_minor":{PRICES_MINOR[n % len(PRICES_MINOR)]},"currency":"USD"'
            if kind != "signup":
                return paid
            return f'{paid},"country":"{rng.choice(segments.countries)}","channel":"{rng.choice(segments.channels)}"'
        if kind == "cancel":
            involuntary = "true" if rng.random() < 0.2 else "false"
            return f'"reason":"{rng.choice(("price", "support"))}","involuntary":{involuntary}'
        if kind == "survey":
            status = rng.choice(("sent", "answered", "answered"))
            score = f',"score":{rng.randrange(SURVEY_SCORES)}' if status == "answered" else ""
            return f'"kind":"nps","status":"{status}"{score},"via":"in_app"'
        if kind == "renewal":
            return '"outcome":"renewed"'
        return '"feature":"export_report_to_pdf"'


_DATES: dict[int, str] = {}


def _instant(at_ms: int) -> str:
    """Return an instant of RFC 3339 in UTC, to the millisecond."""
    day, rest = divmod(at_ms, DAY_MS)
    date = _DATES.get(day)
    if date is None:
        date = _DATES[day] = (dt.date(1970, 1, 1) + dt.timedelta(day)).isoformat()
    seconds, ms = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{date}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{ms:03d}Z"
