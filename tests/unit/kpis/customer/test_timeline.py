"""The machine of a subscription and the customer that its subscriptions make, as tables: one fact a line.

Definitions: docs/definitions.md, section "Subscriptions and customers".
"""

from __future__ import annotations

from itertools import permutations

import pytest

from kpis.customer.state import Customer
from kpis.customer.timeline import first_trial, standing_at
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from tests.unit.kpis import recounts
from tests.unit.kpis.customers import (
    FIRST,
    FREE_COUNT,
    HOUR_MS,
    PAUSED_LOST,
    PLANS,
    folded,
    known_history,
    standing_text,
    step_text,
)

#: What brings a subscription into a state.
BEFORE = {
    "never opened": [],
    "ended": ["0 signup basic 10", "1 cancel"],
    "open": ["0 signup basic 10"],
    "on trial": ["0 signup basic 10 trial"],
    "paused": ["0 signup basic 10", "1 pause"],
    "paused on trial": ["0 signup basic 10 trial", "1 pause"],
}
MACHINE = """
never opened    | signup pro 30         | pro 30
never opened    | signup pro 30 trial   | pro 30 trial
never opened    | upgrade pro 30        | -
never opened    | downgrade pro 30      | -
never opened    | upgrade pro 30 trial  | -
never opened    | pause                 | -
never opened    | resume                | -
never opened    | cancel                | -
ended           | signup pro 30         | pro 30
ended           | signup pro 30 trial   | pro 30 trial
ended           | upgrade pro 30        | -
ended           | pause                 | -
ended           | resume                | -
ended           | cancel                | -
open            | signup pro 30         | pro 30
open            | signup pro 30 trial   | pro 30 trial
open            | upgrade pro 30        | pro 30
open            | downgrade pro 30      | pro 30
open            | upgrade basic 10      | basic 10
open            | upgrade pro 30 trial  | pro 30 trial
open            | pause                 | basic 10 paused
open            | resume                | -
open            | cancel                | closed
on trial        | signup pro 30         | pro 30
on trial        | signup pro 30 trial   | pro 30 trial
on trial        | upgrade pro 30        | pro 30
on trial        | upgrade pro 30 trial  | pro 30 trial
on trial        | pause                 | basic 10 trial paused
on trial        | resume                | -
on trial        | cancel                | closed
paused          | signup pro 30         | pro 30
paused          | signup pro 30 trial   | pro 30 trial
paused          | upgrade pro 30        | pro 30 paused
paused          | upgrade pro 30 trial  | pro 30 trial paused
paused          | pause                 | -
paused          | resume                | basic 10
paused          | cancel                | closed
paused on trial | signup pro 30         | pro 30
paused on trial | upgrade pro 30        | pro 30 paused
paused on trial | upgrade pro 30 trial  | pro 30 trial paused
paused on trial | pause                 | -
paused on trial | resume                | basic 10 trial
paused on trial | cancel                | closed
"""
CELLS = [tuple(part.strip() for part in line.split("|")) for line in MACHINE.strip().splitlines()]


@pytest.mark.parametrize(("state", "fact", "after"), CELLS, ids=str)
def test_machine_does_what_its_table_says(state: str, fact: str, after: str) -> None:
    """Every number hangs on these few rules."""
    last = known_history([*BEFORE[state], f"5 {fact}"]).steps[-1]
    assert step_text(last).partition(" -> ")[2].partition(" : ")[0] == after
    if not last.has_effect:
        assert last.before is last.after


