"""The state machine of one customer as tables: one event a line, and what each step did.

Definitions: docs/definitions.md, section "One customer's timeline".
"""

from __future__ import annotations

import pytest

from kpis.customer.facts import ACTIVE, INACTIVE, NEVER, SIGNUP
from kpis.customer.state import Customer
from kpis.customer.timeline import Step, active_at, effective_facts, pieces_of, plan_at, steps_of
from tests.unit.kpis.customers import FIRST, HOUR_MS, PLANS, folded

STATES = {NEVER: "never", ACTIVE: "active", INACTIVE: "inactive"}
MACHINE: dict[str, tuple[list[str], list[str]]] = {
    "never active: only a signup does anything": (
        ["0 upgrade pro 5", "1 cancel", "2 signup basic 10"],
        ["2 never -> basic 10"],
    ),
    "active: a change moves, a cancel ends, a signup is ignored": (
        ["0 signup basic 10", "1 signup pro 99", "2 upgrade pro 30", "3 upgrade team 30", "4 cancel"],
        ["0 never -> basic 10", "2 active basic 10 -> pro 30", "3 active pro 30 -> team 30", "4 active team 30 ->"],
    ),
    "inactive: only a signup does anything": (
        ["0 signup basic 10", "1 cancel", "2 cancel", "3 upgrade pro 30", "4 signup pro 20"],
        ["0 never -> basic 10", "1 active basic 10 ->", "4 inactive basic 0 -> pro 20"],
    ),
    "at one instant a signup comes before a change and a change before a cancel": (
        ["0 cancel", "0 upgrade pro 30", "0 signup basic 10"],
        ["0 never -> basic 10", "0 active basic 10 -> pro 30", "0 active pro 30 ->"],
    ),
    "at one instant sequence comes before kind": (
        ["0 signup basic 10", "5 signup pro 20 sequence=2", "5 cancel sequence=1"],
        ["0 never -> basic 10", "5 active basic 10 ->", "5 inactive basic 0 -> pro 20"],
    ),
    "at one instant the smaller plan comes first": (
        ["0 signup basic 10", "5 upgrade team 30", "5 upgrade pro 40"],
        ["0 never -> basic 10", "5 active basic 10 -> pro 40", "5 active pro 40 -> team 30"],
    ),
    "a change at equal plan and MRR is a step that moves nothing": (
        ["0 signup basic 10", "1 upgrade basic 10"],
        ["0 never -> basic 10", "1 active basic 10 -> basic 10"],
    ),
    "a revoked signup hands over to the next": (
        ["0 signup basic 10", "1 signup pro 20", "2 revoke revokes=e0 source=customer.signup"],
        ["1 never -> pro 20"],
    ),
    "a revocation cannot be revoked": (
        ["0 signup basic 10", "1 cancel", "2 revoke revokes=e1", "3 revoke revokes=e2"],
        ["0 never -> basic 10"],
    ),
}


def _said(step: Step) -> str:
    hour = step.fact[0] // HOUR_MS - FIRST
    before = "" if step.was == NEVER else f" {PLANS[step.plan]} {step.mrr}"
    ends = step.was == ACTIVE and step.fact[2] not in (SIGNUP, 1)
    return f"{hour} {STATES[step.was]}{before} ->" + ("" if ends else f" {PLANS[step.next_plan]} {step.next_mrr}")


@pytest.mark.parametrize("name", MACHINE)
def test_machine_does_what_its_table_says(name: str) -> None:
    """Every number hangs on these few rules."""
    lines, expected = MACHINE[name]
    for arrival in (lines, lines[::-1], lines[1:] + lines[:1]):
        numbered = [f"{line} id=e{lines.index(line)}" for line in arrival]
        customer, _ = folded(numbered)
        assert [_said(step) for step in steps_of(effective_facts(customer))] == expected


def _customer(*lines: str) -> Customer:
    return folded(lines)[0]


def test_cache_of_a_state_says_what_its_timeline_says() -> None:
    """Short cuts believe the cache; it must be what a replay would find."""
    customer = _customer("0 signup basic 10", "24 upgrade pro 30", "48 cancel")
    assert (customer.phase, PLANS[customer.plan], customer.mrr) == (INACTIVE, "pro", 0)
    assert (customer.first_at, customer.last_at) == (FIRST * HOUR_MS, (FIRST + 48) * HOUR_MS)
    assert (PLANS[customer.first_plan], customer.facts) == ("basic", 3)


def test_pieces_of_activity_leave_out_those_without_a_boundary() -> None:
    """A plan that lasted minutes inside one bucket is nobody's state as of any boundary."""
    steps = steps_of(
        effective_facts(
            _customer("0 signup basic 10", "5 upgrade pro 30", "5.5 upgrade team 40", "9 cancel", "12 signup pro 20")
        )
    )
    pieces = [(p.start - FIRST, p.end - FIRST, PLANS[p.plan], p.mrr) for p in pieces_of(steps, HOUR_MS, FIRST + 20)]
    assert pieces == [(0, 5, "basic", 10), (5, 9, "team", 40), (12, 20, "pro", 20)]


@pytest.mark.parametrize(
    ("hour", "active", "plan"),
    [
        (-1, False, "none"),
        (0, False, "none"),
        (0.001, True, "basic"),
        (5, True, "basic"),
        (6, True, "pro"),
        (9, True, "pro"),
        (10, False, "pro"),
    ],
)
def test_state_at_an_instant_is_that_after_all_facts_before_it(hour: float, active: bool, plan: str) -> None:
    """A fact at the instant itself is not yet true; after a cancel the last plan stays."""
    steps = steps_of(effective_facts(_customer("0 signup basic 10", "5 upgrade pro 30", "9 cancel")))
    at_ms = FIRST * HOUR_MS + round(hour * HOUR_MS)
    assert (active_at(steps, at_ms), PLANS[plan_at(steps, at_ms)]) == (active, plan)


@pytest.mark.parametrize(
    ("hours", "runs"),
    [
        ([5.5], [5.5, 5.5]),
        ([5.5, 5.2], [5.2, 5.5]),
        ([5.5, 5.2, 5.3], [5.2, 5.5]),
        ([5.5, 100, 267], [5.5, 267]),
        ([5.5, 172.9], [5.5, 172.9]),
        ([5.5, 173.1], [5.5, 5.5, 173.1, 173.1]),
        ([173.1, 5.5, 5.9, 173.0], [5.5, 5.9, 173.0, 173.1]),
        ([5.5, 5.9, 173.0, 173.9, 50], [5.5, 173.9]),
    ],
)
def test_activity_keeps_the_ends_of_runs_alone(hours: list[float], runs: list[float]) -> None:
    """Only next to a week of silence can single milliseconds decide; a year of daily use keeps two of them."""
    customer = _customer(*(f"{hour} activity" for hour in hours))
    assert customer.runs == tuple(FIRST * HOUR_MS + round(hour * HOUR_MS) for hour in runs)
