"""Rows: additions of one customer to the counts, which name no window.

A row `(code, plan, profile, i, j, n, m)`, buckets i <= j, adds n (and money m) to its count in every window [x0, x1)
of buckets with i >= x0 and j < x1. With i == j it is a *point*, a plain fact in a bucket; otherwise a *pair*, which
only windows that hold both ends see.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Row = tuple[int, int, int, int, int, int, int]

# -- points
NEW: Final = 0
REACTIVATED: Final = 1
CANCELLED: Final = 2
UPGRADED: Final = 3
DOWNGRADED: Final = 4
#: The plan moves: customers and MRR go from one plan to another.
MOVED: Final = 5
#: At the bucket of the first signup: not active seven days later.
GONE: Final = 6
#: At the bucket of the first signup: active seven days later, with activity in the seven days after.
LIVELY: Final = 7
#: At the bucket of the first signup: onboarding completed within seven days.
ONBOARDED: Final = 8
#: A bucket j in which an active customer was engaged; i < j is the bucket of the time before, and the row then stands
#: for
#: ENGAGED_AGAIN (i, j) too.
ENGAGED: Final = 9
INVOLUNTARY: Final = 10
#: Surveys and renewals: + the class of `kpis.customer.feedback_codes`.
FEEDBACK: Final = 11
POINTS: Final = 48

# -- pairs
#: n: cancellations of customers not active at the window's start; m: contraction and churned MRR that those of the
#: start did not lose.
OF_NEW: Final = 48
#: n: lost less (cancellations less those of new); m: expansion that those of the start did not keep.
KEPT: Final = 49
#: An engagement and the one before it, both in the window: counted once.
ENGAGED_AGAIN: Final = 50
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
    sums: dict[tuple[int, int, int, int, int], tuple[int, int]] = {}
    for sign, rows in ((-1, before), (1, after)):
        for code, plan, profile, i, j, n, m in rows:
            count, money = sums.get((code, plan, profile, i, j), (0, 0))
            sums[code, plan, profile, i, j] = (count + sign * n, money + sign * m)
    out.extend((*key, n, m) for key, (n, m) in sums.items() if n or m)
