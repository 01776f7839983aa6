"""Two books of subscriptions: what differs is named, and what is the same is not."""

from __future__ import annotations

from typing import Final

import pytest

from kpis.customer.holdings import ABSENT, Holding
from kpis.population.reconciliation import Until, pairs_of
from schemas.refusals import Reason

UNTIL: Final = Until(export_ms=1000, stream_ms=1000)
HELD: Final = Holding("active", "pro", "USD", 4900, 4900, since_ms=10, changed_ms=20)
ENDED: Final = HELD._replace(status="ended", since_ms=30)
CASES: Final = {
    "same": (HELD, HELD, ()),
    "since": (HELD, HELD._replace(since_ms=11, changed_ms=21), ()),
    "ended-on-both": (ENDED, ENDED._replace(price=1), None),
    "plan": (HELD, HELD._replace(plan="team"), ("plan",)),
    "amount": (HELD, HELD._replace(price=5900), ("amount",)),
    "plan-and-amount": (HELD, HELD._replace(plan="team", price=5900), ("plan", "amount")),
    "currency": (HELD, HELD._replace(currency="EUR", price=1), ("currency",)),
    "paused": (HELD, HELD._replace(status="paused"), ("paused",)),
    "paused-trial": (HELD._replace(status="trial"), HELD._replace(status="paused"), ("paused",)),
    "trial": (HELD._replace(status="trial"), HELD, ("trial",)),
    "free": (HELD._replace(status="free", price=0), HELD, ("free", "amount")),
    "ended-in-stream": (HELD, ENDED, ("ended_in_stream",)),
    "ended-in-export": (ENDED, HELD, ("ended_in_export",)),
    "missing-in-stream": (HELD, ABSENT, ("missing_in_stream",)),
    "missing-in-export": (ABSENT, HELD, ("missing_in_export",)),
    "later-in-stream": (HELD, ABSENT._replace(later_ms=2000), ("later_in_stream",)),
    "later-in-export": (ABSENT._replace(later_ms=2000), HELD, ("later_in_export",)),
    "not-yet": (HELD._replace(changed_ms=1001), ABSENT, ("not_yet_in_stream", "missing_in_stream")),
    "after": (HELD, ENDED._replace(changed_ms=1001), ("changed_after_export", "ended_in_stream")),
}


@pytest.mark.parametrize("case", CASES)
def test_difference_of_a_subscription_is_named(case: str) -> None:
    """Whoever looks for 40 missing dollars needs the row and the cause, not the sum."""
    export, stream, causes = CASES[case]
    found = list(pairs_of("c", {"s": export}, {"s": stream}, UNTIL, {}))
    assert [pair.causes for pair in found] == ([] if causes is None else [causes])


def test_currency_without_a_rate_is_the_cause_though_neither_side_has_the_subscription() -> None:
    """Both refuse its events, and would agree on nothing."""
    (pair,) = pairs_of("c", {}, {}, UNTIL, {"s": Reason.CURRENCY_MISMATCH})
    assert (pair.subscription_id, pair.export, pair.causes) == ("s", ABSENT, ("currency_without_rate",))
    (held,) = pairs_of("c", {}, {"s": HELD}, UNTIL, {"s": Reason.CURRENCY_MISMATCH})
    assert held.causes == ("currency_without_rate", "missing_in_export")
    (bad,) = pairs_of("c", {}, {}, UNTIL, {"s": Reason.INVALID_MEMBER})
    assert bad.causes == ("refused",)


def test_refused_event_of_what_is_the_same_anyway_is_no_difference() -> None:
    """A repeated note about it says nothing of the subscription."""
    (pair,) = pairs_of("c", {"s": HELD}, {"s": HELD}, UNTIL, {"s": Reason.INVALID_MEMBER})
    assert pair.causes == ()


def test_subscription_without_an_id_is_the_only_other_one() -> None:
    """Events of one's own often name no subscription; billing systems always do."""
    (pair,) = pairs_of("c", {"sub_1": HELD}, {"": HELD}, UNTIL, {})
    assert (pair.subscription_id, pair.causes) == ("sub_1", ())
    (pair,) = pairs_of("c", {"": HELD}, {"own": HELD}, UNTIL, {})
    assert (pair.subscription_id, pair.causes) == ("own", ())


@pytest.mark.parametrize(
    ("export", "stream"),
    [
        ({"sub_1": HELD}, {"own": HELD}),
        ({"sub_1": HELD, "sub_2": HELD}, {"": HELD}),
        ({"sub_1": HELD, "": HELD}, {"": HELD}),
        ({"sub_1": HELD}, {"": ENDED}),
    ],
    ids=["two-ids", "two-of-the-export", "known", "ended"],
)
def test_subscriptions_that_may_be_others_are_not_taken_for_one(
    export: dict[str, Holding], stream: dict[str, Holding]
) -> None:
    """A guess would hide what is looked for."""
    found = list(pairs_of("c", export, stream, UNTIL, {}))
    assert any("missing_in_stream" in pair.causes for pair in found)
