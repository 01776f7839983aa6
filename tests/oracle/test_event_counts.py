"""First days, engagement, renewals and surveys by hand, over the window [2026-01-30, 2026-03-01).

One event a line and the expected counts last; counts of the family under test that a case does not name must be
zero.
Definitions: docs/definitions.md, section 3.
"""

from datetime import UTC, datetime

import pytest

from tests.oracle.events import Event, activity, cancel, onboarding, renewal, revoke, signup, survey
from tests.oracle.recomputation import recompute
from tests.oracle.reports import Counts, counts_of

T = datetime(2026, 3, 1, tzinfo=UTC)

FIRST_DAYS: dict[str, tuple[list[Event], Counts]] = {
    "no sign of life": (
        [signup("c", "2026-02-10T06:00:00Z")],
        {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "seven days end at T": ([signup("c", "2026-02-22")], {}),
    "seven days end just before T": (
        [signup("c", "2026-02-21T23:59:59.999Z")],
        {"dropoff_matured": 1, "onboarding_matured": 1},
    ),
    "fourteen days end at T": (
        [signup("c", "2026-02-15")],
        {"dropoff_matured": 1, "onboarding_matured": 1},
    ),
    "seven days end before the window, fourteen within": (
        [signup("c", "2026-01-22T23:00:00Z")],
        {"dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "fourteen days end at the first instant of the window": (
        [signup("c", "2026-01-16")],
        {"dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "fourteen days end just before the window": ([signup("c", "2026-01-15T23:59:59.999Z")], {}),
    "seven days end at the first instant of the window": (
        [signup("c", "2026-01-23")],
        {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "gone at seven days sharp is not gone after seven days": (
        [
            signup("c", "2026-02-10"),
            cancel("c", "2026-02-17"),
        ],
        {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "gone a millisecond earlier is": (
        [
            signup("c", "2026-02-10"),
            cancel("c", "2026-02-16T23:59:59.999Z"),
        ],
        {"dropoff_matured": 1, "dropoff_cancelled": 1, "onboarding_matured": 1},
    ),
    "gone and back within seven days": (
        [
            signup("c", "2026-02-10"),
            cancel("c", "2026-02-11"),
            signup("c", "2026-02-16"),
        ],
        {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1, "dropoff_silent": 1},
    ),
    "only the first signup has first days": (
        [
            signup("c", "2025-02-10"),
            cancel("c", "2025-02-11"),
            signup("c", "2026-02-10"),
            onboarding("c", "2026-02-11"),
        ],
        {},
    ),
    "activity when seven days are over, and when fourteen are": (
        [
            signup("c", "2026-02-01"),
            activity("c", "2026-02-08"),
            signup("d", "2026-02-01"),
            activity("d", "2026-02-07T23:59:59.999Z"),
            activity("d", "2026-02-15"),
            signup("e", "2026-02-01"),
            activity("e", "2026-02-14T23:59:59.999Z"),
        ],
        {"dropoff_matured": 3, "onboarding_matured": 3, "dropoff_silent_matured": 3, "dropoff_silent": 1},
    ),
    "an answer is a sign of life, a dismissal is none": (
        [
            signup("c", "2026-02-01"),
            survey("c", "2026-02-09", "csat", 3),
            signup("d", "2026-02-01"),
            survey("d", "2026-02-09", "csat", status="dismissed"),
            survey("d", "2026-02-10", "csat", status="sent"),
        ],
        {"dropoff_matured": 2, "onboarding_matured": 2, "dropoff_silent_matured": 2, "dropoff_silent": 1},
    ),
    "activity of one who had left keeps them from being silent": (
        [
            signup("c", "2026-02-01"),
            cancel("c", "2026-02-09"),
            activity("c", "2026-02-10"),
        ],
        {"dropoff_matured": 1, "onboarding_matured": 1, "dropoff_silent_matured": 1},
    ),
    "onboarding from the signup until seven days later": (
        [
            signup("c", "2026-02-10"),
            onboarding("c", "2026-02-10"),
            signup("d", "2026-02-10"),
            onboarding("d", "2026-02-16T23:59:59.999Z"),
            onboarding("d", "2026-02-16T23:59:59.999Z"),
            signup("e", "2026-02-10"),
            onboarding("e", "2026-02-09T23:59:59.999Z"),
            onboarding("e", "2026-02-17"),
            signup("f", "2026-02-10"),
            onboarding("f", "2026-02-11", completed=False),
        ],
        {"dropoff_matured": 4, "onboarding_matured": 4, "onboarding_completed": 2}
        | {"dropoff_silent_matured": 4, "dropoff_silent": 4},
    ),
    "onboarding counts for one who left as well": (
        [
            signup("c", "2026-02-10"),
            cancel("c", "2026-02-11"),
            onboarding("c", "2026-02-12"),
        ],
        {"dropoff_matured": 1, "dropoff_cancelled": 1, "onboarding_matured": 1, "onboarding_completed": 1},
    ),
}


@pytest.mark.parametrize(("events", "expected"), FIRST_DAYS.values(), ids=FIRST_DAYS)
def test_the_first_fourteen_days_make_the_expected_counts(events: list[Event], expected: Counts) -> None:
    """These counts mature with time and not with an event: their edges are where an increment is lost."""
    counts = counts_of(recompute(events, at=[T])[0])
    assert expected == {name: value for name, value in counts.items() if name.startswith(("dropoff", "onboarding"))}


ENGAGEMENT: dict[str, tuple[list[Event], Counts]] = {
    "activity on the edges of the window": (
        [
            signup("c", "2026-01-01"),
            activity("c", "2026-01-30"),
            signup("d", "2026-01-01"),
            activity("d", "2026-01-29T23:59:59.999Z"),
            activity("d", "2026-03-01"),
            signup("e", "2026-01-01"),
            activity("e", "2026-02-28T23:59:59.999Z"),
            activity("e", "2026-02-28T23:59:59.999Z"),
        ],
        {"customers_engaged": 2},
    ),
    "an answer engages": (
        [
            signup("c", "2026-01-01"),
            survey("c", "2026-02-01", "nps", 7),
        ],
        {"customers_engaged": 1, "survey_answered": 1, "nps_passives": 1},
    ),
    "a survey sent or dismissed does not": (
        [
            signup("c", "2026-01-01"),
            survey("c", "2026-02-01", "nps", status="sent"),
            survey("c", "2026-02-02", "nps", status="dismissed", score=10),
        ],
        {"survey_sent": 1, "survey_dismissed": 1},
    ),
    "whoever is active at T counts, whatever the state was then": (
        [
            activity("c", "2026-02-01"),
            signup("c", "2026-02-25"),
            signup("d", "2026-01-01"),
            activity("d", "2026-02-01"),
            cancel("d", "2026-02-02"),
        ],
        {"customers_engaged": 1},
    ),
    "renewals of anybody, on the edges of the window": (
        [
            signup("c", "2026-01-01"),
            renewal("c", "2026-01-29T23:59:59.999Z", "renewed"),
            renewal("c", "2026-01-30", "renewed"),
            renewal("c", "2026-02-28T23:59:59.999Z", "failed"),
            renewal("c", "2026-03-01", "failed"),
            renewal("stranger", "2026-02-01", "declined"),
            renewal("stranger", "2026-02-01T00:00:00Z", "declined"),
        ],
        {"renewals_renewed": 1, "renewals_failed": 1, "renewals_declined": 2},
    ),
    "surveys on the edges of the window": (
        [
            survey("c", "2026-01-29T23:59:59.999Z", "nps", 10),
            survey("c", "2026-01-30", "nps", 8),
            survey("c", "2026-02-28T23:59:59.999Z", "csat", 3),
            survey("c", "2026-03-01", "csat", 5),
        ],
        {"survey_answered": 2, "nps_passives": 1, "csat_answered": 1},
    ),
    "every NPS score": (
        [survey("c", f"2026-02-{score + 1:02}", "nps", score) for score in range(11)],
        {"survey_answered": 11, "nps_promoters": 2, "nps_passives": 2, "nps_detractors": 7},
    ),
    "every CSAT score": (
        [survey("c", f"2026-02-{score:02}", "csat", score) for score in range(1, 6)],
        {"survey_answered": 5, "csat_answered": 5, "csat_satisfied": 2},
    ),
    "a revoked answer": (
        [
            signup("c", "2026-01-01"),
            survey("c", "2026-02-01", "nps", 7),
            revoke("c", "2026-02-02", "survey 2026-02-01", source="customer.survey"),
        ],
        {},
    ),
    "revoked activity stays": (
        [
            signup("c", "2026-01-01"),
            activity("c", "2026-02-01"),
            revoke("c", "2026-02-02", "activity 2026-02-01", source="customer.activity"),
        ],
        {"customers_engaged": 1},
    ),
    "of two versions of an answer the smaller score counts": (
        [
            survey("c", "2026-02-01", "nps", 9, id="same"),
            survey("c", "2026-02-01", "nps", 3, id="same"),
        ],
        {"survey_answered": 1, "nps_detractors": 1},
    ),
}


@pytest.mark.parametrize(("events", "expected"), ENGAGEMENT.values(), ids=ENGAGEMENT)
def test_activity_renewals_and_surveys_make_the_expected_counts(events: list[Event], expected: Counts) -> None:
    """These events do not move the state machine but meet it."""
    counts = counts_of(recompute(events, at=[T])[0])
    names = ("customers_engaged", "renewals", "survey", "nps", "csat")
    assert expected == {name: value for name, value in counts.items() if name.startswith(names)}
