"""Referrals of the customers that a filter chooses, beside those of all."""

from __future__ import annotations

import pytest

from kpis.customer.state import decode
from kpis.filters import parse_filter
from kpis.population.referrals import Referrals, ReferralScan
from tests.recount.short_events import Event, change, event, signup
from tests.unit.kpis.population.invented import folded_company
from tests.unit.tenure.reports.lives import day

DAY_MS = 86_400_000
FIRST_MS = 1_735_689_600_000
EVENTS: list[Event] = [
    signup("a", day(1), "pro", 4_900, country="DE"),
    signup("b", day(1), "pro", 4_900, country="AT"),
    change("b", day(5), "team", 9_900),
    event("referral", "a", day(3), {}, referred="c", id="r1"),
    event("referral", "a", day(4), {}, referred="never", id="r2"),
    event("referral", "b", day(4), {}, referred="d", id="r3"),
    event("referral", "b", day(6), {}, referred="c", id="r4"),
    signup("c", day(7), "pro", 4_900, country="AT"),
    signup("d", day(7), "basic", 900, country="DE"),
]


def found(where: str | None) -> Referrals:
    """Return the referrals of a hundred days, of the customers that a condition chooses."""
    folded = folded_company(EVENTS)
    chosen = None if where is None else parse_filter(where, ("plan", "country", "channel"))
    scan = ReferralScan(
        at_ms=FIRST_MS + 100 * DAY_MS, bucket_ms=folded.windows.bucket_ms, what=folded.what, where=chosen
    )
    for names, states in zip(folded.names, folded.states, strict=True):
        for customer_id, state in states.items():
            scan.take(names, customer_id, decode(state))
    return scan.referrals()


@pytest.mark.parametrize(
    ("where", "referrers", "referred", "brought", "others"),
    [
        (None, 2, 3, 2, 2),
        ("country = DE", 1, 2, 1, 1),
        ("not country = DE", 1, 2, 1, 1),
        ("plan = pro", 2, 3, 1, 2),
        ("plan = team", 1, 1, 0, 0),
    ],
)
def test_referrals_are_those_of_whom_a_condition_chooses(
    where: str | None, referrers: int, referred: int, brought: int, others: int
) -> None:
    """A plan is the one at the referral; who was brought stays so, whoever did it."""
    of = found(where)
    stays = tuple(group.episodes for group in of.stays)
    assert (of.referrers, of.referred, stays) == (referrers, referred, (brought, others))
