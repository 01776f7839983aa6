"""Small logs whose numbers were worked out by hand, clause by clause of the definitions.

Definitions: sections 1 to 4.
"""

from datetime import UTC, datetime

import pytest

from tests.recount.counts import STOCKS, WINDOW_COUNTS
from tests.recount.customers import read
from tests.recount.equations import broken, part
from tests.recount.golden import GOLDEN_AT, golden_log
from tests.recount.instants import DAY_MS, instant_ms
from tests.recount.options import DEFAULTS, Options
from tests.recount.refusals import Reason
from tests.recount.report import recount, recount_period
from tests.recount.short_events import (
    Counts,
    Event,
    T,
    activity,
    cancel,
    change,
    counted,
    onboarding,
    pause,
    renewal,
    resume,
    revoke,
    signup,
    survey,
)

FREE_ARE_CUSTOMERS = Options(free_plans="customers")
PAUSED_ARE_LOST = Options(paused_customers="lost")


def standing(
    customers: int = 1, mrr_minor: int = 4_900, *, at_start: int = 1, start_minor: int = 4_900, several: int = 0
) -> Counts:
    """Return the stocks and what stays over the month, zeros left out; each customer has one subscription."""
    retained = min(customers, at_start)
    found = {
        "customers_active": customers,
        "customers_with_several": several,
        "subscriptions_active": customers + several,
        "subscription_mrr": mrr_minor,
        "mrr": mrr_minor,
        "customers_at_start": at_start,
        "customers_lost": at_start - retained,
        "customers_retained": retained,
        "mrr_at_start": start_minor,
        "mrr_retained_gross": min(mrr_minor, start_minor) if retained else 0,
        "mrr_retained_net": mrr_minor if retained else 0,
    }
    return {name: count for name, count in found.items() if count}


# The machine of a subscription.


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], standing()),
        (
            [signup("a", "2026-01-09", "team", 9_900)],
            standing(mrr_minor=9_900) | {"upgrades": 1, "mrr_expansion": 5_000},
        ),
        (
            [change("a", "2026-01-09", "team", 9_900)],
            standing(mrr_minor=9_900) | {"upgrades": 1, "mrr_expansion": 5_000},
        ),
        (
            [change("a", "2026-01-09", "mini", 900)],
            standing(mrr_minor=900) | {"downgrades": 1, "mrr_contraction": 4_000},
        ),
        ([change("a", "2026-01-09", "team", 4_900)], standing()),
        (
            [pause("a", "2026-01-09")],
            standing(mrr_minor=0) | {"customers_paused": 1, "mrr_contraction": 4_900},
        ),
        ([resume("a", "2026-01-09")], standing() | {"without_effect.resume": 1}),
        (
            [cancel("a", "2026-01-09")],
            standing(0, 0) | {"cancellations": 1, "mrr_churned": 4_900, "subscriptions_ended": 1},
        ),
    ],
    ids=["none", "signup", "upgrade", "downgrade", "move", "pause", "resume", "cancel"],
)
def test_each_fact_does_to_an_open_subscription_what_the_table_says(facts: list[Event], expected: Counts) -> None:
    """The row `open` of the machine; a second signup is a change of plan and price, and no customer more."""
    assert counted([signup("a", "2025-12-10"), *facts]) == expected


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (signup("a", "2026-01-09", "team", 9_900), standing(mrr_minor=9_900, start_minor=0) | {"mrr_expansion": 9_900}),
        (change("a", "2026-01-09", "team", 9_900), standing(mrr_minor=0, start_minor=0)),
        (pause("a", "2026-01-09"), standing(mrr_minor=0, start_minor=0) | {"without_effect.pause": 1}),
        (resume("a", "2026-01-09"), standing(mrr_minor=4_900, start_minor=0) | {"mrr_expansion": 4_900}),
        (cancel("a", "2026-01-09"), standing(0, 0, start_minor=0) | {"cancellations": 1, "subscriptions_ended": 1}),
    ],
    ids=["signup", "change", "pause", "resume", "cancel"],
)
def test_each_fact_does_to_a_paused_subscription_what_the_table_says(fact: Event, expected: Counts) -> None:
    """The row `paused` of the machine: a change holds but does not resume, and a paused customer takes no MRR along."""
    found = counted([signup("a", "2025-12-10"), pause("a", "2025-12-20"), fact])
    is_paused = fact["type"] in {"upgrade", "pause"}
    moved = {"upgrades": 1} if fact["type"] in {"signup", "upgrade"} else {}
    assert found == expected | moved | ({"customers_paused": 1} if is_paused else {})


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        ("change", change("a", "2026-01-09")),
        ("pause", pause("a", "2026-01-09")),
        ("resume", resume("a", "2026-01-09")),
        ("cancel", cancel("a", "2026-01-09")),
    ],
)
def test_each_fact_but_a_signup_is_without_effect_where_the_subscription_is_closed(kind: str, fact: Event) -> None:
    """Such a fact is counted, so that a producer's gaps are seen, and moves nothing."""
    assert counted([fact]) == {f"without_effect.{kind}": 1}
    assert counted([signup("a", "2025-12-10"), cancel("a", "2025-12-20"), fact]) == {f"without_effect.{kind}": 1}


def test_a_late_signup_brings_a_fact_without_effect_to_life() -> None:
    """It is a property of the log: what the fact was counted as before the signup came does not stay."""
    late = [cancel("a", "2026-01-09"), signup("a", "2026-01-05")]
    assert "without_effect.cancel" not in counted(late)
    assert counted(late)["cancellations"] == 1


def test_a_fact_counts_at_its_effective_instant_whichever_kind_it_is() -> None:
    """A downgrade that was scheduled before the month and comes in it belongs to it; one that comes later does not."""
    log = [signup("a", "2025-12-10")]
    scheduled = [change("a", "2025-12-20", "mini", 900, effective_at="2026-01-31T23:59:59.999Z")]
    assert counted([*log, *scheduled])["downgrades"] == 1
    later = [pause("a", "2026-01-20", effective_at="2026-02-01T00:00:00Z")]
    assert counted([*log, *later]) == standing()


