"""Answers on further scales: what is told of them, and that no count knows them."""

from __future__ import annotations

from kpis.customer.state import decode
from kpis.population.scales import AskedOn, ScaleScan
from schemas.instants import DAY_MS
from tenure.reports.feedback import scales_of
from tests.recount.short_events import Event, cancel, event, revoke, signup, survey
from tests.unit.kpis.population.invented import folded_company
from tests.unit.tenure.reports.lives import day

FIRST_MS = 1_735_689_600_000


def scanned(events: list[Event], *, days: int = 100) -> ScaleScan:
    """Return what was asked so many days after the beginning of 2025."""
    folded = folded_company(events)
    scan = ScaleScan(at_ms=FIRST_MS + days * DAY_MS, bucket_ms=folded.windows.bucket_ms, what=folded.what)
    for state in folded.states[0].values():
        scan.take(folded.names[0], decode(state))
    return scan


def asked(name: str, time: str, score: int | None = None, *, kind: str = "ces", **members: object) -> Event:
    """Return a survey on a further scale of one customer."""
    return survey("a", time, kind, score, id=name, **members)


ASKED = [
    signup("a", day(1), "pro", 4_900),
    asked("s1", day(50), 7),
    asked("s2", day(51), 5, incentive=True),
    asked("s3", day(52), 4),
    asked("s4", day(53), status="sent"),
    asked("s5", day(54), status="dismissed"),
    asked("s6", day(55), 3, kind="pmf"),
    asked("s7", day(5), 1),
    asked("s8", day(56), 1),
    revoke("a", day(57), "s8"),
    survey("a", day(58), "nps", 1),
]


def test_answers_of_the_last_days_are_told_by_scale_and_incentive() -> None:
    """What is older, taken back or on a scale of its own counts is not in it."""
    scan = scanned([*ASKED, cancel("a", day(60))])
    assert scan.statuses() == {
        AskedOn("ces", incentive=False): {"answered": 2, "sent": 1, "dismissed": 1},
        AskedOn("ces", incentive=True): {"answered": 1},
        AskedOn("pmf", incentive=False): {"answered": 1},
    }
    assert scan.scores()[AskedOn("ces", incentive=False)] == {7: 1, 4: 1}
    found = scales_of(scan)
    assert list(found) == ["ces", "pmf"]
    effort = found["ces"]
    assert (effort.surveys.answered, effort.surveys.good, effort.surveys.mean) == (3, 2, 16 / 3)
    assert (effort.rewarded.share, effort.not_rewarded.share, found["pmf"].rewarded.share) == (1.0, 0.5, None)
    assert (found["pmf"].surveys.share, found["pmf"].surveys.low) == (1.0, effort.rewarded.low)


def test_event_of_a_touchpoint_is_no_survey_on_a_scale() -> None:
    """Others are kept in the same place."""
    assert scanned([signup("a", day(1)), event("contact", "a", day(2), {})]).statuses() == {}
