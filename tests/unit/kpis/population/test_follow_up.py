"""Answers that wait: who is to be called, how long it takes, and what follows on a contact."""

from __future__ import annotations

import pytest

from kpis.customer.state import decode
from kpis.population.feedback_scan import FeedbackScan
from kpis.population.follow_up import FollowUps
from kpis.population.lifetime import Durations
from tests.recount.short_events import Event, cancel, event, signup, survey
from tests.unit.kpis.population.invented import folded_company
from tests.unit.tenure.reports.lives import day

DAY_MS = 86_400_000
FIRST_MS = 1_735_689_600_000


def contact(customer: str, time: str, about: str = "") -> Event:
    """Return a contact, about a survey or none."""
    return event("contact", customer, time, {}, **({"about": about} if about else {}))


def followed(events: list[Event], *, limit: int = 5, days: int = 100) -> FollowUps:
    """Return what became of answers so many days after the beginning of 2025."""
    folded = folded_company(events)
    at_ms = FIRST_MS + days * DAY_MS
    scan = FeedbackScan(at_ms=at_ms, bucket_ms=folded.windows.bucket_ms, what=folded.what, limit=limit)
    for customer_id, state in folded.states[0].items():
        scan.take(folded.names[0], customer_id, decode(state))
    return scan.follow_ups


BEGUN = [signup("a", day(1), "pro", 4_900)]
ANSWER = survey("a", day(50), kind="nps", score=3, id="s1", reason="price")


@pytest.mark.parametrize(
    ("events", "is_open"),
    [
        ([], False),
        ([ANSWER], True),
        ([ANSWER, contact("a", day(49))], True),
        ([ANSWER, contact("a", day(51))], False),
        ([ANSWER, contact("a", day(51), "s1")], False),
        ([ANSWER, contact("a", day(51), "another")], True),
        ([ANSWER, contact("a", day(101))], True),
        ([ANSWER, survey("a", day(60), kind="nps", score=9)], False),
        ([survey("a", day(40), kind="nps", score=9), ANSWER], True),
        ([ANSWER, survey("a", day(60), kind="csat", score=1)], True),
        ([ANSWER, cancel("a", day(70))], False),
        ([survey("a", day(50), kind="csat", score=1)], False),
    ],
)
def test_a_detractor_is_open_while_still_here_and_not_contacted(events: list[Event], is_open: bool) -> None:
    """Whoever calls them must not call the wrong ones, or anybody twice."""
    found = followed([*BEGUN, *events])
    assert (found.open_customers, found.open_mrr) == ((1, 4_900) if is_open else (0, 0))
    assert [(each.customer_id, each.plan, each.score) for each in found.open()] == (
        [("a", "pro", 3)] if is_open else []
    )


def test_waits_are_hours_until_the_first_contact_or_until_now() -> None:
    """Those that wait count for as long as they have waited; who has left waits no more; old answers are history."""
    events = [
        *(signup(who, day(1), "pro", 4_900) for who in "abcdef"),
        survey("a", day(50), kind="nps", score=3),
        contact("a", day(50.5)),
        contact("a", day(60)),
        survey("b", day(90), kind="nps", score=9),
        survey("c", day(95), kind="nps", score=5),
        cancel("c", day(97)),
        survey("d", day(5), kind="nps", score=5),
        *(cancel("f", day(60)), survey("f", day(61), kind="nps", score=5), contact("f", day(62))),
        survey("e", day(99), kind="csat", score=5),
    ]
    assert followed(events).waits() == {
        ("csat", "satisfied"): Durations({}, {24: 1}),
        ("nps", "detractors"): Durations({12: 1}, {48: 1}),
        ("nps", "promoters"): Durations({}, {240: 1}),
    }


@pytest.mark.parametrize(("called", "followed_up"), [(96, True), (97, True), (97.1, False), (99.5, False)])
def test_a_contact_after_the_customer_left_follows_nothing_up(called: float, followed_up: bool) -> None:
    """A call to win somebody back is no answer to what they said, and would make others look slow."""
    events = [*BEGUN, survey("a", day(95), kind="nps", score=5), cancel("a", day(97)), contact("a", day(called))]
    events.append(signup("a", day(99), "pro", 4_900))
    hours = int((min(called, 97) - 95) * 24)
    expected = Durations({hours: 1}, {}) if followed_up else Durations({}, {hours: 1})
    assert followed(events).waits() == {("nps", "detractors"): expected}


def test_contacted_detractors_are_compared_with_the_others_from_the_seventh_day_on() -> None:
    """Who left in the week could not be helped any more, and who was called later belongs to the others."""
    events: list[Event] = []
    for who, called, left in (("a", 52, 80), ("b", None, 60), ("c", 58, 90), ("d", 51, 55), ("e", None, None)):
        events += [signup(who, day(1), "pro", 4_900), survey(who, day(50), kind="nps", score=2)]
        events += [contact(who, day(called))] if called else []
        events += [cancel(who, day(left))] if left else []
    contacted, others = followed(events).after()
    assert contacted == Durations({23: 1}, {})
    assert others == Durations({3: 1, 33: 1}, {43: 1})


def test_the_list_holds_those_with_the_most_mrr_and_is_counted_whole() -> None:
    """A list that is cut off says so by its number."""
    events: list[Event] = []
    for n in range(200):
        events += [signup(f"c{n}", day(1), "pro", 100 + n), survey(f"c{n}", day(50), kind="nps", score=2)]
    found = followed(events, limit=3)
    assert [each.mrr for each in found.open()] == [299, 298, 297]
    assert (found.open_customers, found.open_mrr) == (200, sum(range(100, 300)))