def test_an_instant_is_cut_and_not_rounded_to_milliseconds() -> None:
    """Rounded, the last instant of a month would be the first one of the next."""
    assert counted([signup("a", "2026-01-31T23:59:59.9999999Z")])["customers_new"] == 1
    assert counted([signup("a", "2026-02-01T00:00:00Z")]) == {}


# The order of facts.


def test_of_one_instant_the_smaller_sequence_comes_first() -> None:
    """A producer that knows the order says it; without it, it is 0."""
    log = [signup("a", "2025-12-10"), change("a", "2026-01-09", "team", 9_900, sequence=-1)]
    log += [change("a", "2026-01-09", "mini", 900, id="second")]
    assert counted(log)["mrr"] == 900
    resumed_first = [resume("a", "2026-01-20", sequence=-1), pause("a", "2026-01-20")]
    assert counted([*log, *resumed_first])["customers_paused"] == 1


def test_of_one_instant_kinds_come_in_the_order_of_the_table() -> None:
    """Signup, change, pause, resume: what begins, moves, pauses and resumes in one instant is open at its end."""
    log = [resume("a", "2026-01-09"), pause("a", "2026-01-09"), change("a", "2026-01-09", "team", 9_900)]
    assert counted([*log, signup("a", "2026-01-09")])["mrr"] == 9_900


def test_of_one_instant_and_kind_the_smaller_members_come_first() -> None:
    """The plan is compared first, then the price in its own currency, then the currency; the greater one holds."""
    options = Options(currency_rates={"EUR": "3"})
    log = [signup("a", "2026-01-09", "b", 100), signup("a", "2026-01-09", "a", 900, id="2")]
    assert counted(log)["mrr"] == 100
    log += [signup("a", "2026-01-09", "b", 101, id="3", currency="EUR")]
    assert counted(log, options)["mrr"] == 303
    log += [signup("a", "2026-01-09", "b", 101, id="usd")]
    assert counted(log, options)["mrr"] == 101
    log += [signup("a", "2026-01-09", "b", 101, id="4", trial=True)]
    assert "mrr" not in counted(log, options)


def test_a_cancel_comes_first_of_its_instant_where_its_subscription_is_not_closed() -> None:
    """One that ends and begins anew in the same instant goes on: billing systems switch plans that way."""
    switched = [signup("a", "2025-12-10"), cancel("a", "2026-01-09"), signup("a", "2026-01-09", "team", 9_900)]
    assert counted(switched) == standing(mrr_minor=9_900) | {"upgrades": 1, "mrr_expansion": 5_000}


def test_a_cancel_comes_last_of_its_instant_where_its_subscription_is_closed() -> None:
    """One that begins and ends in one instant has ended."""
    found = counted([cancel("a", "2026-01-09"), signup("a", "2026-01-09")])
    assert found["cancellations"] == found["customers_new"] == 1
    assert "customers_active" not in found


def test_a_cancel_comes_first_only_among_facts_of_its_sequence() -> None:
    """A sequence says the order itself: what it puts before the cancel stays before it."""
    log = [signup("a", "2025-12-10"), signup("a", "2026-01-09", "team", 9_900), cancel("a", "2026-01-09", sequence=1)]
    assert "customers_active" not in counted(log)
    log = [signup("a", "2026-01-09", sequence=-1), cancel("a", "2026-01-09"), signup("a", "2026-01-09", id="again")]
    assert counted(log)["customers_active"] == 1


def test_a_cancel_comes_first_by_the_state_of_its_own_subscription() -> None:
    """Another subscription that is open does not make it so: this one began in the instant, and ended in it."""
    log = [signup("a", "2025-12-10", subscription_id="A"), cancel("a", "2026-01-09", subscription_id="B")]
    log += [signup("a", "2026-01-09", subscription_id="B")]
    assert counted(log) == standing()


# What counts.


def test_a_free_plan_counts_only_where_the_setting_says_so() -> None:
    """People on a free plan are no customers, unless a company wants to see them as such."""
    log = [signup("a", "2025-12-10"), change("a", "2026-01-09", "free", 0), signup("b", "2025-12-10", "free", 0)]
    assert counted(log) == standing(0, 0) | {"cancellations": 1, "mrr_churned": 4_900, "subscriptions_ended": 1}
    kept = standing(2, 0, at_start=2) | {"downgrades": 1, "mrr_contraction": 4_900}
    assert counted(log, FREE_ARE_CUSTOMERS) == kept


def test_a_trial_does_not_count_until_it_ends() -> None:
    """The money of a trial is not there yet; its end makes the customer new."""
    log = [signup("a", "2025-12-16", trial=True), signup("b", "2025-12-16", trial=True)]
    assert counted(log, at=datetime(2026, 1, 1, tzinfo=UTC)) == {
        "signups": 2,
        "dropoff_matured": 2,
        "onboarding_matured": 2,
        "dropoff_silent_matured": 2,
        "dropoff_silent": 2,
    }
    assert counted([*log, change("a", "2026-01-03"), cancel("b", "2026-01-03")]) == standing(
        at_start=0, start_minor=0
    ) | {
        "customers_new": 1,
        "mrr_new": 4_900,
        "subscriptions_started": 1,
        "trials_matured": 2,
        "trials_converted": 1,
    }


def test_a_change_with_trial_puts_an_open_or_paused_subscription_on_trial() -> None:
    """The next one without `trial` ends it; a pause or resume in between does not."""
    log = [signup("a", "2025-12-10"), change("a", "2026-01-09", trial=True)]
    assert "customers_active" not in counted(log)
    assert "customers_active" not in counted([*log, pause("a", "2026-01-10"), resume("a", "2026-01-11")])
    assert counted([*log, change("a", "2026-01-12")])["customers_reactivated"] == 1
    paused = [signup("a", "2025-12-10"), pause("a", "2025-12-11"), change("a", "2026-01-09", trial=True)]
    found = counted(paused)
    assert found["cancellations"] == 1
    assert "customers_paused" not in found


