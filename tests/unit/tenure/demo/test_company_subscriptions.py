"""Subscriptions of the demo's company: all that the contract has of them, in believable shares, and nothing in vain."""

import json
from collections import Counter
from functools import cache
from typing import Any

from schemas.events import LIFECYCLE_TYPES
from schemas.instants import DAY_MS
from tenure.demo.company.business import TRIAL_DAYS
from tests.recount.customers import Book
from tests.recount.instants import instant_ms
from tests.recount.report import report, windows_at
from tests.recount.timelines import State
from tests.unit.tenure.demo.companies import (
    LIFECYCLE,
    OPTIONS,
    START,
    book_of,
    demo_events,
    flawless_book,
    flawless_events,
    history,
    small_company,
)

Members = dict[str, Any]
#: The last twelve beginnings of 30 days before the live start.
INSTANTS_MS = [instant_ms(START.replace(minute=0)) - 30 * DAY_MS * age for age in range(12)]


@cache
def told(kind: str) -> tuple[Members, ...]:
    """Return the events of a type that the flawless company tells."""
    return tuple(json.loads(arrival.value) for arrival in flawless_events() if arrival.type == kind)


@cache
def report_at(at_ms: int) -> Members:
    """Return the recount's report of the flawless company."""
    return report(flawless_book(), at_ms, windows_at(at_ms, OPTIONS))


def mean_ratio(*names: str) -> float:
    """Return the mean of a ratio over the last twelve windows of 30 days."""
    values: list[float] = []
    for at_ms in INSTANTS_MS:
        value = report_at(at_ms)["windows"]["30d"]["ratios"]
        for name in names:
            value = value[name]
        values.append(value)
    return sum(values) / len(values)


def states(at_ms: int) -> list[State]:
    """Return every customer that is open at an instant."""
    found = (customer.timeline.state_at(at_ms) for customer in flawless_book().customers.values())
    return [state for state in found if state.open]


def test_every_lifecycle_fact_names_its_subscription_and_every_kind_is_there() -> None:
    """A fact without an id would belong to another subscription of the customer than its signup."""
    assert set(LIFECYCLE_TYPES) == LIFECYCLE
    for kind in LIFECYCLE - {"revoke"}:
        assert told(kind), kind
        assert all(event["subscription_id"].startswith("sub-") for event in told(kind))


def test_facts_come_in_every_form_that_the_contract_has() -> None:
    """What the demo never shows is what nobody sees break."""
    forms = {
        "signup on trial": any(event.get("trial") for event in told("signup")),
        "signup of an add-on": any(event["subscription_id"].endswith("-addon") for event in told("signup")),
        "signup on the free plan": any(event["plan"] == "free" and event["mrr_minor"] == 0 for event in told("signup")),
        "trial of a paid plan from the free one": any(event.get("trial") for event in told("upgrade")),
        "downgrade to the free plan": any(event["plan"] == "free" for event in told("downgrade")),
        "yearly price": any(event.get("interval") == "year" for event in told("signup")),
        "scheduled downgrade": any("effective_at" in event for event in told("downgrade")),
        "scheduled cancel": any("effective_at" in event for event in told("cancel")),
        "scheduled resume": any("effective_at" in event for event in told("resume")),
        "resume at once": any("effective_at" not in event for event in told("resume")),
        "failed payment": any(event.get("involuntary") for event in told("cancel")),
    }
    assert [form for form, is_there in forms.items() if not is_there] == []
    withdrawn = {event["revokes"][:3] for event in told("revoke")}
    assert withdrawn == {"can", "dow"}


def test_most_signups_are_trials_that_end_in_each_of_the_ways() -> None:
    """Trial conversion has a denominator, and its people differ: bought, cancelled, fallen back, run out."""
    first = [customer.timeline.first_trial for customer in flawless_book().customers.values()]
    trials = [fact for fact in first if fact is not None]
    assert len(trials) > 0.55 * len(first)
    ends: Counter[str] = Counter()
    for customer in flawless_book().customers.values():
        trial = customer.timeline.first_trial
        if trial is None or trial.at_ms > INSTANTS_MS[2]:
            continue
        state = customer.timeline.state_at(trial.at_ms + (TRIAL_DAYS + 1) * DAY_MS)
        run_out = any(each.on_trial for each in state.subscriptions.values())
        ends["bought" if state.active else "run out" if run_out else "free" if state.open else "closed"] += 1
    assert min(ends[end] for end in ("bought", "closed", "run out")) > 0.15 * ends.total()
    assert ends["free"] > 0.02 * ends.total()


