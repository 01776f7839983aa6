"""Lifecycle counts by hand: what a few events make of the window [2026-01-30, 2026-03-01).

One event a line and the expected counts last; counts that a case does not name must be zero.
Definitions: docs/definitions.md, sections 2 and 3.
"""

from datetime import UTC, datetime

import pytest

from tests.oracle.events import Event, cancel, change, signup
from tests.oracle.recomputation import recompute
from tests.oracle.reports import Counts, counts_of

T = datetime(2026, 3, 1, tzinfo=UTC)

STANDING: dict[str, tuple[list[Event], Counts]] = {
    "nobody": ([], {}),
    "a customer of the start who stays": (
        [signup("c", "2026-01-01")],
        {"customers_active": 1, "mrr": 1_000, "customers_at_start": 1, "customers_retained": 1}
        | {"mrr_at_start": 1_000, "mrr_retained_gross": 1_000, "mrr_retained_net": 1_000},
    ),
    "a customer of the start who leaves": (
        [
            signup("c", "2026-01-01"),
            cancel("c", "2026-02-10"),
        ],
        {"customers_at_start": 1, "customers_lost": 1, "cancellations": 1}
        | {"mrr_at_start": 1_000, "mrr_churned": 1_000},
    ),
    "an involuntary cancellation": (
        [
            signup("c", "2026-01-01"),
            cancel("c", "2026-02-10", involuntary=True),
        ],
        {"customers_at_start": 1, "customers_lost": 1, "cancellations": 1, "cancellations_involuntary": 1}
        | {"mrr_at_start": 1_000, "mrr_churned": 1_000},
    ),
    "a customer who left before the window": (
        [
            signup("c", "2026-01-01"),
            cancel("c", "2026-01-29T23:59:59.999Z"),
        ],
        {},
    ),
    "a new customer, not yet seven days old": (
        [signup("c", "2026-02-25")],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "a signup at the first instant of the window": (
        [signup("c", "2026-01-30")],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000}
        | {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "a signup one millisecond before the window": (
        [signup("c", "2026-01-29T23:59:59.999999Z")],
        {"customers_active": 1, "mrr": 1_000, "customers_at_start": 1, "customers_retained": 1}
        | {"mrr_at_start": 1_000, "mrr_retained_gross": 1_000, "mrr_retained_net": 1_000}
        | {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "a signup at T": ([signup("c", "2026-03-01")], {}),
    "new and gone within three days": (
        [
            signup("c", "2026-02-10"),
            cancel("c", "2026-02-13"),
        ],
        {"customers_new": 1, "mrr_new": 1_000}
        | {"cancellations": 1, "cancellations_of_new": 1, "mrr_churned": 1_000}
        | {"dropoff_matured": 1, "dropoff_cancelled": 1, "onboarding_matured": 1},
    ),
    "a customer of the start who leaves and comes back for less": (
        [
            signup("c", "2026-01-01"),
            cancel("c", "2026-02-01"),
            signup("c", "2026-02-05", "basic", 400),
        ],
        {"customers_active": 1, "mrr": 400, "customers_at_start": 1, "customers_retained": 1}
        | {"cancellations": 1, "customers_reactivated": 1, "mrr_at_start": 1_000, "mrr_retained_gross": 400}
        | {"mrr_retained_net": 400, "mrr_churned": 1_000, "mrr_reactivated": 400},
    ),
    "a customer who comes back in the window and leaves again": (
        [
            signup("c", "2026-01-01"),
            cancel("c", "2026-01-02"),
            signup("c", "2026-02-05", "basic", 400),
            cancel("c", "2026-02-06"),
        ],
        {"cancellations": 1, "cancellations_of_new": 1, "customers_reactivated": 1}
        | {"mrr_churned": 400, "mrr_reactivated": 400},
    ),
    "a customer of the start who leaves twice": (
        [
            signup("c", "2026-01-01"),
            cancel("c", "2026-02-01"),
            signup("c", "2026-02-05", "basic", 400),
            cancel("c", "2026-02-06", involuntary=True),
        ],
        {"customers_at_start": 1, "customers_lost": 1, "customers_reactivated": 1, "cancellations": 2}
        | {"cancellations_involuntary": 1, "mrr_at_start": 1_000, "mrr_churned": 1_400, "mrr_reactivated": 400},
    ),
    "up, sideways, down": (
        [
            signup("c", "2026-01-01", "basic", 1_000),
            change("c", "2026-02-01", "pro", 3_000),
            change("c", "2026-02-02", "team", 3_000),
            change("c", "2026-02-03", "pro", 2_500, type="downgrade"),
        ],
        {"customers_active": 1, "mrr": 2_500, "customers_at_start": 1, "customers_retained": 1}
        | {"mrr_at_start": 1_000, "mrr_retained_gross": 1_000, "mrr_retained_net": 2_500}
        | {"upgrades": 1, "mrr_expansion": 2_000, "downgrades": 1, "mrr_contraction": 500},
    ),
    "an event named downgrade that raises the MRR": (
        [
            signup("c", "2026-02-25", "basic", 1_000),
            change("c", "2026-02-26", "pro", 1_001, type="downgrade"),
        ],
        {"customers_active": 1, "mrr": 1_001, "customers_new": 1, "mrr_new": 1_000}
        | {"upgrades": 1, "mrr_expansion": 1},
    ),
    "facts that do nothing": (
        [
            change("c", "2026-02-22", "team", 9_000),
            cancel("c", "2026-02-23"),
            signup("c", "2026-02-24", "pro", 1_000),
            signup("c", "2026-02-25", "team", 5_000),
            cancel("c", "2026-02-26"),
            cancel("c", "2026-02-27", involuntary=True),
            change("c", "2026-02-28", "team", 9_000),
        ],
        {"customers_new": 1, "mrr_new": 1_000, "cancellations": 1, "cancellations_of_new": 1, "mrr_churned": 1_000},
    ),
}


@pytest.mark.parametrize(("events", "expected"), STANDING.values(), ids=STANDING)
@pytest.mark.parametrize("step", [1, -1], ids=["in order", "backwards"])
def test_the_timeline_makes_the_expected_counts_in_either_order_of_arrival(
    events: list[Event], expected: Counts, step: int
) -> None:
    """The state machine is the part that every other number rests on."""
    assert expected == counts_of(recompute(events[::step], at=[T])[0])