def test_a_paused_subscription_counts_without_its_mrr_where_the_setting_keeps_it() -> None:
    """A pause is no cancellation by default; the money is gone all the same."""
    log = [signup("a", "2025-12-10"), pause("a", "2026-01-09")]
    assert counted(log)["customers_retained"] == 1
    lost = standing(0, 0) | {
        "cancellations": 1,
        "mrr_churned": 4_900,
        "subscriptions_ended": 1,
        "customers_paused": 1,
    }
    assert counted(log, PAUSED_ARE_LOST) == lost
    assert counted([*log, resume("a", "2026-01-10")], PAUSED_ARE_LOST)["customers_reactivated"] == 1


def test_a_customer_is_paused_only_where_nothing_counts_without_being_paused() -> None:
    """A paused trial or free plan would not count anyway; and one of two that goes on makes the customer go on."""
    assert "customers_paused" not in counted([signup("a", "2025-12-10", trial=True), pause("a", "2025-12-11")])
    assert "customers_paused" not in counted([signup("a", "2025-12-10", "free", 0), pause("a", "2025-12-11")])
    two = [signup("a", "2025-12-10", subscription_id="A"), signup("a", "2025-12-10", subscription_id="B")]
    one_paused = [*two, pause("a", "2025-12-11", subscription_id="A")]
    assert "customers_paused" not in counted(one_paused)
    assert counted([*one_paused, pause("a", "2025-12-11", subscription_id="B")])["customers_paused"] == 1
    on_trial = [*one_paused, change("a", "2025-12-11", subscription_id="B", trial=True)]
    assert counted(on_trial)["customers_paused"] == 1


# Several subscriptions, and the plan of the customer.


def test_a_second_subscription_is_expansion_and_its_end_contraction() -> None:
    """Who keeps one of two is no lost customer."""
    log = [
        signup("a", "2025-12-10", subscription_id="C"),
        signup("a", "2026-01-10", "desk", 2_900, subscription_id="H"),
    ]
    moved = {"upgrades": 1, "mrr_expansion": 2_900, "subscriptions_started": 1}
    assert counted(log) == standing(mrr_minor=7_800, several=1) | {"customers_with_several": 1} | moved
    ended = moved | {"downgrades": 1, "mrr_contraction": 2_900, "subscriptions_ended": 1}
    assert counted([*log, cancel("a", "2026-01-20", subscription_id="H")]) == standing() | ended


def test_a_switch_between_two_subscriptions_within_a_bucket_is_a_change() -> None:
    """It does not matter which half comes first; a switch over two buckets is a cancellation and a reactivation."""
    log = [signup("a", "2025-12-10", subscription_id="A")]
    switched = standing(mrr_minor=9_900) | {"upgrades": 1, "mrr_expansion": 5_000}
    switched |= {"subscriptions_started": 1, "subscriptions_ended": 1}
    for ended, begun in (("09:00:00", "09:59:59"), ("09:59:59", "09:00:00"), ("09:30:00", "09:30:00")):
        halves = [cancel("a", f"2026-01-09T{ended}Z", subscription_id="A")]
        halves += [signup("a", f"2026-01-09T{begun}Z", "team", 9_900, subscription_id="B")]
        assert counted([*log, *halves]) == switched
    apart = [cancel("a", "2026-01-09T09:59:59Z", subscription_id="A")]
    apart += [signup("a", "2026-01-09T10:00:00Z", "team", 9_900, subscription_id="B")]
    found = counted([*log, *apart])
    assert found["cancellations"] == found["customers_reactivated"] == 1
    assert "upgrades" not in found


@pytest.mark.parametrize(
    ("facts", "plan"),
    [
        ([], "none"),
        ([signup("a", "2025-12-10", "p", 1), signup("a", "2025-12-11", "q", 2, subscription_id="B")], "q"),
        ([signup("a", "2025-12-10", "p", 1, subscription_id="B"), signup("a", "2025-12-11", "q", 1)], "p"),
        ([signup("a", "2025-12-10", "p", 1, subscription_id="B"), signup("a", "2025-12-10", "q", 1)], "q"),
        ([signup("a", "2025-12-10", "p", 9, trial=True), signup("a", "2025-12-11", "q", 1, subscription_id="B")], "q"),
        ([signup("a", "2025-12-10", "p", 9, trial=True), signup("a", "2025-12-11", "q", 0, subscription_id="B")], "p"),
        (
            [
                signup("a", "2025-12-10", "p", 9),
                signup("a", "2025-12-11", "q", 1, subscription_id="B"),
                pause("a", "2025-12-12"),
            ],
            "q",
        ),
        ([signup("a", "2025-12-10", "p", 9), cancel("a", "2025-12-11")], "p"),
        (
            [
                signup("a", "2025-12-10", "p", 9),
                signup("a", "2025-12-11", "q", 1, subscription_id="B"),
                cancel("a", "2025-12-12"),
                cancel("a", "2025-12-13", subscription_id="B"),
            ],
            "q",
        ),
    ],
    ids=["never", "mrr", "earliest", "smallest id", "counts", "none counts", "paused", "closed", "last closed"],
)
def test_the_plan_is_that_of_the_leading_subscription(facts: list[Event], plan: str) -> None:
    """The greatest MRR, then the longest counting, then the smallest id; of who left, the plan before the end."""
    asked = survey("a", "2026-01-09", score=9)
    assert counted([*facts, asked], of=f"plan={plan}")["survey_answered"] == 1


def test_a_subscription_that_ends_and_begins_in_one_instant_has_not_counted_without_a_break() -> None:
    """It goes on as a subscription, and yet the other one has counted for longer."""
    log = [
        signup("a", "2025-12-10", "p", 5, subscription_id="A"),
        signup("a", "2025-12-11", "q", 5, subscription_id="B"),
    ]
    assert counted(log, of="plan=p")["customers_active"] == 1
    broken_off = [
        cancel("a", "2026-01-09", subscription_id="A"),
        signup("a", "2026-01-09", "p", 5, subscription_id="A", id="2"),
    ]
    assert counted([*log, *broken_off], of="plan=q")["customers_active"] == 1
    on_trials: list[Event] = [each | {"trial": True} for each in (*log, broken_off[1])]
    on_trials += [broken_off[0], survey("a", "2026-01-10", score=9)]
    assert counted(on_trials, of="plan=q")["survey_answered"] == 1