def test_plans_of_one_channel_change_by_another_subscription_in_the_same_second() -> None:
    """Some billing systems change no subscription; within a bucket that is no cancellation."""
    switched = [event for event in told("cancel") if event.get("reason") == "plan_changed"]
    opened = {(event["customer_id"], event["time"][:19]): event["subscription_id"] for event in told("signup")}
    assert len(switched) > 20
    for event in switched:
        other = opened[event["customer_id"], event["time"][:19]]
        assert other != event["subscription_id"]


def test_the_shares_are_those_of_a_believable_company() -> None:
    """A demo whose numbers no business has teaches nothing; two of the months have a price rise in them."""
    assert 0.02 < mean_ratio("churn", "standard") < 0.04
    assert 0.35 < mean_ratio("trial_conversion") < 0.55
    assert 0.08 < mean_ratio("cross_sell") < 0.15
    assert 0.05 < mean_ratio("nps") < 0.3
    assert 0.95 < mean_ratio("gross_revenue_retention") < 1
    for at_ms in INSTANTS_MS:
        totals = report_at(at_ms)["totals"]
        assert 0.002 < totals["customers_paused"] / totals["customers_active"] < 0.04
    free = [state for state in states(INSTANTS_MS[0]) if not state.active and state.plan == "free"]
    assert 0.2 < len(free) / len(states(INSTANTS_MS[0])) < 0.3
    yearly = sum(event.get("interval") == "year" for event in told("signup"))
    assert 0.2 < yearly / len(told("signup")) < 0.5


def test_pauses_last_one_to_three_months() -> None:
    """Longer or shorter ones would be no pause that people know."""
    days = []
    for customer in flawless_book().customers.values():
        paused: dict[str, int] = {}
        for step in customer.timeline.steps:
            if step.fact.kind == "pause":
                paused[step.fact.subscription_id] = step.fact.at_ms
            elif step.fact.kind == "resume":
                days.append((step.fact.at_ms - paused.pop(step.fact.subscription_id)) / DAY_MS)
    assert len(days) > 50
    assert min(days) > 28
    assert max(days) < 93


def test_nothing_that_a_flawless_company_tells_is_in_vain() -> None:
    """Noise is the delivery's, as asked for; a company that contradicts itself would hide faults of the stream."""
    book = flawless_book()
    assert facts_without_effect(book) == Counter()
    assert (book.fates.duplicate, book.fates.test, book.fates.mended.total()) == (0, 0, 0)
    assert book.fates.dead_letters.total() == 0


def facts_without_effect(book: Book) -> Counter[str]:
    """Return the facts without effect by kind, and revocations that hit nothing."""
    found: Counter[str] = Counter()
    for customer in book.customers.values():
        found.update(step.fact.kind for step in customer.timeline.steps if not step.has_effect)
        found.update("revoke" for _ in customer.revokes_without_effect_ms)
    return found


def test_the_demo_has_facts_without_effect_and_mended_members_now_and_then() -> None:
    """The panels of both need something to show; each is of the noise, and it is little."""
    arrivals = [arrival for arrival in demo_events() if arrival.type in LIFECYCLE]
    book = book_of(arrivals)
    found = facts_without_effect(book)
    echoes = Counter(arrival.type for arrival in arrivals if arrival.value.startswith(b'{"id":"echo-'))
    assert 10 < echoes.total() < 0.01 * len(arrivals)
    # Some facts are damaged, and what follows a lost one is without effect too.
    assert echoes.total() / 2 <= found.total() < 2 * echoes.total() + 10
    assert {name for name, count in book.fates.mended.items() if count} == {"reason", "country"}
    assert book.fates.mended.total() < 0.01 * len(arrivals)


def test_a_small_company_has_trials_pauses_add_ons_and_free_plans_too() -> None:
    """`tenure company` is asked for fifty customers as often as for a thousand."""
    company = small_company(include=LIFECYCLE)
    at_ms = instant_ms(START.replace(minute=0))
    found: Members = report(book_of(history(company)), at_ms, windows_at(at_ms, OPTIONS))
    counts, totals = found["windows"]["365d"], found["totals"]
    assert min(counts[name] for name in ("trials_matured", "trials_converted", "upgrades", "downgrades")) > 0
    assert totals["customers_with_several"] > 0