#: Facts in the order of the timeline, each with the customer after it.
TIMELINES: dict[str, list[str]] = {
    "a late signup would bring these to life": [
        "0 upgrade pro 30 | -",
        "1 pause          | -",
        "2 resume         | -",
        "3 cancel         | -",
    ],
    "here it is": [
        "0 signup basic 10 | basic 10 : active basic 10",
        "1 upgrade pro 30  | pro 30 : active pro 30",
        "2 pause           | pro 30 paused : active pro 0",
        "3 resume          | pro 30 : active pro 30",
        "4 cancel          | closed : inactive pro 0",
    ],
    "a second signup is a change, and ends a pause": [
        "0 signup basic 10 | basic 10 : active basic 10",
        "1 pause           | basic 10 paused : active basic 0",
        "2 signup pro 20   | pro 20 : active pro 20",
        "3 resume          | -",
    ],
    "at one instant a signup, a change, a pause, a resume and a cancel": [
        "0 signup basic 10 | basic 10 : active basic 10",
        "0 upgrade pro 30  | pro 30 : active pro 30",
        "0 pause           | pro 30 paused : active pro 0",
        "0 resume          | pro 30 : active pro 30",
        "0 cancel          | closed : inactive pro 0",
    ],
    "one that is open ends first, and begins anew": [
        "0 signup basic 10 | basic 10 : active basic 10",
        "5 cancel          | closed : inactive basic 0",
        "5 signup pro 20   | pro 20 : active pro 20",
    ],
    "one that is paused ends first too": [
        "0 signup basic 10 | basic 10 : active basic 10",
        "4 pause           | basic 10 paused : active basic 0",
        "5 cancel          | closed : inactive basic 0",
        "5 upgrade pro 20  | -",
        "5 resume          | -",
    ],
    "of two cancels at one instant both come first": [
        "0 signup basic 10   | basic 10 : active basic 10",
        "5 cancel reason=a   | closed : inactive basic 0",
        "5 cancel reason=b   | -",
        "5 signup pro 20     | pro 20 : active pro 20",
    ],
    "a cancel comes before the facts of other subscriptions": [
        "0 signup@B basic 10 | B basic 10 : active basic 10",
        "5 cancel@B          | closed : inactive basic 0",
        "5 signup@A pro 20   | A pro 20 : active pro 20",
        "5 cancel@A          | closed : inactive pro 0",
    ],
    "sequence comes before kind, and a cancel is first of its own sequence only": [
        "0 signup basic 10           | basic 10 : active basic 10",
        "5 upgrade team 50           | team 50 : active team 50",
        "5 cancel sequence=1         | closed : inactive team 0",
        "5 upgrade pro 30 sequence=1 | -",
        "5 signup pro 20 sequence=2  | pro 20 : active pro 20",
    ],
    "what is closed before a sequence and opened by it ends last": [
        "5 signup basic 10            | basic 10 : active basic 10",
        "5 cancel sequence=1          | closed : inactive basic 0",
        "5 signup basic 10 sequence=1 | basic 10 : active basic 10",
        "6 cancel                     | closed : inactive basic 0",
        "7 signup pro 20 sequence=3   | pro 20 : active pro 20",
        "7 cancel sequence=3          | closed : inactive pro 0",
    ],
    "at one instant the smaller members first: plan, then MRR, then trial, then subscription": [
        "0 signup basic 10        | basic 10 : active basic 10",
        "5 upgrade pro 40         | pro 40 : active pro 40",
        "5 upgrade team 30        | team 30 : active team 30",
        "5 upgrade team 31        | team 31 : active team 31",
        "5 upgrade@A team 31      | -",
        "5 upgrade team 31 trial  | team 31 trial : inactive team 0",
    ],
    "a trial begins and ends, with its plan": [
        "0 signup basic 10 trial  | basic 10 trial : inactive basic 0",
        "1 upgrade pro 30 trial   | pro 30 trial : inactive pro 0",
        "2 upgrade pro 30         | pro 30 : active pro 30",
        "3 upgrade team 50 trial  | team 50 trial : inactive team 0",
        "4 pause                  | team 50 trial paused : inactive team 0",
        "5 upgrade team 50        | team 50 paused : active team 0",
        "6 resume                 | team 50 : active team 50",
    ],
    "the greatest MRR leads, whatever the others": [
        "0 signup@A basic 10 | A basic 10 : active basic 10",
        "1 signup@B pro 30   | A basic 10, B pro 30 : active pro 40",
        "2 upgrade@A team 50 | A team 50, B pro 30 : active team 80",
        "3 signup pro 60     | pro 60, A team 50, B pro 30 : active pro 140",
        "4 cancel@A          | pro 60, B pro 30 : active pro 90",
        "5 cancel            | B pro 30 : active pro 30",
        "6 cancel@A          | -",
        "7 cancel@B          | closed : inactive pro 0",
    ],
    "of equal MRR that which has counted longest leads": [
        "0 signup@B basic 10 | B basic 10 : active basic 10",
        "1 signup@A pro 10   | A pro 10, B basic 10 : active basic 20",
        "2 cancel@B          | A pro 10 : active pro 10",
        "3 signup@B team 10  | A pro 10, B team 10 : active pro 20",
    ],
    "of those that began to count at one instant the smaller id leads": [
        "0 signup@B basic 10 | B basic 10 : active basic 10",
        "0 signup@A pro 10   | A pro 10, B basic 10 : active pro 20",
    ],
    "capitals come before small letters, and both before letters beyond ASCII": [
        "0 signup@\u00e9 basic 10 | \u00e9 basic 10 : active basic 10",
        "0 signup@a pro 10   | a pro 10, \u00e9 basic 10 : active pro 20",
        "0 signup@Z team 10  | Z team 10, a pro 10, \u00e9 basic 10 : active team 30",
    ],
    "one that is paused leads with an MRR of 0, and has counted all the time": [
        "0 signup@A basic 10 | A basic 10 : active basic 10",
        "1 signup@B pro 10   | A basic 10, B pro 10 : active basic 20",
        "2 pause@A           | A basic 10 paused, B pro 10 : active pro 10",
        "3 pause@B           | A basic 10 paused, B pro 10 paused : active basic 0",
        "4 resume@A          | A basic 10, B pro 10 paused : active basic 10",
        "5 resume@B          | A basic 10, B pro 10 : active basic 20",
    ],
    "a trial is a break": [
        "0 signup@A basic 10        | A basic 10 : active basic 10",
        "1 signup@B pro 10          | A basic 10, B pro 10 : active basic 20",
        "2 upgrade@A basic 10 trial | A basic 10 trial, B pro 10 : active pro 10",
        "3 upgrade@A basic 10       | A basic 10, B pro 10 : active pro 20",
    ],
    "a free plan is a break": [
        "0 signup@A basic 10  | A basic 10 : active basic 10",
        "1 signup@B pro 10    | A basic 10, B pro 10 : active basic 20",
        "2 upgrade@A basic 0  | A basic 0, B pro 10 : active pro 10",
        "2 upgrade@A basic 10 | A basic 10, B pro 10 : active pro 20",
    ],
    "an end is a break, even if the subscription goes on at the same instant": [
        "0 signup@A basic 10 | A basic 10 : active basic 10",
        "1 signup@B pro 10   | A basic 10, B pro 10 : active basic 20",
        "2 cancel@A          | B pro 10 : active pro 10",
        "2 signup@A basic 10 | A basic 10, B pro 10 : active pro 20",
    ],
    "where none counts that leads which has been open longest, whatever its price": [
        "0 signup@B basic 0        | B basic 0 : inactive basic 0",
        "1 signup@A pro 90 trial   | A pro 90 trial, B basic 0 : inactive basic 0",
        "2 upgrade@B team 0        | A pro 90 trial, B team 0 : inactive team 0",
        "3 cancel@B                | A pro 90 trial : inactive pro 0",
        "4 cancel@A                | closed : inactive pro 0",
    ],
    "an end and a begin at one instant break that too": [
        "0 signup@A basic 0 | A basic 0 : inactive basic 0",
        "1 signup@B pro 0   | A basic 0, B pro 0 : inactive basic 0",
        "2 cancel@A         | B pro 0 : inactive pro 0",
        "2 signup@A basic 0 | A basic 0, B pro 0 : inactive pro 0",
    ],
    "of those opened at one instant the smaller id leads": [
        "0 signup@B basic 0 | B basic 0 : inactive basic 0",
        "0 signup@A pro 0   | A pro 0, B basic 0 : inactive pro 0",
    ],
    "one that counts leads, however long another has been open": [
        "0 signup@A team 0 | A team 0 : inactive team 0",
        "1 signup@B pro 5  | A team 0, B pro 5 : active pro 5",
        "2 cancel@B        | A team 0 : inactive team 0",
    ],
    "where all are closed the plan is that before the last was closed": [
        "0 signup@A basic 10 | A basic 10 : active basic 10",
        "1 signup@B pro 30   | A basic 10, B pro 30 : active pro 40",
        "2 cancel@A          | B pro 30 : active pro 30",
        "2 cancel@B          | closed : inactive pro 0",
    ],
}