def test_a_pause_is_a_break_only_where_paused_customers_are_lost() -> None:
    """Kept, it goes on counting, if without its MRR; of equal MRR the longest counting leads."""
    log = [
        signup("a", "2025-12-10", "p", 5, subscription_id="A"),
        signup("a", "2025-12-11", "q", 5, subscription_id="B"),
    ]
    log += [pause("a", "2025-12-12", subscription_id="A"), resume("a", "2025-12-13", subscription_id="A")]
    assert counted(log, of="plan=p")["customers_active"] == 1
    assert counted(log, PAUSED_ARE_LOST, of="plan=q")["customers_active"] == 1


def test_what_subscriptions_count_is_segmented_by_their_own_plan() -> None:
    """Two plans of one customer are two lines of the product, whichever of them leads."""
    log = [signup("a", "2025-12-10", "crm", 4_900, subscription_id="C")]
    log += [signup("a", "2026-01-10", "desk", 2_900, subscription_id="H")]
    assert counted(log, of="plan=desk") == {
        "subscriptions_active": 1,
        "subscription_mrr": 2_900,
        "subscriptions_started": 1,
    }
    crm = counted(log, of="plan=crm")
    assert (crm["mrr"], crm["subscription_mrr"], crm["mrr_expansion"]) == (7_800, 4_900, 2_900)
    log += [change("a", "2026-01-20", "desk plus", 3_900, subscription_id="H")]
    log += [cancel("a", "2026-01-21", subscription_id="H")]
    assert counted(log, of="plan=desk plus") == {"subscriptions_ended": 1}


def test_a_subscription_that_counts_only_within_a_bucket_neither_starts_nor_ends() -> None:
    """Nor does one that is broken off only within a bucket."""
    log = [signup("a", "2025-12-10", subscription_id="A")]
    within = [
        signup("a", "2026-01-09T10:00:00Z", subscription_id="B"),
        cancel("a", "2026-01-09T10:59:59Z", subscription_id="B"),
    ]
    assert counted([*log, *within]) == standing()
    broken_off = [cancel("a", "2026-01-09T10:00:00Z", subscription_id="A")]
    broken_off += [signup("a", "2026-01-09T10:59:59Z", subscription_id="A", id="again")]
    assert counted([*log, *broken_off]) == standing()


# Movements.


def test_who_comes_and_goes_within_a_bucket_is_new_and_cancelled() -> None:
    """With the plan and MRR just before the fact that made the customer inactive last."""
    log = [signup("a", "2026-01-20T10:00:00Z", "mini", 900), change("a", "2026-01-20T10:10:00Z", "team", 9_900)]
    log += [cancel("a", "2026-01-20T10:20:00Z")]
    by_plan = {
        "customers_new": 1,
        "mrr_new": 9_900,
        "cancellations": 1,
        "cancellations_of_new": 1,
        "mrr_churned": 9_900,
    }
    assert counted(log, of="plan=team") == by_plan
    log += [signup("a", "2026-01-20T10:30:00Z", "mini", 900, id="2"), cancel("a", "2026-01-20T10:40:00Z")]
    found = counted(log)
    assert (found["mrr_new"], found["mrr_churned"], found["cancellations"]) == (900, 900, 1)
    assert "customers_reactivated" not in found


def test_a_customer_who_moves_and_leaves_within_a_bucket_takes_along_what_it_had_at_the_begin() -> None:
    """The dearer plan of the last minutes was never part of the MRR, so it cannot be lost."""
    log = [
        signup("a", "2025-12-10"),
        change("a", "2026-01-09T10:00:00Z", "team", 9_900),
        cancel("a", "2026-01-09T10:30:00Z"),
    ]
    assert counted(log, of="plan=pro")["mrr_churned"] == 4_900
    assert counted(log)["mrr_churned"] == 4_900


def test_a_movement_between_plans_counts_under_the_plan_before() -> None:
    """Who comes counts under the plan after: there is none before."""
    log = [signup("a", "2025-12-10"), change("a", "2026-01-09", "team", 9_900), cancel("a", "2026-01-20")]
    log += [signup("a", "2026-01-25", "mini", 900)]
    assert counted(log, of="plan=pro")["mrr_expansion"] == 5_000
    left = {"cancellations": 1, "mrr_churned": 9_900, "subscriptions_ended": 1}
    assert counted(log, of="plan=team") == left
    assert counted(log, of="plan=mini")["mrr_reactivated"] == 900


def test_who_was_active_within_an_earlier_bucket_alone_is_reactivated() -> None:
    """Never active before means: after no fact before the bucket."""
    log = [
        signup("a", "2026-01-20T10:00:00Z"),
        cancel("a", "2026-01-20T10:20:00Z"),
        signup("a", "2026-01-20T11:00:00Z"),
    ]
    found = counted(log)
    assert (found["customers_new"], found["customers_reactivated"], found["cancellations"]) == (1, 1, 1)


def test_a_pause_is_no_downgrade_and_its_contraction_is_that_of_the_mrr() -> None:
    """An upgrade is judged at full price, so that a pause and a dearer plan in one bucket are an upgrade."""
    log = [
        signup("a", "2025-12-10"),
        pause("a", "2026-01-09T10:00:00Z"),
        change("a", "2026-01-09T10:30:00Z", "team", 9_900),
    ]
    found = counted(log)
    assert (found["upgrades"], found["mrr_contraction"]) == (1, 4_900)
    assert not {"downgrades", "mrr_expansion"} & found.keys()


def test_movements_of_one_bucket_are_netted() -> None:
    """Up and down again within the hour is nothing; over two hours it is both."""
    log = [signup("a", "2025-12-10"), change("a", "2026-01-09T10:00:00Z", "team", 9_900)]
    assert counted([*log, change("a", "2026-01-09T10:59:59.999Z")]) == standing()
    over_two = counted([*log, change("a", "2026-01-09T11:00:00Z")])
    assert (over_two["upgrades"], over_two["downgrades"]) == (1, 1)
    half_hours = Options(bucket_minutes=30)
    assert counted([*log, change("a", "2026-01-09T10:30:00Z")], half_hours)["downgrades"] == 1


