"""Which facts count, and in which order, by hand: instants, sequence, conflicts, revokes, tests, currencies.

One event a line and the expected counts last; counts that a case does not name must be zero.
Definitions: docs/definitions.md, sections 2 and 3.
"""

from datetime import UTC, datetime

import pytest

from tests.oracle.events import Event, cancel, change, revoke, signup
from tests.oracle.recomputation import Options, recompute
from tests.oracle.reports import Counts, counts_of

T = datetime(2026, 3, 1, tzinfo=UTC)
EUROS_AND_FRANCS = Options(rates={"EUR": "1.5", "CHF": "0.5"})

ORDER: dict[str, tuple[list[Event], Counts]] = {
    "at one instant a cancel follows a change, which follows a signup": (
        [
            cancel("c", "2026-02-25"),
            change("c", "2026-02-25", "team", 4_000),
            signup("c", "2026-02-25"),
        ],
        {"customers_new": 1, "mrr_new": 1_000, "upgrades": 1, "mrr_expansion": 3_000}
        | {"cancellations": 1, "cancellations_of_new": 1, "mrr_churned": 4_000},
    ),
    "sequence goes before the kind": (
        [
            signup("c", "2026-02-25", sequence=1),
            cancel("c", "2026-02-25"),
        ],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "a sequence below zero goes before none": (
        [
            signup("c", "2026-02-25"),
            cancel("c", "2026-02-25", sequence=-1),
        ],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "sequence does not go before the instant": (
        [
            signup("c", "2026-02-25T00:00:00.001Z", sequence=0),
            cancel("c", "2026-02-25T00:00:00.002Z", sequence=-5),
        ],
        {"customers_new": 1, "mrr_new": 1_000, "cancellations": 1, "cancellations_of_new": 1, "mrr_churned": 1_000},
    ),
    "what is below a millisecond orders nothing": (
        [
            signup("c", "2026-02-25T00:00:00.0019999Z"),
            cancel("c", "2026-02-25T00:00:00.0010001Z"),
        ],
        {"customers_new": 1, "mrr_new": 1_000, "cancellations": 1, "cancellations_of_new": 1, "mrr_churned": 1_000},
    ),
    "of two signups at once the smaller plan counts": (
        [
            signup("c", "2026-02-25", "pro", 1_000, id="first"),
            signup("c", "2026-02-25", "basic", 5_000, id="second"),
        ],
        {"customers_active": 1, "mrr": 5_000, "customers_new": 1, "mrr_new": 5_000},
    ),
    "of two changes at once and to one plan the smaller MRR comes first": (
        [
            signup("c", "2026-02-25", "basic", 1_000),
            change("c", "2026-02-26", "pro", 3_000, id="first"),
            change("c", "2026-02-26", "pro", 500, id="second"),
        ],
        {"customers_active": 1, "mrr": 3_000, "customers_new": 1, "mrr_new": 1_000}
        | {"downgrades": 1, "mrr_contraction": 500, "upgrades": 1, "mrr_expansion": 2_500},
    ),
    "of two cancels at once the smaller reason counts": (
        [
            signup("c", "2026-02-25"),
            cancel("c", "2026-02-26", id="first", reason="b", involuntary=False),
            cancel("c", "2026-02-26", id="second", reason="a", involuntary=True),
        ],
        {"customers_new": 1, "mrr_new": 1_000, "mrr_churned": 1_000}
        | {"cancellations": 1, "cancellations_of_new": 1, "cancellations_involuntary": 1},
    ),
    "a cancel counts when it takes effect, not when it was sent": (
        [
            signup("c", "2026-01-01"),
            cancel("c", "2026-01-05", effective_at="2026-02-10T00:00:00Z"),
            change("c", "2026-02-09T23:59:59.999Z", "team", 1_500),
        ],
        {"customers_at_start": 1, "customers_lost": 1, "cancellations": 1, "upgrades": 1}
        | {"mrr_at_start": 1_000, "mrr_expansion": 500, "mrr_churned": 1_500},
    ),
    "a cancel that takes effect at T does not count yet": (
        [
            signup("c", "2026-02-25"),
            cancel("c", "2026-02-26", effective_at="2026-03-01T00:00:00Z"),
        ],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "a cancel that is sent late restates what followed": (
        [
            signup("c", "2026-01-01"),
            change("c", "2026-02-05", "team", 1_500),
            cancel("c", "2026-02-20", effective_at="2026-02-01T00:00:00Z"),
        ],
        {"customers_at_start": 1, "customers_lost": 1, "cancellations": 1}
        | {"mrr_at_start": 1_000, "mrr_churned": 1_000},
    ),
    "a revoked cancel never was, whichever came first": (
        [
            revoke("c", "2026-03-05", "cancel 2026-02-26"),
            signup("c", "2026-02-25"),
            cancel("c", "2026-02-26"),
        ],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "a revoke from another source or for another customer is without effect": (
        [
            signup("c", "2026-02-25"),
            revoke("c", "2026-02-25", "signup 2026-02-25"),
            revoke("d", "2026-02-25", "signup 2026-02-25", source="customer.signup"),
        ],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "a revoke cannot be revoked": (
        [
            signup("c", "2026-02-25"),
            cancel("c", "2026-02-26"),
            revoke("c", "2026-02-27", "cancel 2026-02-26", id="first"),
            revoke("c", "2026-02-28", "first", id="second"),
        ],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "a revoke takes every version of an identity": (
        [
            signup("c", "2026-02-24", id="same"),
            signup("c", "2026-02-25", id="same"),
            revoke("c", "2026-02-26", "same", source="customer.signup"),
        ],
        {},
    ),
    "of two versions of one identity the earlier counts": (
        [
            signup("c", "2026-02-25", "team", 2_000, id="same"),
            signup("c", "2026-02-24", "zeta", 3_000, id="same"),
        ],
        {"customers_active": 1, "mrr": 3_000, "customers_new": 1, "mrr_new": 3_000},
    ),
    "of two versions at one instant the kind decides, not the sequence": (
        [
            signup("c", "2026-01-29T00:00:00Z", sequence=0, id="old", source="billing"),
            cancel("c", "2026-02-25", sequence=0, id="same", source="billing"),
            change("c", "2026-02-25", "team", 3_000, sequence=9, id="same", source="billing"),
        ],
        {"customers_active": 1, "mrr": 3_000, "customers_at_start": 1, "customers_retained": 1}
        | {"mrr_at_start": 1_000, "mrr_retained_gross": 1_000, "mrr_retained_net": 3_000}
        | {"upgrades": 1, "mrr_expansion": 2_000}
        | {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "of two versions of a cancel the one sent earlier counts": (
        [
            signup("c", "2026-02-24"),
            cancel("c", "2026-02-26", id="same", reason="a", effective_at="2026-02-25T00:00:00Z"),
            cancel("c", "2026-02-25", id="same", reason="b", effective_at="2026-02-25T00:00:00Z", involuntary=True),
        ],
        {"customers_new": 1, "mrr_new": 1_000, "mrr_churned": 1_000}
        | {"cancellations": 1, "cancellations_of_new": 1, "cancellations_involuntary": 1},
    ),
    "of two versions of a signup the smaller sequence counts before the plan does": (
        [
            signup("c", "2026-02-25", "pro", 3_000, id="same", sequence=1),
            signup("c", "2026-02-25", "basic", 2_000, id="same", sequence=2),
        ],
        {"customers_active": 1, "mrr": 3_000, "customers_new": 1, "mrr_new": 3_000},
    ),
    "one id from two sources is two identities": (
        [
            signup("c", "2026-02-24", id="same"),
            cancel("c", "2026-02-25", id="same"),
        ],
        {"customers_new": 1, "mrr_new": 1_000, "cancellations": 1, "cancellations_of_new": 1, "mrr_churned": 1_000},
    ),
    "a test event takes no part, not even with its identity": (
        [
            signup("c", "2026-02-24", "basic", 1, id="same", test=True),
            signup("c", "2026-02-25", id="same", test=False),
        ],
        {"customers_active": 1, "mrr": 1_000, "customers_new": 1, "mrr_new": 1_000},
    ),
    "halves of a minor unit go to the even side": (
        [
            signup("c", "2026-02-25", mrr_minor=1, currency="CHF"),
            signup("d", "2026-02-25", mrr_minor=3, currency="CHF"),
            signup("e", "2026-02-25", mrr_minor=5, currency="EUR"),
        ],
        {"customers_active": 3, "mrr": 0 + 2 + 8, "customers_new": 3, "mrr_new": 10},
    ),
    "a change of currency alone is an upgrade if more comes out": (
        [
            signup("c", "2026-02-25", mrr_minor=100, currency="USD"),
            change("c", "2026-02-26", "pro", 100, currency="EUR"),
        ],
        {"customers_active": 1, "mrr": 150, "customers_new": 1, "mrr_new": 100, "upgrades": 1, "mrr_expansion": 50},
    ),
}


@pytest.mark.parametrize(("events", "expected"), ORDER.values(), ids=ORDER)
@pytest.mark.parametrize("step", [1, -1], ids=["in order", "backwards"])
def test_facts_count_in_the_order_of_the_sort_whatever_the_order_of_arrival(
    events: list[Event], expected: Counts, step: int
) -> None:
    """Ties are rare in production and wrong in every first implementation."""
    assert expected == counts_of(recompute(events[::step], at=[T], options=EUROS_AND_FRANCS)[0])
