"""What a customer adds to the counts, computed by hand: one event a line, the rows last.

Rows: name, plan, buckets i and j (hours since the start), count, money. Definitions: docs/kpis.md, section Counts.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import permutations

import pytest

from kpis.customer import movements, timeline
from kpis.customer.feedback_codes import FAILED, PROMOTERS, SENT, UNSATISFIED, WAYS
from kpis.customer.movements import Movement
from kpis.customer.timeline import Subscription, has_effect
from kpis.customer.what_counts import BY_DEFAULT, WhatCounts
from kpis.fold import context
from kpis.fold.context import MANY_FACTS
from kpis.fold.contribution import OPEN, pieces_of
from kpis.rows import Part, Row, difference_in_steps
from tests.unit.kpis.customers import FIRST, FREE_COUNT, PAUSED_LOST, PLANS, folded, known_history, pure_rows

IN_APP = WAYS.index("in_app")
DE = 1  # the first profile that is met
CSAT_BY_EMAIL = WAYS.index("email")  # csat is the first of the kinds
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
        [
            "NEW basic 0 0 1 1000",
            "CANCELLED basic 0 0 1 1000",
            "OF_NEW basic 0 0 1 1000",
            "GONE basic 0 0 1 0",
            # The subscription counts at no boundary: it neither started nor ended.
            "STARTED basic 0 0 -1 0",
            "ENDED basic 0 0 -1 0",
        ],
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
        ["NEW basic 0 0 1 10", f"FEEDBACK+{PROMOTERS[IN_APP]} basic 336 336 1 0", "ENGAGED basic 336 336 1 0"],
    ),
    "an answered survey in the second week is a sign of life": (
        ["0 signup basic 10", "168 survey kind=nps score=10"],
        [
            "NEW basic 0 0 1 10",
            f"FEEDBACK+{PROMOTERS[IN_APP]} basic 168 168 1 0",
            "ENGAGED basic 168 168 1 0",
            "LIVELY basic 0 0 1 0",
        ],
    ),
    "a sign of life in the second week of who has gone in the first": (
        ["0 signup basic 10", "48 cancel", "192 activity"],
        ["NEW basic 0 0 1 10", "CANCELLED basic 48 48 1 10", "OF_NEW basic 0 48 1 10", "GONE basic 0 0 1 0"],
    ),
    "what comes before the first signup has its segments too": (
        ["0 survey kind=csat status=sent via=email", "24 signup basic 10 country=DE"],
        [f"FEEDBACK+{SENT[CSAT_BY_EMAIL]} none 0 0 1 0 of {DE}", f"NEW basic 24 24 1 10 of {DE}"],
    ),
    "a survey that was only sent is none": (
        ["0 signup basic 10", "170 survey kind=csat status=sent via=email"],
        ["NEW basic 0 0 1 10", f"FEEDBACK+{SENT[CSAT_BY_EMAIL]} basic 170 170 1 0"],
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
            f"FEEDBACK+{UNSATISFIED[IN_APP]} pro 25 25 1 0",
            "ENGAGED pro 25 25 1 0",
        ],
    ),
    "a cancel that is revoked": (
        ["0 signup basic 10", "48 cancel", "40 revoke revokes=e1"],
        ["NEW basic 0 0 1 10"],
    ),
}


TRIALS_AND_FREE_PLANS: dict[str, tuple[list[str], list[str]]] = {
    "a trial that converts": (
        ["0 signup basic 1000 trial", "336 upgrade pro 1000"],
        [
            "SIGNED_UP basic 0 0 1 0",
            "SIGNED_UP pro 336 336 -1 0",
            "TRIAL basic 0 0 1 0",
            "CONVERTED basic 0 0 1 0",
            "NEW pro 336 336 1 1000",
        ],
    ),
    "a trial that is cancelled": (
        ["0 signup basic 1000 trial", "100 cancel"],
        ["SIGNED_UP basic 0 0 1 0", "TRIAL basic 0 0 1 0", "GONE basic 0 0 1 0"],
    ),
    "a trial that converts 37 days later, which is too late": (
        ["0 signup basic 1000 trial", "888 upgrade basic 1000"],
        [
            "SIGNED_UP basic 0 0 1 0",
            "SIGNED_UP basic 888 888 -1 0",
            "TRIAL basic 0 0 1 0",
            "NEW basic 888 888 1 1000",
        ],
    ),
    "a trial that converts just before": (
        ["0 signup basic 1000 trial", "887.999 upgrade basic 1000"],
        [
            "SIGNED_UP basic 0 0 1 0",
            "SIGNED_UP basic 887 887 -1 0",
            "TRIAL basic 0 0 1 0",
            "CONVERTED basic 0 0 1 0",
            "NEW basic 887 887 1 1000",
        ],
    ),
    "a trial that converts and ends within one bucket": (
        ["0.1 signup basic 1000 trial", "0.2 upgrade basic 1000", "0.3 cancel"],
        [
            "NEW basic 0 0 1 1000",
            "TRIAL basic 0 0 1 0",
            "CONVERTED basic 0 0 1 0",
            "GONE basic 0 0 1 0",
            "CANCELLED basic 0 0 1 1000",
            "OF_NEW basic 0 0 1 1000",
            "STARTED basic 0 0 -1 0",
            "ENDED basic 0 0 -1 0",
        ],
    ),
    "a trial of who was a customer already tries nothing": (
        ["0 signup basic 1000", "24 upgrade basic 1000 trial"],
        ["NEW basic 0 0 1 1000", "CANCELLED basic 24 24 1 1000", "OF_NEW basic 0 24 1 1000"],
    ),
    "a trial of who becomes a customer at the same instant has converted": (
        ["0 signup@A basic 1000", "0 signup@B pro 500 trial"],
        ["NEW basic 0 0 1 1000", "TRIAL pro 0 0 1 0", "CONVERTED pro 0 0 1 0"],
    ),
    "a free plan that becomes a paid one": (
        ["0 signup basic 0", "48 upgrade pro 1000"],
        ["SIGNED_UP basic 0 0 1 0", "SIGNED_UP pro 48 48 -1 0", "NEW pro 48 48 1 1000"],
    ),
    "a free plan that ends in the first week": (
        ["0 signup basic 0", "100 cancel"],
        ["SIGNED_UP basic 0 0 1 0", "GONE basic 0 0 1 0"],
    ),
    "engagement on a free plan counts once there is a customer": (
        ["0 signup basic 0", "5 activity", "10 upgrade basic 10"],
        [
            "SIGNED_UP basic 0 0 1 0",
            "SIGNED_UP basic 10 10 -1 0",
            "NEW basic 10 10 1 10",
            "ENGAGED_AGAIN basic 5 10 -1 0",
        ],
    ),
    "a signup under one plan, new under another in the same bucket": (
        ["0.1 signup basic 1000", "0.5 upgrade pro 3000"],
        ["SIGNED_UP basic 0 0 1 0", "SIGNED_UP pro 0 0 -1 0", "NEW pro 0 0 1 3000"],
    ),
}
PAUSES: dict[str, tuple[list[str], list[str]]] = {
    # In (0, 24] a window begins with 1000 and ends with 1000: neither is the contraction lost nor the expansion won.
    "a pause and a resume": (
        ["0 signup basic 1000", "24 pause", "48 resume"],
        [
            "NEW basic 0 0 1 1000",
            "DOWNGRADED basic 24 24 0 1000",
            "PAUSED basic 24 24 1 0",
            "OF_NEW basic 0 24 0 1000",
            "UPGRADED basic 48 48 0 1000",
            "PAUSED basic 48 48 -1 0",
            "OF_NEW basic 0 48 0 -1000",
            "OF_NEW basic 24 48 0 1000",
            "KEPT basic 24 48 0 1000",
        ],
    ),
    "an upgrade while paused": (
        ["0 signup basic 1000", "24 pause", "48 upgrade pro 3000"],
        [
            "NEW basic 0 0 1 1000",
            "DOWNGRADED basic 24 24 0 1000",
            "PAUSED basic 24 24 1 0",
            "OF_NEW basic 0 24 0 1000",
            "UPGRADED basic 48 48 1 0",
            "MOVED basic 48 48 -1 0",
            "MOVED pro 48 48 1 0",
            "PAUSED basic 48 48 -1 0",
            "PAUSED pro 48 48 1 0",
        ],
    ),
    "an end while paused takes no MRR along": (
        ["0 signup basic 1000", "24 pause", "240 cancel"],
        [
            "NEW basic 0 0 1 1000",
            "DOWNGRADED basic 24 24 0 1000",
            "PAUSED basic 24 24 1 0",
            "OF_NEW basic 0 24 0 1000",
            "CANCELLED basic 240 240 1 0",
            "OF_NEW basic 0 240 1 0",
            "PAUSED basic 240 240 -1 0",
        ],
    ),
}
SEVERAL_SUBSCRIPTIONS: dict[str, tuple[list[str], list[str]]] = {
    # Who began a window in (0, 24] did so under basic with 1000, and has 3000 at the end of it.
    "a second one, and the end of the first": (
        ["0 signup@A basic 1000", "24 signup@B pro 3000", "48 cancel@A"],
        [
            "NEW basic 0 0 1 1000",
            "UPGRADED basic 24 24 1 3000",
            "MOVED basic 24 24 -1 -4000",
            "MOVED pro 24 24 1 4000",
            "KEPT basic 0 24 0 3000",
            "SEVERAL pro 24 24 1 0",
            "STARTED pro 24 24 1 0",
            "SUBSCRIPTIONS basic 24 24 1 1000",
            "SUBSCRIPTIONS pro 24 24 0 -1000",
            "DOWNGRADED pro 48 48 1 1000",
            "OF_NEW pro 24 48 0 1000",
            "KEPT basic 0 48 0 -1000",
            "KEPT basic 24 48 0 1000",
            "SEVERAL pro 48 48 -1 0",
            "ENDED basic 48 48 1 0",
            "SUBSCRIPTIONS basic 48 48 -1 -1000",
            "SUBSCRIPTIONS pro 48 48 0 1000",
        ],
    ),
    "the first one ends in the first week, the second stays open: no drop-off": (
        ["0 signup@A basic 10", "10 signup@B pro 10", "100 cancel@A"],
        [
            "NEW basic 0 0 1 10",
            "UPGRADED basic 10 10 1 10",
            "KEPT basic 0 10 0 10",
            "SEVERAL basic 10 10 1 0",
            "STARTED pro 10 10 1 0",
            "SUBSCRIPTIONS basic 10 10 0 -10",
            "SUBSCRIPTIONS pro 10 10 1 10",
            "DOWNGRADED basic 100 100 1 10",
            "MOVED basic 100 100 -1 -10",
            "MOVED pro 100 100 1 10",
            "OF_NEW basic 10 100 0 10",
            "KEPT basic 0 100 0 -10",
            "KEPT basic 10 100 0 10",
            "SEVERAL basic 100 100 -1 0",
            "ENDED basic 100 100 1 0",
            "SUBSCRIPTIONS basic 100 100 0 10",
            "SUBSCRIPTIONS pro 100 100 -1 -10",
        ],
    ),
    "two that begin in one bucket and end in another": (
        ["0 signup@A basic 1000", "0 signup@B pro 3000", "240 cancel@A", "240.5 cancel@B"],
        [
            "SIGNED_UP basic 0 0 1 0",
            "SIGNED_UP pro 0 0 -1 0",
            "NEW pro 0 0 1 4000",
            "SEVERAL pro 0 0 1 0",
            "STARTED basic 0 0 1 0",
            "SUBSCRIPTIONS basic 0 0 1 1000",
            "SUBSCRIPTIONS pro 0 0 0 -1000",
            "CANCELLED pro 240 240 1 4000",
            "OF_NEW pro 0 240 1 4000",
            "SEVERAL pro 240 240 -1 0",
            "ENDED basic 240 240 1 0",
            "SUBSCRIPTIONS basic 240 240 -1 -1000",
            "SUBSCRIPTIONS pro 240 240 0 1000",
        ],
    ),
    "a switch within a bucket": (
        ["0 signup@A basic 1000", "24.1 cancel@A", "24.5 signup@B pro 3000"],
        [
            "NEW basic 0 0 1 1000",
            "UPGRADED basic 24 24 1 2000",
            "MOVED basic 24 24 -1 -3000",
            "MOVED pro 24 24 1 3000",
            "KEPT basic 0 24 0 2000",
            "STARTED pro 24 24 1 0",
            "ENDED basic 24 24 1 0",
        ],
    ),
    "a switch over two buckets": (
        ["0 signup@A basic 1000", "23.9 cancel@A", "24 signup@B pro 3000"],
        [
            "NEW basic 0 0 1 1000",
            "CANCELLED basic 23 23 1 1000",
            "OF_NEW basic 0 23 1 1000",
            "REACTIVATED pro 24 24 1 3000",
            "OF_NEW basic 0 24 0 -1000",
            "OF_NEW basic 23 24 0 1000",
            "KEPT basic 0 24 1 2000",
            "KEPT basic 23 24 -1 -2000",
        ],
    ),
    "one that moves to another plan beside the one that leads": (
        ["0 signup@A team 9000", "0 signup@B basic 1000", "24 upgrade@B pro 1000"],
        [
            "SIGNED_UP basic 0 0 1 0",
            "SIGNED_UP team 0 0 -1 0",
            "NEW team 0 0 1 10000",
            "SEVERAL team 0 0 1 0",
            "STARTED basic 0 0 1 0",
            "SUBSCRIPTIONS basic 0 0 1 1000",
            "SUBSCRIPTIONS team 0 0 0 -1000",
            # It has not begun to count, and not ceased to: it only counts under another plan.
            "SUBSCRIPTIONS basic 24 24 -1 -1000",
            "SUBSCRIPTIONS pro 24 24 1 1000",
        ],
    ),
    "one beside the one that leads is paused": (
        ["0 signup@A team 9000", "0 signup@B team 1000", "24 pause@B"],
        [
            "NEW team 0 0 1 10000",
            "SEVERAL team 0 0 1 0",
            "STARTED team 0 0 1 0",
            "SUBSCRIPTIONS team 0 0 1 0",
            "DOWNGRADED team 24 24 0 1000",
            "OF_NEW team 0 24 0 1000",
        ],
    ),
    # The window that begins in (240, 300] holds a cancellation of one of the new, the earlier ones none more.
    "one who comes back and goes within a bucket": (
        ["0 signup basic 1000", "240 cancel", "300.1 signup pro 500", "300.5 cancel"],
        [
            "NEW basic 0 0 1 1000",
            "CANCELLED basic 240 240 1 1000",
            "OF_NEW basic 0 240 1 1000",
            "REACTIVATED pro 300 300 1 500",
            "CANCELLED pro 300 300 1 500",
            "OF_NEW pro 300 300 1 500",
            "OF_NEW pro 240 300 -1 0",
            "OF_NEW pro 0 300 1 0",
            "KEPT pro 240 300 -1 0",
            "KEPT pro 0 300 1 0",
            "STARTED pro 300 300 -1 0",
            "ENDED pro 300 300 -1 0",
        ],
    ),
}
WITHOUT_EFFECT: dict[str, tuple[list[str], list[str]]] = {
    "before there is a subscription": (
        ["0 cancel", "1 upgrade pro 5", "2 pause", "3 resume", "4 signup basic 1000"],
        [
            "WITHOUT_EFFECT/cancel none 0 0 1 0",
            "WITHOUT_EFFECT/change none 1 1 1 0",
            "WITHOUT_EFFECT/pause none 2 2 1 0",
            "WITHOUT_EFFECT/resume none 3 3 1 0",
            "NEW basic 4 4 1 1000",
        ],
    ),
    "of another subscription than the one that is open": (
        ["0 signup@A basic 1000", "1 cancel@B", "2 cancel"],
        [
            "NEW basic 0 0 1 1000",
            "WITHOUT_EFFECT/cancel none 1 1 1 0",
            "WITHOUT_EFFECT/cancel none 2 2 1 0",
        ],
    ),
    "a resume of what is open, and a second pause": (
        ["0 signup basic 10", "5 resume", "6 pause", "6.5 pause"],
        [
            "NEW basic 0 0 1 10",
            "WITHOUT_EFFECT/resume none 5 5 1 0",
            "DOWNGRADED basic 6 6 0 10",
            "OF_NEW basic 0 6 0 10",
            "PAUSED basic 6 6 1 0",
            "WITHOUT_EFFECT/pause none 6 6 1 0",
        ],
    ),
    "a second cancel": (
        ["0 signup basic 10", "240 cancel", "241 cancel"],
        [
            "NEW basic 0 0 1 10",
            "CANCELLED basic 240 240 1 10",
            "OF_NEW basic 0 240 1 10",
            "WITHOUT_EFFECT/cancel none 241 241 1 0",
        ],
    ),
    "a second signup has one: it is a change": (
        ["2 signup basic 1000", "3 signup pro 9000"],
        [
            "NEW basic 2 2 1 1000",
            "UPGRADED basic 3 3 1 8000",
            "MOVED basic 3 3 -1 -9000",
            "MOVED pro 3 3 1 9000",
            "KEPT basic 2 3 0 8000",
        ],
    ),
    "a revocation of what is not there": (
        ["0 signup basic 10", "40 revoke revokes=never"],
        ["NEW basic 0 0 1 10", "WITHOUT_EFFECT/revoke none 40 40 1 0"],
    ),
    "a revocation under another source": (
        ["0 signup basic 10", "40 revoke revokes=e0 source=customer.cancel"],
        ["NEW basic 0 0 1 10", "WITHOUT_EFFECT/revoke none 40 40 1 0"],
    ),
    "a revocation of a signup leaves its cancel without one": (
        ["0 signup basic 10", "5 cancel", "40 revoke revokes=e0"],
        ["WITHOUT_EFFECT/cancel none 5 5 1 0"],
    ),
    "a revocation of what had none": (["5 cancel", "40 revoke revokes=e0"], []),
}
TABLES = (CASES, TRIALS_AND_FREE_PLANS, PAUSES, SEVERAL_SUBSCRIPTIONS, WITHOUT_EFFECT)
BY_SETTINGS: dict[str, tuple[WhatCounts, list[str], list[str]]] = {
    "a pause that ends the counting": (
        PAUSED_LOST,
        ["0 signup basic 1000", "24 pause", "48 resume"],
        [
            "NEW basic 0 0 1 1000",
            "CANCELLED basic 24 24 1 1000",
            "OF_NEW basic 0 24 1 1000",
            "PAUSED basic 24 24 1 0",
            "REACTIVATED basic 48 48 1 1000",
            "PAUSED basic 48 48 -1 0",
            "OF_NEW basic 0 48 0 -1000",
            "OF_NEW basic 24 48 0 1000",
            "KEPT basic 0 48 1 0",
            "KEPT basic 24 48 -1 0",
        ],
    ),
    "a free plan that counts": (
        FREE_COUNT,
        ["0 signup basic 0", "48 upgrade pro 1000"],
        [
            "NEW basic 0 0 1 0",
            "UPGRADED basic 48 48 1 1000",
            "MOVED basic 48 48 -1 -1000",
            "MOVED pro 48 48 1 1000",
            "KEPT basic 0 48 0 1000",
        ],
    ),
    "a trial that matures after a week": (
        BY_DEFAULT._replace(trial_days=7),
        ["0 signup basic 1000 trial", "168 upgrade basic 1000"],
        [
            "SIGNED_UP basic 0 0 1 0",
            "SIGNED_UP basic 168 168 -1 0",
            "TRIAL basic 0 0 1 0",
            "NEW basic 168 168 1 1000",
        ],
    ),
}
ALL = {name: (BY_DEFAULT, *case) for table in TABLES for name, case in table.items()} | BY_SETTINGS
#: A revocation names an id, which follows from the place of a line.
UNORDERED = [name for name, (_, lines, _) in ALL.items() if not any("revokes=e" in line for line in lines)]


@pytest.mark.parametrize("name", ALL)
def test_rows_are_those_computed_by_hand(name: str) -> None:
    """The rows are what everything else adds up; here they are checked against paper, not against other code."""
    what, lines, expected = ALL[name]
    customer, rows = folded(lines, what=what)
    assert rows == sorted(expected)
    assert pure_rows(customer, what) == sorted(expected)


@pytest.mark.parametrize("name", UNORDERED)
def test_rows_do_not_depend_on_order_or_short_cuts(name: str) -> None:
    """All orders of a handful of events, not some: whichever arrives first, the rows add up to the same."""
    what, lines, expected = ALL[name]
    for order in permutations(lines):
        for short_cuts, batch in ((True, 1), (True, 1000), (False, 1000)):
            _, rows = folded(order, short_cuts=short_cuts, what=what, batch=batch)
            assert rows == sorted(expected), order


def test_a_late_fact_makes_pairs_of_what_it_changes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs of two thousand facts took half a minute; those that one fact changes are a few for each other fact."""
    count = 120
    lines = ["0 signup basic 5", *(f"{24 * n} upgrade pro {10 * (n * 7 % count + 1)}" for n in range(1, count))]
    made: list[int] = []

    def counted(before: Iterable[Part], after: Iterable[Part], out: list[Row]) -> Generator[int, None, None]:
        parts_before, parts_after = list(before), list(after)
        made.append(sum(len(rows) for _, rows in parts_before + parts_after))
        return difference_in_steps(parts_before, parts_after, out)

    monkeypatch.setattr(context, "difference_in_steps", counted)
    for late in (["30 upgrade team 3"], ["30 upgrade team 3", "1000 downgrade pro 2", "1400 upgrade team 3"]):
        customer, rows = folded([*lines, *late], batch=count)
        assert rows == pure_rows(customer)
        assert made.pop() < 10 * count * len(late)  # of all pairs there were over 50 * count
        assert not made


