"""The job that all rivals do, and its plain recount: six counters by day and plan out of each customer's state.

Not the product's counting, which has more counts, dimensions and windows, and takes events in any order. Change.java
says the same rules in Java. Only the standard library is imported: a rival in an environment of its own reads this too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

COUNTERS: Final = ("new", "lost", "upgrades", "downgrades", "surveys", "mrr_minor")
NEW, LOST, UPGRADES, DOWNGRADES, SURVEYS, MRR = range(len(COUNTERS))
NOTHING: Final = -1
"""No counter goes up."""

Cells = dict[str, list[int]]
"""Values of COUNTERS, by day and plan."""


class Customer(NamedTuple):
    """State of a customer; `plan` is the last one."""

    subscribed: bool = False
    plan: str = "none"
    mrr: int = 0


class Change(NamedTuple):
    """Change of one cell: `counter` goes up by one, and the MRR by `mrr` (minor units)."""

    cell: str
    counter: int
    mrr: int = 0

    def add_to(self, counters: list[int]) -> None:
        """Add it to the counters of its cell."""
        if self.counter != NOTHING:
            counters[self.counter] += 1
        counters[MRR] += self.mrr


def apply(kind: str, time: str, plan: str, mrr: int, customer: Customer) -> tuple[Customer, Change]:
    """Apply an event to its customer.

    Args:
        kind: The event's type.
        time: RFC 3339, in UTC.
        plan: What a signup or a change of plan says, else anything.
        mrr: As `plan` (minor units).
        customer: State before it.

    Returns:
        The state after it, and what it adds.
    """
    day = time[:10]
    if kind == "survey":
        return customer, Change(f"{day}|{customer.plan if customer.subscribed else 'none'}", SURVEYS)
    if kind == "cancel" and customer.subscribed:
        after = Customer(plan=customer.plan)
    elif kind == "signup" or (kind != "cancel" and customer.subscribed):
        after = Customer(subscribed=True, plan=plan, mrr=mrr)
    else:
        return customer, Change(f"{day}|none", NOTHING)
    return after, Change(f"{day}|{after.plan}", _counter(customer.mrr, after.mrr), after.mrr - customer.mrr)


def _counter(before: int, after: int) -> int:
    """Return the counter of a change of MRR: who pays nothing is no customer."""
    if before == after:
        return NOTHING
    if before == 0:
        return NEW
    if after == 0:
        return LOST
    return UPGRADES if after > before else DOWNGRADES


def recount(lines: Iterable[bytes]) -> Cells:
    """Count events in the order of their lines."""
    customers: dict[str, Customer] = {}
    cells: Cells = {}
    for line in lines:
        event = json.loads(line)
        name = event["customer_id"]
        before = customers.get(name, Customer())
        customers[name], change = apply(
            event["type"], event["time"], event.get("plan", ""), event.get("mrr_minor", 0), before
        )
        change.add_to(cells.setdefault(change.cell, [0] * len(COUNTERS)))
    return cells


class _Hour(NamedTuple):
    """An hour of a customer: the MRR at its start, and whether anything was paid in it."""

    name: str = ""
    before: int = 0
    paid: bool = False


def netted_totals(lines: Iterable[bytes]) -> list[int]:
    """Return the sums by counter as the product defines them: what a customer does within an hour counts once.

    Source: docs/definitions.md, section 2.
    """
    customers: dict[str, Customer] = {}
    hours: dict[str, _Hour] = {}
    found = [0] * len(COUNTERS)
    for line in lines:
        event = json.loads(line)
        name, time = event["customer_id"], event["time"]
        customer, hour = customers.get(name, Customer()), hours.get(name, _Hour())
        if event["type"] == "survey":
            found[SURVEYS] += 1
            continue
        if hour.name != time[:13]:
            _net(hour, customer.mrr, found)
            hour = _Hour(time[:13], customer.mrr)
        after, change = apply(event["type"], time, event.get("plan", ""), event.get("mrr_minor", 0), customer)
        customers[name], hours[name] = after, hour._replace(paid=hour.paid or after.mrr > 0)
        found[MRR] += change.mrr
    for name, hour in hours.items():
        _net(hour, customers[name].mrr, found)
    return found


def _net(hour: _Hour, after: int, found: list[int]) -> None:
    """Count an hour that is over."""
    if hour.before == after == 0 and hour.paid:
        found[NEW] += 1
        found[LOST] += 1
    elif (counter := _counter(hour.before, after)) != NOTHING:
        found[counter] += 1


def totals_of(report: Any, window: str) -> list[int]:
    """Return what a report of the product says of a window, by counter."""
    counts = report["windows"][window]
    statuses = [each for ways in counts["surveys"].values() for each in ways.values()]
    return [
        counts["customers_new"] + counts["customers_reactivated"],
        counts["cancellations"],
        counts["upgrades"],
        counts["downgrades"],
        sum(sum(each.values()) for each in statuses),
        report["totals"]["mrr"],
    ]
