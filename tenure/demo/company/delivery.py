"""Delivery of the company's events: contract JSON that arrives late, twice, damaged or in another order.

What happens is decided elsewhere (`business`, `paying`, `add_ons`, `usage`); here it becomes bytes and an instant of
arrival. The members and their meaning: docs/events.md. Each event type has its own generator of random numbers, so that
leaving one type out changes nothing about the others.
"""

import random
import re
from collections.abc import Callable
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from schemas import events
from schemas.instants import DAY_MS
from tenure.demo.company.market import HOUR_MS, MINUTE_MS, date_of

#: The types of which a second event changes nothing any more.
ECHOED = frozenset({"cancel", "pause", "resume"})
#: The names of all types; the company sends every one of them.
EVENT_TYPES = frozenset(event_type.TYPE for event_type in events.EVENT_TYPES)

_COUNTRY = re.compile(rb'"country":"[A-Z]{2}"')
_REASON = re.compile(rb'"reason":"([a-z_]+)"')
_MINUTES = tuple(f"{minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440))
_MILLISECONDS = tuple(f"{second:02d}." for second in range(60))


class Arrival(NamedTuple):
    """One record as it reaches the log.

    Args:
        arrived_at_ms: When it arrives, in ms since 1970 UTC (simulated time); never before the event's own time.
        type: The event type whose topic it belongs on; for a damaged record, that of the event it once was.
        key: The customer's id, or None where a producer forgot it.
        value: The bytes of the record: one JSON object, or what is left of one.
    """

    arrived_at_ms: int
    type: str
    key: bytes | None
    value: bytes


class Flaws(NamedTuple):
    """Flaws of the delivery: each is the share of the events that it happens to.

    Args:
        late: Arrives ten minutes to three days late.
        repeated: Arrives twice, byte for byte, a second to six hours apart.
        slow: Arrives seconds to half an hour late, behind events that happened after it.
        damaged: Is followed by a record that is refused (a dead letter).
        test: Is followed by an event that is marked as a test.
        untidy: Says a reason or a country as people type it; both are mended.
        echoed: Of ends, pauses and resumes that hold at once: is followed by another that has no effect any more.
    """

    late: float = 0.01
    repeated: float = 0.01
    slow: float = 0.05
    damaged: float = 0.0005
    test: float = 0.001
    untidy: float = 0.002
    echoed: float = 0.01


FLAWLESS = Flaws(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def instant_text(instant_ms: int) -> str:
    """Return an instant (ms since 1970 UTC) as RFC 3339 with milliseconds and Z."""
    day, rest = divmod(instant_ms, DAY_MS)
    seconds, milliseconds = divmod(rest, 1000)
    minute, second = divmod(seconds, 60)
    return f"{date_of(day).isoformat()}T{_MINUTES[minute]}{_MILLISECONDS[second]}{milliseconds:03d}Z"


class EventDelivery:
    """Turns what happened into records, and holds those that are still on their way.

    Args:
        seed: Decides every delay and flaw.
        include: Event types to deliver; the others happen, but nobody hears of them.
        flaws: How imperfect the delivery is.
    """

    def __init__(self, seed: int, include: frozenset[str], flaws: Flaws) -> None:
        self._draws: dict[str, Callable[[], float]] = {
            kind: random.Random(f"{seed}/delivery/{kind}").random for kind in sorted(include)
        }
        self._numbers = dict.fromkeys(sorted(EVENT_TYPES), 0)
        self._bounds = tuple(accumulate(flaws))
        self._by_day: dict[int, list[Arrival]] = {}
        self._day = -1
        self._day_text = ""

    def post(self, kind: str, customer_id: str, occurred_at_ms: int, members: str = "") -> str:
        """Send one event on its way.

        Args:
            kind: The event type.
            customer_id: The customer it is about (ASCII without characters that JSON escapes); "" for nobody.
            occurred_at_ms: When it happened, in ms since 1970 UTC.
            members: The type's own members as JSON text that begins with a comma.

        Returns:
            The event's id.
        """
        number = self._numbers[kind] + 1
        self._numbers[kind] = number
        event_id = f"{kind[:3]}-{number:06x}"
        draw = self._draws.get(kind)
        if draw is None:
            return event_id
        day, rest = divmod(occurred_at_ms, DAY_MS)
        if day != self._day:
            self._day = day
            self._day_text = date_of(day).isoformat() + "T"
        seconds, milliseconds = divmod(rest, 1000)
        of = f'"customer_id":"{customer_id}",' if customer_id else ""
        value = (
            f'{{"id":"{event_id}","type":"{kind}",{of}"time":"{self._day_text}'
            f'{_MINUTES[seconds // 60]}{_MILLISECONDS[seconds % 60]}{milliseconds:03d}Z"{members}}}'
        ).encode()
        fraction = draw()
        if customer_id and fraction < self._bounds[-1]:
            self._deliver_flawed(Arrival(occurred_at_ms, kind, customer_id.encode(), value), fraction, draw)
            return event_id
        arrived_at_ms = occurred_at_ms + 20 + int(180 * fraction)
        arrival = Arrival(arrived_at_ms, kind, customer_id.encode(), value)
        arrival_day = arrived_at_ms // DAY_MS
        if arrival_day in self._by_day:
            self._by_day[arrival_day].append(arrival)
        else:
            self._by_day[arrival_day] = [arrival]
        return event_id

    def take(self, day: int) -> list[Arrival]:
        """Return, in the order of arrival, what arrives on a day (day number); what arrives later stays."""
        return sorted(self._by_day.pop(day, ()), key=itemgetter(0))

    def _add(self, arrival: Arrival, delay_ms: float) -> None:
        arrived_at_ms = arrival.arrived_at_ms + int(delay_ms)
        self._by_day.setdefault(arrived_at_ms // DAY_MS, []).append(arrival._replace(arrived_at_ms=arrived_at_ms))

    def _deliver_flawed(self, arrival: Arrival, fraction: float, draw: Callable[[], float]) -> None:
        late, repeated, slow, damaged, test, untidy, _ = self._bounds
        if fraction < late:
            self._add(arrival, 10 * MINUTE_MS * 432.0 ** draw())
        elif fraction < repeated:
            self._add(arrival, 100)
            self._add(arrival, 1000 + 6 * HOUR_MS * draw() ** 4)
        elif fraction < slow:
            self._add(arrival, 1000 * 1800.0 ** draw())
        elif fraction < damaged:
            self._add(arrival, 100)
            self._add(damage(arrival, draw()), 150)
        elif fraction < test:
            self._add(arrival, 100)
            self._add(as_test(arrival), 150)
        elif fraction < untidy:
            self._add(as_typed(arrival), 100)
        else:
            self._add(arrival, 100)
            if arrival.type in ECHOED and b'"effective_at"' not in arrival.value:
                self._add(echo(arrival), 1000)


def damage(arrival: Arrival, fraction: float) -> Arrival:
    """Return a record that the product has to refuse, made out of a good one.

    Args:
        arrival: The good record.
        fraction: Which damage, in [0, 1).
    """
    value, kind = arrival.value, arrival.type.encode()
    before_time, _, after_time = value.partition(b'"time":"')
    before_customer, _, after_customer = value.partition(b'"customer_id":"')
    damages = (
        value[: len(value) // 2],
        b"",
        before_time + after_time.partition(b'",')[2] if b'",' in after_time else b"[]",
        value.replace(b'"type":"' + kind, b'"type":"trial_' + kind, 1),
        before_customer + b'"customer_id":true' + after_customer[after_customer.index(b'"') + 1 :],
        before_time + b'"time":"1970-01-01' + after_time[10:],
        value[:-1] + b',"note":"Z\xfcrich"}',
        value.replace(b'"currency":"USD"', b'"currency":"XTS"', 1) if b'"currency"' in value else b"null",
    )
    damaged = damages[int(fraction * len(damages))]
    # The eighth of the damaged records that is empty has lost its key, too.
    return arrival._replace(value=damaged, key=arrival.key if damaged else None)


def as_test(arrival: Arrival) -> Arrival:
    """Return the event as one that the company's own staff made to try something out: of a test customer, marked."""
    key = b"cus_test_" + (arrival.key or b"")
    value = arrival.value.replace(b'"id":"', b'"id":"test-', 1)
    value = value.replace(b'"customer_id":"' + (arrival.key or b""), b'"customer_id":"' + key, 1)
    return arrival._replace(key=key, value=value[:-1] + b',"test":true}')


def echo(arrival: Arrival) -> Arrival:
    """Return the same fact as another system tells it, under an id of its own: the second one is without effect."""
    return arrival._replace(value=arrival.value.replace(b'"id":"', b'"id":"echo-', 1))


def as_typed(arrival: Arrival) -> Arrival:
    """Return the event with its reason or country as people type it: mended, it says the same."""
    value = _COUNTRY.sub(lambda found: found[0].lower(), arrival.value, count=1)
    value = _REASON.sub(lambda found: b'"reason":"' + found[1].replace(b"_", b" ").capitalize() + b'"', value, count=1)
    return arrival._replace(value=value)