def test_each_of_many_facts_in_order_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Running all facts before each of them anew makes a batch of one customer's quadratic."""
    count, few = 100, MANY_FACTS * MANY_FACTS
    run: list[object] = []
    moved: list[object] = []

    def runs(known: Subscription | None, kind: int) -> bool:
        run.append(kind)
        return has_effect(known, kind)

    def moves(*members: object) -> Movement:
        moved.append(members)
        return Movement(*members)  # type: ignore[arg-type]

    monkeypatch.setattr(timeline, "has_effect", runs)
    monkeypatch.setattr(movements, "Movement", moves)
    lines: list[str] = []
    for n in range(count):
        for customer in ("c", "d"):
            lines.append(f"{24 * n} {'upgrade' if n else 'signup'} basic {n + 1} customer_id={customer}")
            lines.append(f"{12 * n + 1} survey kind=csat status=sent customer_id={customer}")
    folded(lines, batch=len(lines), native=False)
    assert 2 * count <= len(run) <= 2 * (count + few)
    assert 2 * count <= len(moved) <= 2 * (count + few)


def test_a_piece_lasts_from_one_movement_to_the_next() -> None:
    """A plan that lasted minutes inside one bucket is nobody's state as of any boundary."""
    lines = [
        "0 signup basic 10",
        "5 upgrade pro 30",
        "5.5 upgrade team 40",
        "9 cancel",
        "11 cancel",
        "12 signup pro 20",
    ]
    pieces = [
        (start - FIRST, end if end == OPEN else end - FIRST, active, PLANS[plan])
        for start, end, active, plan in pieces_of(known_history(lines).movements)
    ]
    assert pieces == [
        (0, 5, True, "basic"),
        (5, 9, True, "team"),
        (9, 12, False, "team"),
        (12, OPEN, True, "pro"),
    ]