@pytest.mark.parametrize(
    ("fact", "reason", "involuntary"),
    [
        (cancel("a", "2026-01-09T10:30:00Z", reason="price"), "price", 0),
        (cancel("a", "2026-01-09T10:30:00Z", involuntary=True), "unspecified", 1),
        (pause("a", "2026-01-09T10:30:00Z"), "paused", 0),
        (change("a", "2026-01-09T10:30:00Z", trial=True), "trial", 0),
        (signup("a", "2026-01-09T10:30:00Z", trial=True), "trial", 0),
        (change("a", "2026-01-09T10:30:00Z", "free", 0), "free_plan", 0),
        (signup("a", "2026-01-09T10:30:00Z", "free", 0), "free_plan", 0),
    ],
    ids=["cancel", "involuntary", "pause", "trial by change", "trial by signup", "free by change", "free by signup"],
)
def test_a_cancellation_has_the_reason_of_the_fact_that_made_the_customer_inactive_last(
    fact: Event, reason: str, involuntary: int
) -> None:
    """Of two in one bucket it is the last one's, even where the first was involuntary."""
    log = [signup("a", "2025-12-10"), cancel("a", "2026-01-09T10:00:00Z", involuntary=True, reason="first")]
    log += [signup("a", "2026-01-09T10:10:00Z"), fact, cancel("a", "2026-01-09T10:40:00Z", reason="late")]
    movements = read(log, PAUSED_ARE_LOST).customers["a"].timeline.movements
    assert [(each.name, each.reason) for each in movements[1:]] == [("cancellation", reason)]
    assert counted(log, PAUSED_ARE_LOST).get("cancellations_involuntary", 0) == involuntary


# Counts.


def test_cancellations_of_new_are_those_of_whoever_was_not_active_at_the_start() -> None:
    """Also of those who reactivated inside of the window."""
    log = [signup("a", "2025-12-10"), cancel("a", "2025-12-20"), signup("a", "2026-01-05"), cancel("a", "2026-01-09")]
    log += [signup("b", "2025-12-10"), cancel("b", "2026-01-09")]
    found = counted(log)
    assert (found["cancellations"], found["cancellations_of_new"], found["customers_lost"]) == (2, 1, 1)


def test_a_signup_is_the_first_of_a_customer_whether_it_counts_or_not() -> None:
    """A trial and a free plan are signups too; a second one is none."""
    log = [signup("a", "2026-01-26", "free", 0), signup("b", "2026-01-26", trial=True), signup("b", "2026-01-30")]
    assert counted(log)["signups"] == 2
    assert counted(log, of="plan=free") == {"signups": 1}


def test_drop_off_is_not_to_have_a_subscription_seven_days_later() -> None:
    """Paused, on trial and on a free plan is open; seven days are seven times 24 hours, and the end is not included."""
    log = [signup("a", "2026-01-05"), cancel("a", "2026-01-11T23:59:59.999Z")]
    log += [signup("b", "2026-01-05"), cancel("b", "2026-01-12")]
    log += [signup("c", "2026-01-05", "free", 0), pause("c", "2026-01-06"), signup("d", "2026-01-25")]
    found = counted(log)
    assert (found["dropoff_matured"], found["dropoff_cancelled"]) == (3, 1)
    assert (found["dropoff_silent_matured"], found["dropoff_silent"]) == (2, 2)


def test_a_sign_of_life_in_the_second_week_is_activity_or_an_answer() -> None:
    """One in the first week, or a survey that was only sent, is none."""
    names = "abcdef"
    log = [signup(name, "2026-01-05") for name in names]
    log += [activity("a", "2026-01-12"), activity("b", "2026-01-11T23:59:59.999Z"), activity("c", "2026-01-19")]
    log += [survey("d", "2026-01-18T23:59:59.999Z", score=3), survey("e", "2026-01-13", status="sent")]
    found = counted(log)
    assert (found["dropoff_silent_matured"], found["dropoff_silent"]) == (6, 4)


def test_onboarding_is_completed_in_the_first_seven_days() -> None:
    """What comes before the signup, later, or says that it was not completed does not count."""
    log = [signup(name, "2026-01-05") for name in "abcd"]
    log += [
        onboarding("a", "2026-01-05"),
        onboarding("b", "2026-01-12"),
        onboarding("c", "2026-01-06", completed=False),
    ]
    log += [onboarding("d", "2026-01-04T23:59:59Z")]
    found = counted(log)
    assert (found["onboarding_matured"], found["onboarding_completed"]) == (4, 1)


def test_a_trial_matures_after_its_days_and_converts_by_any_fact_before() -> None:
    """A trial of who was active before is none of acquisition; a cancel after conversion takes nothing back."""
    log = [signup("a", "2025-12-01", trial=True), change("a", "2026-01-06T23:59:59.999Z"), cancel("a", "2026-01-07")]
    log += [signup("b", "2025-12-01", trial=True), change("b", "2026-01-07")]
    log += [signup("c", "2025-11-01"), change("c", "2025-12-01", trial=True)]
    log += [
        change("d", "2025-10-01", trial=True),
        signup("d", "2025-12-01", "free", 0),
        change("d", "2025-12-02", trial=True),
    ]
    log += [signup("e", "2025-12-26", trial=True), change("e", "2026-01-09")]
    found = counted(log)
    assert (found["trials_matured"], found["trials_converted"]) == (3, 1)
    quick = counted(log, Options(trial_days=36))
    assert (quick["trials_matured"], quick["trials_converted"]) == (4, 1)


def test_a_trial_is_judged_by_facts_before_its_instant_and_converts_by_those_of_it() -> None:
    """Who pays in the instant in which its trial begins was not active before it."""
    log = [signup("a", "2025-12-10", subscription_id="A"), signup("a", "2025-12-10", subscription_id="B", trial=True)]
    found = counted(log)
    assert (found["trials_matured"], found["trials_converted"]) == (1, 1)


