"""Rows: additions of one customer to the counts, which name no window.

A row `(code, plan, profile, i, j, n, m)`, buckets i <= j, adds n (and money m) to its count in every window [x0, x1)
of buckets with i >= x0 and j < x1. With i == j it is a *point*, a plain fact in a bucket; otherwise a *pair*, which
only windows that hold both ends see.

Most customers have one subscription, and sign up by beginning to pay: some codes hold what differs from that, so that
nothing has to be stored for most customers.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from itertools import islice
from typing import Final

from kpis.customer.facts import CANCEL, CHANGE, PAUSE, RESUME, REVOKE, WORDS
from kpis.customer.feedback_codes import CLASSES

Row = tuple[int, int, int, int, int, int, int]
#: rows, behind what was looked at to make them (count)
Part = tuple[int, list[Row]]
#: n and m, by what comes before them in a row
Sums = dict[tuple[int, int, int, int, int], tuple[int, int]]

STEP_ROWS: Final = 4_096
"""Of one step of a difference: some 5 ms."""

# -- points: movements
NEW: Final = 0
REACTIVATED: Final = 1
CANCELLED: Final = 2
#: n: upgrades; m: what the MRR of a customer who stayed active rose.
UPGRADED: Final = 3
#: n: downgrades; m: what it fell.
DOWNGRADED: Final = 4
#: The plan moves: customers and MRR go from one plan to another.
MOVED: Final = 5
INVOLUNTARY: Final = 6
# -- points: the first signup and the first trial, at their buckets
#: First signups less the customers who became new in the same bucket with the same plan.
SIGNED_UP: Final = 7
#: Not open seven days after the first signup.
GONE: Final = 8
#: Open seven days after it, with activity or an answered survey in the seven days that follow.
LIVELY: Final = 9
#: Onboarding completed within seven days of it.
ONBOARDED: Final = 10
#: First trials of customers who had not been active.
TRIAL: Final = 11
#: Those of them who became active in time.
CONVERTED: Final = 12
# -- points: where customers and subscriptions stand
PAUSED: Final = 13
SEVERAL: Final = 14
#: Subscriptions that count, and their MRR, by their own plan, less customers and MRR by the customers' plan.
SUBSCRIPTIONS: Final = 15
#: Subscriptions that began to count, less those who became active by a movement.
STARTED: Final = 16
#: Subscriptions that ceased to count, less cancellations.
ENDED: Final = 17
#: A bucket j in which an active customer was engaged; i < j is the bucket of the time before, and the row then stands
#: for ENGAGED_AGAIN (i, j) too.
ENGAGED: Final = 18
#: Facts without effect, by kind.
WITHOUT_EFFECT: Final = {kind: 19 + n for n, kind in enumerate((CHANGE, PAUSE, RESUME, CANCEL, REVOKE))}
KINDS_WITHOUT_EFFECT: Final = tuple(WORDS[kind] for kind in WITHOUT_EFFECT)
#: Surveys and renewals: + the class of `kpis.customer.feedback_codes`.
FEEDBACK: Final = 24
POINTS: Final = FEEDBACK + CLASSES

# -- pairs
#: n: cancellations of customers not active at the window's start; m: contraction and churned MRR that those of the
#: start did not lose.
OF_NEW: Final = POINTS
#: n: lost less (cancellations less those of new); m: expansion that those of the start did not keep.
KEPT: Final = POINTS + 1
#: An engagement and the one before it, both in the window: counted once.
ENGAGED_AGAIN: Final = POINTS + 2
PAIRS: Final = 3

#: Points that are counts by themselves: their n, added up over a window, and their m where that is a count too.
COUNTED: Final = (
    (NEW, "customers_new", "mrr_new"),
    (REACTIVATED, "customers_reactivated", "mrr_reactivated"),
    (CANCELLED, "cancellations", "mrr_churned"),
    (UPGRADED, "upgrades", "mrr_expansion"),
    (DOWNGRADED, "downgrades", "mrr_contraction"),
    (INVOLUNTARY, "cancellations_involuntary", ""),
)


def difference(before: Iterable[Row], after: Iterable[Row], out: list[Row]) -> None:
    """Append to `out` what turns the rows before into those after."""
    sums: Sums = {}
    add(sums, -1, before)
    add(sums, 1, after)
    out.extend((*key, n, m) for key, (n, m) in sums.items() if n or m)


def add(sums: Sums, sign: int, rows: Iterable[Row]) -> None:
    """Add rows, times the sign, to what others come to."""
    for code, plan, profile, i, j, n, m in rows:
        count, money = sums.get((code, plan, profile, i, j), (0, 0))
        sums[code, plan, profile, i, j] = (count + sign * n, money + sign * m)


def difference_in_steps(before: Iterable[Part], after: Iterable[Part], out: list[Row]) -> Generator[int, None, None]:
    """Append what `difference` does, of rows that come part by part; yields how much work each step was."""
    sums: Sums = {}
    for sign, parts in ((-1, before), (1, after)):
        for work, rows in parts:
            add(sums, sign, rows)
            yield work
    items = iter(sums.items())
    while part := list(islice(items, STEP_ROWS)):
        out.extend((*key, n, m) for key, (n, m) in part if n or m)
        yield len(part)