@pytest.mark.parametrize("name", TIMELINES)
def test_each_fact_does_what_its_line_says(name: str) -> None:
    """Whichever arrives first: producers are not ordered across topics."""
    lines = [line.partition(" | ")[0].strip() for line in TIMELINES[name]]
    expected = [
        f"{line.split()[0]} {line.split()[1].replace('upgrade', 'change')} -> {whole.partition(' | ')[2]}"
        for line, whole in zip(lines, TIMELINES[name], strict=True)
    ]
    for arrival in (lines, lines[::-1], lines[1:] + lines[:1]):
        assert [step_text(step) for step in known_history(arrival).steps] == expected
    assert [recounts.step_text(step) for step in recounts.recounted(lines).steps] == expected


def test_a_late_signup_brings_to_life_what_had_no_effect() -> None:
    """Such facts stay in the timeline."""
    lines = ["1 upgrade pro 30", "2 pause", "3 resume", "4 cancel"]
    assert [step.has_effect for step in known_history(lines).steps] == [False] * 4
    assert [step.has_effect for step in known_history([*lines, "0 signup basic 10"]).steps] == [True] * 5


#: What there is, and how it counts by default, where free plans count, and where paused ones do not.
COUNTING = """
0 signup basic 10                              | active 10  | active 10  | active 10
0 signup basic 0                               | inactive 0 | active 0   | inactive 0
0 signup basic 10 trial                        | inactive 0 | inactive 0 | inactive 0
0 signup basic 0 trial                         | inactive 0 | inactive 0 | inactive 0
0 signup basic 10, 1 pause                     | active 0   | active 0   | inactive 0
0 signup basic 0, 1 pause                      | inactive 0 | active 0   | inactive 0
0 signup basic 10 trial, 1 pause               | inactive 0 | inactive 0 | inactive 0
0 signup basic 10, 1 pause, 2 upgrade basic 0  | inactive 0 | active 0   | inactive 0
0 signup@A basic 10, 0 signup@B pro 0, 1 pause@A | active 0  | active 0   | inactive 0
0 signup@A basic 10, 0 signup@B pro 7, 1 pause@A | active 7  | active 7   | active 7
"""
BY_SETTINGS = [[part.strip() for part in line.split("|")] for line in COUNTING.strip().splitlines()]