def test_engaged_is_whoever_is_active_at_the_end_and_gave_a_sign_in_the_window() -> None:
    """Whatever the state then: a sign before the signup is one too."""
    log = [
        signup("a", "2026-01-20"),
        activity("a", "2026-01-02"),
        signup("b", "2025-12-10"),
        activity("b", "2025-12-31"),
    ]
    log += [signup("c", "2025-12-10"), survey("c", "2026-01-02", score=1), signup("d", "2025-12-10")]
    log += [activity("d", "2026-01-02"), cancel("d", "2026-01-03"), signup("e", "2025-12-10")]
    log += [survey("e", "2026-01-02", status="dismissed"), activity("e", "2026-02-01")]
    assert counted(log)["customers_engaged"] == 2


def test_renewals_and_surveys_count_under_the_plan_at_their_time() -> None:
    """That is the state after all facts before them: one of the same instant comes too late."""
    log = [signup("a", "2025-12-10", "p"), change("a", "2026-01-09", "q", 9_900)]
    log += [renewal("a", "2026-01-09", "renewed"), survey("a", "2026-01-09T00:00:00.001Z", "csat", 4)]
    assert counted(log, of="plan=p")["renewals_renewed"] == 1
    assert counted(log, of="plan=q")["csat_satisfied"] == 1


def test_answers_are_sorted_by_their_scores() -> None:
    """Promoters from 9, passives from 7; satisfied from 4; sent and dismissed ones have no score that counts."""
    log = [survey("a", f"2026-01-09T00:00:{score:02}Z", "nps", score) for score in range(11)]
    log += [survey("a", f"2026-01-10T00:00:{score:02}Z", "csat", score) for score in range(1, 6)]
    log += [survey("a", "2026-01-11", "nps", 10, status="sent"), survey("a", "2026-01-12", "csat", status="dismissed")]
    assert counted(log) == {
        "survey_sent": 1,
        "survey_answered": 16,
        "survey_dismissed": 1,
        "nps_promoters": 2,
        "nps_passives": 2,
        "nps_detractors": 7,
        "csat_satisfied": 2,
        "csat_answered": 5,
    }


def test_surveys_are_counted_by_kind_and_way() -> None:
    """A way that is none of the three is counted as `other`, so that no answer is lost for it."""
    log = [survey("a", "2026-01-09", score=9, via="E-Mail"), survey("a", "2026-01-10", status="sent", via="email")]
    surveys = part(recount(log, [T])[0], "windows", "month", "surveys")
    none = {"sent": 0, "answered": 0, "dismissed": 0}
    assert surveys == {
        "nps": {
            "in_app": none,
            "email": none | {"sent": 1},
            "outreach": none,
            "other": none | {"answered": 1},
        },
        "csat": dict.fromkeys(("in_app", "email", "outreach", "other"), none),
    }


def test_a_customer_counts_in_the_segments_of_its_first_signup_whatever_it_does() -> None:
    """Also before that signup; a later one changes no segment, and one without a value is `none`."""
    log = [survey("a", "2026-01-02", score=9), signup("a", "2026-01-05", country="PT", channel="ads")]
    log += [cancel("a", "2026-01-06"), signup("a", "2026-01-07", country="DE"), signup("b", "2026-01-08")]
    assert counted(log, of="country=PT")["survey_answered"] == 1
    assert counted(log, of="country=PT")["customers_active"] == 1
    assert counted(log, of="channel=none")["customers_new"] == 1
    (document,) = recount(log, [T], by=["country"])
    assert list(part(document, "segments", "country")) == ["PT", "none"]


def test_a_setting_makes_further_members_of_a_signup_dimensions() -> None:
    """They are read from the signup by their names, and are `none` like the others."""
    options = Options(dimensions=("size",))
    log = [signup("a", "2026-01-05", size="small"), signup("b", "2026-01-05", size="x" * 65)]
    assert counted(log, options, of="size=small")["customers_new"] == 1
    assert counted(log, options, of="size=none")["customers_new"] == 1


def test_revenue_is_retained_gross_and_net() -> None:
    """Gross takes the smaller of start and end of each customer, net the end."""
    log = [signup(name, "2025-12-10", mrr_minor=1_000) for name in "abc"]
    log += [
        change("a", "2026-01-09", mrr_minor=1_500),
        change("b", "2026-01-09", mrr_minor=600),
        cancel("c", "2026-01-09"),
    ]
    found = counted(log)
    assert (found["mrr_at_start"], found["mrr_retained_gross"], found["mrr_retained_net"]) == (3_000, 1_600, 2_100)


# Identity and revocation.


def test_of_two_events_of_one_identity_the_greater_sequence_counts() -> None:
    """A producer corrects an event by sending it again under its id with a greater sequence."""
    log = [signup("a", "2025-12-10"), cancel("a", "2026-01-10", id="c", effective_at="2026-01-31T00:00:00Z")]
    log += [cancel("a", "2026-01-15", id="c", effective_at="2026-02-27T00:00:00Z", sequence=1)]
    assert counted(log) == standing()


def test_of_two_events_of_one_identity_and_sequence_the_smaller_counts() -> None:
    """The earlier event time; then the kind that comes first; then the members."""
    log = [signup("a", "2026-01-09", id="x", source="s"), signup("a", "2026-02-09", id="x", source="s")]
    assert counted(log)["signups"] == 1
    log = [signup("a", "2025-12-10"), cancel("a", "2026-01-09", id="x", source="s")]
    log += [
        pause("a", "2026-01-09", id="x", source="s"),
        revoke("a", "2026-01-09", "signup 2025-12-10", id="x", source="s"),
    ]
    assert counted(log)["customers_paused"] == 1
    log = [signup("a", "2025-12-10", "b", 1, id="x"), signup("a", "2025-12-10", "a", 9, id="x")]
    assert counted(log)["mrr"] == 9


def test_one_id_of_two_sources_or_customers_is_two_events() -> None:
    """A producer numbers its own events, and perhaps those of each customer."""
    log = [signup("a", "2025-12-10", id="1"), cancel("a", "2026-01-09", id="1"), signup("b", "2025-12-10", id="1")]
    assert counted(log)["cancellations"] == 1


