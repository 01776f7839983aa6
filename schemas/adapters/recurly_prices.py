"""The MRR of a Recurly subscription: its total each billing period, and how long that is.

The total is that of the plan and of add-ons with a fixed price; use is no part of it, and coupons are not taken off. No
record says how often a plan is billed: an option does, or the dates of the current billing period.
Source: Recurly documentation, "Subscription notifications"; API, "Subscription"; docs/adapters/recurly.md.
"""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

import msgspec

from schemas.adapters.instants import instant, moment, optional_instant
from schemas.adapters.prices import ItemPrice, exact_of, mrr_of_items
from schemas.adapters.reading import Node
from schemas.money import decimals_of

MONTHS: Final = 12


class Cycle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The billing cycle of a plan: each `interval_count` intervals."""

    interval: Literal["day", "week", "month", "year"]
    interval_count: int = 1


def mrr_of_subscription(subscription: Node, cycle: Cycle | None) -> int:
    """Return the MRR of a subscription, rounded half to even once (minor units of its currency).

    Args:
        subscription: As the API returns it, or as an older notification has it.
        cycle: How often its plan is billed; None where its current billing period is to say it. A period that is its
            trial says nothing of that: a month is taken, for what is on trial has no MRR.
    """
    total = _total_of(subscription)
    cycle = cycle or _cycle_of(subscription)
    return mrr_of_items([ItemPrice(total, cycle.interval, cycle.interval_count)])


def _total_of(subscription: Node) -> Fraction:
    """Return what a subscription costs each billing period, before tax (minor units)."""
    total = subscription.optional_integer("total_amount_in_cents")
    if total is None:
        return _minor(subscription, "subtotal") if subscription.get("subtotal") is not None else _sum_of(subscription)
    if total < 0:
        raise subscription.wrong("total_amount_in_cents", "must be an amount from 0")
    return Fraction(total)


def _sum_of(subscription: Node) -> Fraction:
    quantity = subscription.optional_integer("quantity")
    plan = _minor(subscription, "unit_amount") * (1 if quantity is None else quantity)
    return plan + (_minor(subscription, "add_ons_total") if subscription.get("add_ons_total") is not None else 0)


def _minor(node: Node, name: str) -> Fraction:
    """Return an amount of the API, which is in major units of the subscription's currency, in minor ones."""
    found = exact_of(node, name)
    if found is None:
        raise node.missing(name)
    return found * int(Decimal(10) ** decimals_of(node.optional_text("currency") or "USD"))


def _cycle_of(subscription: Node) -> Cycle:
    """Return the length of the current billing period, in months where it is whole months, else in days."""
    started = moment(instant(subscription, "current_period_started_at"))
    ends = moment(instant(subscription, "current_period_ends_at"))
    trial_ends = optional_instant(subscription, "trial_ends_at")
    if trial_ends and started < moment(trial_ends):
        return Cycle("month")
    months = (ends.year - started.year) * MONTHS + ends.month - started.month
    if months > 0 and _is_same_day(started, ends):
        return Cycle("year", months // MONTHS) if months % MONTHS == 0 else Cycle("month", months)
    days = round((ends - started) / dt.timedelta(days=1))
    if days < 1:
        raise subscription.wrong("current_period_ends_at", "must lie after current_period_started_at")
    return Cycle("day", days)


def _is_same_day(started: dt.datetime, ends: dt.datetime) -> bool:
    """Tell whether a period ends on the day of the month on which it began; the last days of months are alike.

    A day is given for a change of the clock: sites bill by their own time, and say it in UTC.
    """
    apart = ends.day - started.day
    return (
        abs(apart) <= 1
        or (_is_last_day(ends) and started.day > ends.day)
        or (_is_last_day(started) and _is_last_day(ends))
    )


def _is_last_day(instant_: dt.datetime) -> bool:
    return (instant_ + dt.timedelta(days=1)).month != instant_.month