@pytest.mark.parametrize(("lines", "by_default", "free_count", "paused_lost"), BY_SETTINGS, ids=str)
def test_settings_decide_what_counts(lines: str, by_default: str, free_count: str, paused_lost: str) -> None:
    """People on a free plan are no customers unless the company says so; the same of paused ones the other way."""
    expected = {BY_DEFAULT: by_default, FREE_COUNT: free_count, PAUSED_LOST: paused_lost}
    for what, text in expected.items():
        now = known_history(lines.split(", "), what).now
        assert f"{'active' if now.active else 'inactive'} {now.mrr}" == text
        assert standing_text(now) == recounts.standing_text(recounts.recounted(lines.split(", "), what).steps[-1].after)


#: Settings under which a pause is a break, and the plan after A resumes: of equal MRR the longest leads.
@pytest.mark.parametrize(("what", "plan"), [(BY_DEFAULT, "basic"), (PAUSED_LOST, "pro")], ids=["kept", "lost"])
def test_a_pause_is_a_break_where_it_ends_the_counting(what: WhatCounts, plan: str) -> None:
    """One setting decides both: who is a customer, and for how long."""
    lines = ["0 signup@A basic 10", "1 signup@B pro 10", "2 pause@A", "3 resume@A"]
    now = known_history(lines, what).now
    assert (PLANS[now.plan], now.mrr) == (plan, 20)


#: Whether the customer is paused, and has several, by default.
PAUSED_OR_SEVERAL = """
0 signup@A pro 10                                             | -
0 signup@A pro 10, 1 pause@A                                  | paused
0 signup@A pro 0, 1 pause@A                                   | -
0 signup@A pro 10 trial, 1 pause@A                            | -
0 signup@A pro 10, 0 signup@B pro 10                          | several
0 signup@A pro 10, 0 signup@B pro 10, 1 pause@A               | several
0 signup@A pro 10, 0 signup@B pro 10, 1 pause@A, 1 pause@B    | paused several
0 signup@A pro 10, 0 signup@B pro 0                           | -
0 signup@A pro 10, 0 signup@B pro 0, 1 pause@A                | paused
0 signup@A pro 10, 0 signup@B pro 10 trial, 1 pause@A         | paused
0 signup@A pro 10, 1 pause@A, 2 cancel@A                      | -
"""