def test_a_revocation_takes_back_lifecycle_events_surveys_and_renewals_whichever_comes_first() -> None:
    """What is revoked never counts: as of no T, not even before the revocation."""
    log = [revoke("a", "2026-03-01", "x"), signup("a", "2025-12-10"), cancel("a", "2026-01-09", id="x")]
    log += [renewal("a", "2026-01-09", "failed"), survey("a", "2026-01-09", score=1)]
    log += [
        revoke("a", "2026-03-01", "renewal 2026-01-09", id="r2"),
        revoke("a", "2026-03-01", "survey 2026-01-09", id="r3"),
    ]
    assert counted(log) == standing()


def test_a_revocation_without_source_holds_under_each_default_source() -> None:
    """The producer that named no source for an event need not know which one it got; with one it holds there alone."""
    log = [
        signup("a", "2025-12-10", id="x"),
        change("a", "2026-01-09", "team", 9_900, id="x"),
        cancel("a", "2026-01-10", id="x"),
    ]
    assert counted([*log, revoke("a", "2026-01-11", "x")]) == {}
    assert "customers_active" not in counted([*log, revoke("a", "2026-01-11", "x", source="customer.upgrade")])
    kept = counted([*log, revoke("a", "2026-01-11", "x", source="customer.cancel")])
    assert kept == standing(mrr_minor=9_900) | {"upgrades": 1, "mrr_expansion": 5_000}
    elsewhere = [signup("a", "2025-12-10", id="x", source="billing"), revoke("a", "2026-01-11", "x")]
    assert counted(elsewhere) == standing() | {"without_effect.revoke": 1}


def test_of_two_revocations_that_differ_in_naming_their_source_the_one_without_counts() -> None:
    """They share an identity, so one of them has to count, whichever comes first; and they differ in content."""
    log = [signup("a", "2025-12-10", id="x"), revoke("a", "2026-01-11", "x", id="r")]
    log += [revoke("a", "2026-01-11", "x", id="r", source="customer.cancel")]
    for arrived in (log, log[::-1]):
        assert counted(arrived) == {}
        assert part(recount(arrived, [T])[0], "events")["conflict"] == 1


def test_a_revocation_that_hits_no_event_is_counted_at_its_time() -> None:
    """A wrong id, a revocation and an activity are no events that can be revoked; nor is a test."""
    log = [signup("a", "2025-12-10"), revoke("a", "2026-01-11", "typo"), activity("a", "2026-01-12", id="act")]
    log += [
        revoke("a", "2026-01-12", "act", source="customer.activity"),
        revoke("a", "2026-01-13", "revoke 2026-01-11"),
    ]
    log += [
        cancel("a", "2026-01-09", id="t", test=True),
        revoke("a", "2026-01-14", "t"),
        revoke("a", "2026-02-01", "typo"),
    ]
    assert counted(log) == standing() | {"customers_engaged": 1, "without_effect.revoke": 4}


def test_a_revocation_holds_for_its_identity_whatever_is_sent_under_it_later() -> None:
    """A correction with a greater sequence does not bring back what was taken back."""
    log = [signup("a", "2025-12-10"), cancel("a", "2026-01-09", id="x"), revoke("a", "2026-01-10", "x")]
    assert counted([*log, cancel("a", "2026-01-20", id="x", sequence=5)]) == standing()


def test_of_several_revocations_under_one_id_only_the_one_that_counts_holds() -> None:
    """A revocation that was sent wrong is corrected like any other event."""
    log = [signup("a", "2025-12-10"), cancel("a", "2026-01-09", id="x"), revoke("a", "2026-01-10", "x", id="r")]
    corrected = [*log, revoke("a", "2026-01-10", "signup 2025-12-10", id="r", sequence=1)]
    assert counted(corrected) == {"without_effect.cancel": 1}


def test_a_test_event_is_as_if_it_had_not_been_sent() -> None:
    """Not even its identity is taken."""
    assert (
        counted([signup("a", "2025-12-10", test=True, id="x"), signup("a", "2026-01-20", id="x")])["customers_new"] == 1
    )


# Windows, ratios and the report.


def test_windows_begin_with_their_first_instant_and_end_before_t() -> None:
    """[T − d, T) in whole days of 24 hours; `month` is that of the instant just before T."""
    log = [signup("a", "2026-01-30T23:59:59.999Z"), signup("b", "2026-01-31"), signup("c", "2026-02-01")]
    assert counted(log, window="1d")["signups"] == 1
    assert counted(log, window="7d")["signups"] == 2
    first_hour = datetime(2026, 2, 1, 1, tzinfo=UTC)
    assert counted(log, at=first_hour)["signups"] == 1
    assert counted(log, Options(windows_days=(2,)), window="2d")["signups"] == 2


def test_a_month_begins_in_the_business_time_zone() -> None:
    """In New York the last five hours of a month belong to the next one in UTC."""
    options = Options(business_time_zone="America/New_York")
    log = [
        signup("a", "2026-01-01T04:59:59Z"),
        signup("b", "2026-01-01T05:00:00Z"),
        signup("c", "2026-02-01T04:59:59Z"),
    ]
    assert counted(log, options, at=datetime(2026, 2, 1, 5, tzinfo=UTC))["signups"] == 2
    assert counted(log, options, at=datetime(2026, 2, 1, 6, tzinfo=UTC)).get("signups", 0) == 0


def test_a_closed_period_ends_at_its_own_end() -> None:
    """A month and a year are reported as of their own end, which may lie in the middle of a day in UTC."""
    options = Options(business_time_zone="America/New_York")
    log = [
        signup("a", "2025-12-31T23:00:00Z"),
        signup("b", "2026-01-01T04:59:59Z"),
        signup("c", "2026-01-01T05:00:00Z"),
    ]
    month = recount_period(log, "2025-12", options)
    assert month["as_of"] == "2026-01-01T05:00:00Z"
    assert part(month, "windows", "month")["signups"] == 2
    assert part(recount_period(log, "2026", options), "windows", "year")["signups"] == 1


