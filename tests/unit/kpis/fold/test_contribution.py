"""What a customer adds to the counts, computed by hand: one event a line, the rows last.

Rows: name, plan, buckets i and j (hours since the start), count, money. Definitions: docs/kpis.md, section Counts.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from kpis.customer.feedback_codes import FAILED, PROMOTERS, SENT, UNSATISFIED
from tests.unit.kpis.customers import folded, pure_rows

CASES: dict[str, tuple[list[str], list[str]]] = {
    "a signup": (["0.5 signup basic 1000"], ["NEW basic 0 0 1 1000"]),
    "a cancel in the first week": (
        ["0 signup basic 1000", "48.5 cancel"],
        ["NEW basic 0 0 1 1000", "CANCELLED basic 48 48 1 1000", "OF_NEW basic 0 48 1 1000", "GONE basic 0 0 1 0"],
    ),
    "a cancel after the first week": (
        ["0 signup basic 1000", "240 cancel"],
        ["NEW basic 0 0 1 1000", "CANCELLED basic 240 240 1 1000", "OF_NEW basic 0 240 1 1000"],
    ),
    "a cancel at the very end of the first week comes too late for drop-off": (
        ["0 signup basic 1000", "168 cancel"],
        ["NEW basic 0 0 1 1000", "CANCELLED basic 168 168 1 1000", "OF_NEW basic 0 168 1 1000"],
    ),
    "a signup and its cancel in one bucket": (
        ["0.1 signup basic 1000", "0.2 cancel"],
        ["NEW basic 0 0 1 1000", "CANCELLED basic 0 0 1 1000", "OF_NEW basic 0 0 1 1000", "GONE basic 0 0 1 0"],
    ),
    "an involuntary cancel": (
        ["0 signup basic 1000", "240 cancel involuntary=true"],
        [
            "NEW basic 0 0 1 1000",
            "CANCELLED basic 240 240 1 1000",
            "INVOLUNTARY basic 240 240 1 0",
            "OF_NEW basic 0 240 1 1000",
        ],
    ),
    "an upgrade, which only those of the start keep": (
        ["0 signup basic 1000", "24 upgrade pro 3000"],
        [
            "NEW basic 0 0 1 1000",
            "UPGRADED basic 24 24 1 2000",
            "MOVED basic 24 24 -1 -3000",
            "MOVED pro 24 24 1 3000",
            "KEPT basic 0 24 0 2000",
        ],
    ),
    "a downgrade on the same plan": (
        ["0 signup basic 1000", "24 upgrade basic 400"],
        ["NEW basic 0 0 1 1000", "DOWNGRADED basic 24 24 1 600", "OF_NEW basic 0 24 0 600"],
    ),
    "a move at equal MRR": (
        ["0 signup basic 1000", "24 upgrade pro 1000"],
        ["NEW basic 0 0 1 1000", "MOVED basic 24 24 -1 -1000", "MOVED pro 24 24 1 1000"],
    ),
    "a reactivation takes back the loss of windows that began before the cancel": (
        ["0 signup basic 1000", "48 cancel", "72 signup pro 500"],
        [
            "NEW basic 0 0 1 1000",
            "CANCELLED basic 48 48 1 1000",
            "OF_NEW basic 0 48 1 1000",
            "REACTIVATED pro 72 72 1 500",
            "OF_NEW basic 0 72 0 -500",
            "OF_NEW basic 48 72 0 500",
            "KEPT basic 0 72 1 0",
            "KEPT basic 48 72 -1 0",
        ],
    ),
    "what is ignored adds nothing": (
        ["0 cancel", "1 upgrade pro 5", "2 signup basic 1000", "3 signup pro 9000"],
        ["NEW basic 2 2 1 1000"],
    ),
    "activity, again in another bucket": (
        ["0 signup basic 10", "5.5 activity", "5.7 activity", "30 activity"],
        ["NEW basic 0 0 1 10", "ENGAGED basic 5 5 1 0", "ENGAGED basic 30 30 1 0", "ENGAGED_AGAIN basic 5 30 1 0"],
    ),
    "activity is handed on from plan to plan": (
        ["0 signup basic 10", "5 activity", "10 upgrade pro 10"],
        [
            "NEW basic 0 0 1 10",
            "ENGAGED basic 5 5 1 0",
            "ENGAGED_AGAIN basic 5 10 1 0",
            "ENGAGED_AGAIN pro 5 10 -1 0",
            "MOVED basic 10 10 -1 -10",
            "MOVED pro 10 10 1 10",
        ],
    ),
    "activity of someone who is no customer": (["5 activity"], []),
    "activity in the second week": (
        ["0 signup basic 10", "192 activity"],
        ["NEW basic 0 0 1 10", "ENGAGED basic 192 192 1 0", "LIVELY basic 0 0 1 0"],
    ),
    "activity right after the second week": (
        ["0 signup basic 10", "336 activity"],
        ["NEW basic 0 0 1 10", "ENGAGED basic 336 336 1 0"],
    ),
    "activity just before the second week, and just after it, in buckets that are cut by its edges": (
        ["0.5 signup basic 10", "168.25 activity", "336.75 activity"],
        [
            "NEW basic 0 0 1 10",
            "ENGAGED basic 168 168 1 0",
            "ENGAGED basic 336 336 1 0",
            "ENGAGED_AGAIN basic 168 336 1 0",
        ],
    ),
    "activity in the last bucket of the second week, before its end": (
        ["0.5 signup basic 10", "336.25 activity"],
        ["NEW basic 0 0 1 10", "ENGAGED basic 336 336 1 0", "LIVELY basic 0 0 1 0"],
    ),
    "an answered survey at the instant when the second week is over": (
        ["0 signup basic 10", "336 survey kind=nps score=10"],
        ["NEW basic 0 0 1 10", f"FEEDBACK+{PROMOTERS + 1} basic 336 336 1 0", "ENGAGED basic 336 336 1 0"],
    ),
    "an answered survey in the second week is a sign of life": (
        ["0 signup basic 10", "168 survey kind=nps score=10"],
        [
            "NEW basic 0 0 1 10",
            f"FEEDBACK+{PROMOTERS + 1} basic 168 168 1 0",
            "ENGAGED basic 168 168 1 0",
            "LIVELY basic 0 0 1 0",
        ],
    ),
    "a survey that was only sent is none": (
        ["0 signup basic 10", "170 survey kind=csat status=sent via=email"],
        ["NEW basic 0 0 1 10", f"FEEDBACK+{SENT} basic 170 170 1 0"],
    ),
    "onboarding in the first week": (
        ["0 signup basic 10", "24 onboarding"],
        ["NEW basic 0 0 1 10", "ONBOARDED basic 0 0 1 0"],
    ),
    "onboarding that comes too late, or is not complete": (
        ["0 signup basic 10", "168 onboarding", "24 onboarding completed=false"],
        ["NEW basic 0 0 1 10"],
    ),
    "notes count under the plan before their millisecond": (
        ["0 signup basic 10", "24 upgrade pro 10", "24 renewal outcome=failed", "25 survey kind=csat score=1"],
        [
            "NEW basic 0 0 1 10",
            "MOVED basic 24 24 -1 -10",
            "MOVED pro 24 24 1 10",
            f"FEEDBACK+{FAILED} basic 24 24 1 0",
            f"FEEDBACK+{UNSATISFIED + 1} pro 25 25 1 0",
            "ENGAGED pro 25 25 1 0",
        ],
    ),
    "a cancel that is revoked": (
        ["0 signup basic 10", "48 cancel", "40 revoke revokes=e1"],
        ["NEW basic 0 0 1 10"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_are_those_computed_by_hand(name: str) -> None:
    """The rows are what everything else adds up; here they are checked against paper, not against other code."""
    lines, expected = CASES[name]
    customer, rows = folded(lines)
    assert rows == sorted(expected)
    assert pure_rows(customer) == sorted(expected)


@pytest.mark.parametrize("name", [name for name, (lines, _) in CASES.items() if not any("revoke" in x for x in lines)])
def test_rows_do_not_depend_on_order_or_short_cuts(name: str) -> None:
    """All orders of a handful of events, not some: whichever arrives first, the rows add up to the same."""
    lines, expected = CASES[name]
    for order in permutations(range(len(lines))):
        for short_cuts in (True, False):
            _, rows = folded([lines[n] for n in order], short_cuts=short_cuts)
            assert rows == sorted(expected), order
