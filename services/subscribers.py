"""A healthy company of the last seven weeks, and what can befall it now.

Everything of the past happened in the middle of a day that ends when the running hour does, so that no window's edge
lies near an event: the numbers stay the same if the hour turns while a test looks.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

#: Cancellations from Monday to Sunday; every other week has one more on each.
WEEK: Final = (4, 5, 4, 4, 3, 1, 1)
DAYS: Final = 35
FOUNDED_DAYS: Final = 49
SIGNUPS_A_DAY: Final = 4
_PRO_OF_FIVE: Final = 2
Event = dict[str, Any]


class Subscribers:
    """The company's customers, told in events."""

    def __init__(self, now: dt.datetime, customers: int = 600) -> None:
        """Found it; `customers` signed up before the days that are told (count)."""
        self._hour_end = hour_end(now)
        self._customers = customers
        self._active: list[int] = []
        self._numbers = iter(range(1_000_000))

    def past(self) -> list[bytes]:
        """Return everything until today, in the order in which it happened."""
        return [_record(event) for event in self._past()]

    def _past(self) -> Iterator[Event]:
        for place in range(self._customers):
            yield self._signup(self._middle(DAYS + 1 + place % (FOUNDED_DAYS - DAYS)))
        for days_ago in range(DAYS, -1, -1):
            when = self._middle(days_ago)
            for _ in range(SIGNUPS_A_DAY):
                yield self._signup(when)
            for _ in range(self.cancellations(days_ago)):
                yield _cancel(self._active.pop(0), when)

    def cancellations(self, days_ago: int) -> int:
        """Return how many cancellations the past has on a day (count)."""
        return WEEK[self._middle(days_ago).weekday()] + days_ago // 7 % 2

    def _middle(self, days_ago: int) -> dt.datetime:
        return self._hour_end - dt.timedelta(days=days_ago, hours=12)

    def _signup(self, when: dt.datetime) -> Event:
        number = next(self._numbers)
        self._active.append(number)
        return {
            **_event(f"signup-{number}", "signup", number, when),
            "plan": _plan(number),
            "mrr_minor": 9900 if _plan(number) == "pro" else 2900,
            "country": ("DE", "FR", "US")[number % 3],
        }

    def leave(self, number: int, when: dt.datetime) -> list[Event]:
        """Return the cancellations of customers at an instant: three quarters are on the plan `pro`.

        Every fifth leaves after a failed payment, the others because of the price.
        """
        pro = [customer for customer in self._active if _plan(customer) == "pro"][: number * 3 // 4]
        others = [customer for customer in self._active if _plan(customer) != "pro"][: number - len(pro)]
        self._active = [customer for customer in self._active if customer not in {*pro, *others}]
        return [_cancel(customer, when, failed=place % 5 == 0) for place, customer in enumerate(pro + others)]


def hour_end(now: dt.datetime) -> dt.datetime:
    """Return the end of the running hour, which live numbers are as of."""
    return now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)


def taken_back(cancels: Sequence[Event], when: dt.datetime) -> list[Event]:
    """Return what makes cancellations not have happened."""
    return [
        {
            "id": f"revoke-{cancel['id']}",
            "type": "revoke",
            "customer_id": cancel["customer_id"],
            "time": when.isoformat(),
            "revokes": cancel["id"],
        }
        for cancel in cancels
    ]


def records(events: Sequence[Event]) -> list[bytes]:
    """Return events as producers send them."""
    return [_record(event) for event in events]


def _record(event: Event) -> bytes:
    return json.dumps(event).encode()


def _plan(number: int) -> str:
    return "pro" if number % 5 < _PRO_OF_FIVE else "basic"


def _cancel(number: int, when: dt.datetime, *, failed: bool = False) -> Event:
    event = _event(f"cancel-{number}", "cancel", number, when)
    return {**event, "reason": "payment_failed" if failed else "too_expensive", "involuntary": failed}


def _event(name: str, kind: str, number: int, when: dt.datetime) -> Event:
    return {"id": name, "type": kind, "customer_id": f"customer-{number}", "time": when.isoformat()}