def test_the_golden_case_has_the_churn_that_each_lens_is_known_for() -> None:
    """One case in which the four lenses differ, with numbers that the user documentation quotes."""
    ratios = part(recount(golden_log(), [GOLDEN_AT])[0], "windows", "30d", "ratios")
    assert ratios["churn"] == {"standard": 0.1, "stripe": 12 / 110, "baremetrics": 0.12, "profitwell": 0.11}
    assert ratios["retention"] == 0.9


def test_every_ratio_divides_what_its_row_says() -> None:
    """Each ratio has a value of its own here, so that two of them cannot be swapped unseen."""
    log = [signup(f"o{number}", "2025-12-10", mrr_minor=1_000) for number in range(16)]
    log += [
        cancel("o0", "2026-01-05"),
        change("o1", "2026-01-05", "team", 1_600),
        change("o2", "2026-01-05", "team", 1_500),
    ]
    log += [change("o3", "2026-01-05", "mini", 800), signup("o4", "2026-01-06", "desk", 100, subscription_id="H")]
    log += [signup(f"n{number}", "2026-01-05", mrr_minor=100) for number in range(5)]
    log += [
        cancel("n0", "2026-01-06"),
        onboarding("n1", "2026-01-06"),
        onboarding("n2", "2026-01-06"),
        activity("n1", "2026-01-13"),
    ]
    log += [survey(f"n{number}", "2026-01-07", "csat", number + 1) for number in range(5)]
    log += [survey(f"o{number}", "2026-01-07", "nps", number) for number in range(6, 11)]
    log += [survey(f"o{number}", "2026-01-06", "nps", status="sent") for number in range(16)]
    log += [
        renewal("o5", "2026-01-07", "renewed"),
        renewal("o6", "2026-01-07", "renewed"),
        renewal("o7", "2026-01-07", "failed"),
    ]
    log += [renewal(f"o{number}", "2026-01-08", "declined") for number in range(8, 12)]
    log += [signup(f"t{number}", "2025-12-10", trial=True) for number in range(7)]
    log += [change(f"t{number}", "2025-12-16", "pro", 1_000) for number in range(2)]
    (document,) = recount(log, [T])
    totals = part(document, "totals")
    assert totals["arpa"] == 18_400 / 21
    assert part(document, "windows", "month", "ratios") == {
        "retention": 17 / 18,
        "churn": {"standard": 1 / 18, "stripe": 2 / 23, "baremetrics": 2 / 18, "profitwell": 1 / 18},
        "dropoff_7d": 1 / 5,
        "dropoff_silent_7d": 3 / 4,
        "onboarding": 2 / 5,
        "engagement": 9 / 21,
        "trial_conversion": 2 / 7,
        "cross_sell": 1 / 21,
        "renewal": 2 / 7,
        "expansion": 3 / 18,
        "gross_revenue_retention": 16_800 / 18_000,
        "net_revenue_retention": 18_000 / 18_000,
        "quick_ratio": (500 + 1_200 + 0) / (200 + 1_100),
        "nps": (2 - 1) / 5,
        "csat": 2 / 5,
        "survey_response": 10 / 16,
    }


def test_an_empty_log_has_zero_counts_and_absent_ratios() -> None:
    """Nothing to divide by is not zero churn; and a report has all its names even so."""
    (document,) = recount([], [T], by=["plan"])
    assert list(document) == ["as_of", "totals", "windows", "segments", "events"]
    assert document["as_of"] == "2026-02-01T00:00:00Z"
    assert document["totals"] == dict.fromkeys(STOCKS, 0) | {"arpa": None}
    assert list(part(document, "windows")) == ["1d", "7d", "30d", "90d", "365d", "month"]
    window = part(document, "windows", "month")
    ratios = part(window, "ratios")
    assert [name for name in window if window[name] == 0] == list(WINDOW_COUNTS)
    assert window["facts_without_effect"] == dict.fromkeys(("change", "pause", "resume", "cancel", "revoke"), 0)
    assert {value for name, value in ratios.items() if name != "churn"} == {None}
    assert set(part(ratios, "churn").values()) == {None}
    assert document["segments"] == {"plan": {}}
    assert document["events"] == dict.fromkeys(("applied", "duplicate", "conflict", "test", "forgotten"), 0) | {
        "mended": dict.fromkeys(("reason", "feature", "via", "country", "channel"), 0),
        "dead_letters": dict.fromkeys(Reason, 0),
    }


def test_reports_come_in_the_order_of_the_instants_and_segments_when_asked_for() -> None:
    """The same log answers for several instants; facts without effect are of all customers only."""
    log = [signup("a", "2026-01-20"), cancel("b", "2026-01-20")]
    early, late = datetime(2026, 1, 1, tzinfo=UTC), T
    documents = recount(log, [late, early])
    assert [document["as_of"] for document in documents] == ["2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"]
    assert ["segments" in document for document in documents] == [False, False]
    (segmented,) = recount(log, [late], by=["plan"])
    assert list(part(segmented, "segments", "plan")) == ["pro"]
    assert "facts_without_effect" not in part(segmented, "segments", "plan", "pro", "windows", "month")


def test_an_instant_that_is_no_boundary_of_a_bucket_is_refused() -> None:
    """Within a bucket there is nothing to tell; half-hour buckets have more boundaries."""
    half_past = datetime(2026, 2, 1, 0, 30, tzinfo=UTC)
    with pytest.raises(AssertionError, match="boundary"):
        recount([], [half_past])
    assert len(recount([], [half_past], Options(bucket_minutes=30))) == 1


def test_identities_between_counts_hold_and_are_found_broken() -> None:
    """A check that never found anything could look at nothing: here a retained customer is taken away."""
    log = [signup("a", "2025-12-10"), change("a", "2026-01-09", "team", 9_900), signup("b", "2026-01-20")]
    log += [cancel("a", "2026-01-21"), signup("c", "2026-01-22"), cancel("c", "2026-01-22T00:30:00Z")]
    book = read(log, DEFAULTS)
    by = ["plan", "country", "channel"]
    at_ms = instant_ms(T)
    assert broken(book, at_ms, by) == []
    assert broken(book, at_ms - 10 * DAY_MS, by) == []
    del book.customers["a"].timeline.movements[1:]
    assert "customers_active, month, all " in broken(book, at_ms, by)