@pytest.mark.parametrize("line", PAUSED_OR_SEVERAL.strip().splitlines())
def test_who_is_paused_and_who_has_several(line: str) -> None:
    """One that would count, were it not paused, and none that counts without being paused; two or more that count."""
    lines, _, expected = (part.strip() for part in line.partition("|"))
    now = known_history(lines.split(", ")).now
    assert (" ".join(["paused"] * now.is_paused + ["several"] * now.has_several) or "-") == expected
    assert known_history(lines.split(", "), PAUSED_LOST).now.is_paused == now.is_paused


def test_the_full_price_counts_what_is_paused_and_not_what_does_not_count() -> None:
    """Upgrades are judged by it: a pause is no downgrade."""
    lines = ["0 signup@A basic 10", "0 signup@B pro 20", "0 signup@C team 40 trial", "1 pause@B"]
    assert (known_history(lines).now.mrr, known_history(lines).now.full_mrr) == (10, 30)
    lost = known_history(lines, PAUSED_LOST).now
    assert (lost.mrr, lost.full_mrr) == (10, 10)


@pytest.mark.parametrize(
    ("lines", "plan"),
    [
        (["0 signup basic 10"], None),
        (["0 signup basic 10 trial", "1 upgrade pro 10 trial"], "basic"),
        (["0 signup basic 10", "1 upgrade pro 10 trial"], "pro"),
        (["0 upgrade basic 10 trial", "1 signup pro 10 trial"], "pro"),
        (["0 upgrade basic 10 trial", "1 signup pro 10"], None),
    ],
)
def test_the_first_trial_is_one_that_has_an_effect(lines: list[str], plan: str | None) -> None:
    """A change with a trial of a subscription that nobody opened tries nothing."""
    found = first_trial(known_history(lines).steps)
    assert (PLANS[found.plan] if found else None) == plan


def test_a_revoked_signup_hands_over_to_the_next() -> None:
    """In every dimension but plan the customer's segment comes from the first signup that counts."""
    lines = ["0 signup basic 10 country=DE", "1 signup pro 20 country=US", "2 revoke revokes=e0"]
    for order in permutations(range(3)):
        history = known_history([f"{lines[n]} id=e{n}" for n in order])
        assert [step_text(step) for step in history.steps] == ["1 signup -> pro 20 : active pro 20"]
        assert history.signup is not None
        assert PLANS[history.signup.plan] == "pro"


def _customer(*lines: str) -> Customer:
    return folded(lines)[0]


def test_cache_of_a_state_says_what_its_timeline_says() -> None:
    """Short cuts believe the cache; it must be what a replay would find."""
    customer = _customer("0 signup basic 10", "24 upgrade pro 30", "48 cancel", "72 cancel")
    assert (customer.is_open, customer.active, PLANS[customer.plan]) == (False, False, "pro")
    assert (customer.first_at, customer.last_at) == (FIRST * HOUR_MS, (FIRST + 72) * HOUR_MS)
    assert (PLANS[customer.first_plan], customer.facts) == ("basic", 4)
    on_trial = _customer("0 signup@A basic 10", "24 cancel@A", "48 signup@B team 10 trial")
    assert (on_trial.is_open, on_trial.active, PLANS[on_trial.plan]) == (True, False, "team")


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        (-1, "closed : inactive none 0"),
        (0, "closed : inactive none 0"),
        (0.001, "basic 10 : active basic 10"),
        (5, "basic 10 : active basic 10"),
        (6, "pro 30 : active pro 30"),
        (9, "pro 30 : active pro 30"),
        (10, "closed : inactive pro 0"),
    ],
)
def test_state_at_an_instant_is_that_after_all_facts_before_it(hour: float, expected: str) -> None:
    """A fact at the instant itself is not yet true; after the end the last plan stays."""
    steps = known_history(["0 signup basic 10", "5 upgrade pro 30", "9 cancel"]).steps
    assert standing_text(standing_at(steps, FIRST * HOUR_MS + round(hour * HOUR_MS))) == expected


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
