"""The whole report by hand: the golden case, segments, ratios, windows, identities and what may not matter.

Definitions: docs/definitions.md, sections 1, 3 and 4; docs/report.md.
"""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.counting import STOCKS, WINDOW_COUNTS
from tests.oracle.decoding import Reason
from tests.oracle.events import Event, activity, cancel, change, onboarding, renewal, revoke, signup, survey
from tests.oracle.logs import FIRST_SLICE, Log, Shape, generate, smallest_failing
from tests.oracle.options import instant_ms
from tests.oracle.recomputation import Json, Options, recompute, window_starts
from tests.oracle.reports import counts_of, part_of
from tests.oracle.strategies import arrivals, logs

T = datetime(2026, 3, 1, tzinfo=UTC)
RATIOS = (
    "retention",
    "churn",
    "dropoff_7d",
    "dropoff_silent_7d",
    "onboarding",
    "engagement",
    "renewal",
    "expansion",
    "gross_revenue_retention",
    "net_revenue_retention",
    "quick_ratio",
    "nps",
    "csat",
    "survey_response",
)


def golden_log() -> list[Event]:
    """Return 100 customers of the start, 10 new ones, and 12 cancellations, for the window of 30 days before T."""
    log = [signup(f"old-{number}", "2026-01-01") for number in range(100)]
    log += [signup(f"new-{number}", "2026-02-10") for number in range(10)]
    log += [cancel(f"old-{number}", "2026-02-15") for number in range(11)]
    log += [signup("old-10", "2026-02-20"), cancel("new-0", "2026-02-25")]
    return log


def test_the_golden_case_has_the_churn_that_each_lens_is_known_for() -> None:
    """One case in which the four lenses differ, with numbers that the user documentation quotes."""
    ratios = part_of(recompute(golden_log(), at=[T])[0], "windows", "30d", "ratios")
    assert ratios["churn"] == {"standard": 0.1, "stripe": 12 / 110, "baremetrics": 0.12, "profitwell": 0.11}
    assert ratios["retention"] == 0.9


def test_an_empty_log_has_zero_counts_and_absent_ratios() -> None:
    """Nothing to divide by is not zero churn; and a report has all its names even so."""
    report = recompute([], at=[T], by=["plan"])[0]
    window = part_of(report, "windows", "month")
    none_of_each = {"in_app": 0, "email": 0, "outreach": 0}
    assert list(report) == ["as_of", "totals", "windows", "segments", "events"]
    assert report["as_of"] == "2026-03-01T00:00:00Z"
    assert report["totals"] == {"customers_active": 0, "mrr": 0, "arpa": None}
    assert list(part_of(report, "windows")) == ["1d", "7d", "30d", "90d", "365d", "month"]
    assert [name for name in window if window[name] == 0] == list(WINDOW_COUNTS)
    assert {kind: list(ways) for kind, ways in part_of(window, "surveys").items() if isinstance(ways, dict)} == {
        "nps": list(none_of_each),
        "csat": list(none_of_each),
    }
    assert tuple(part_of(window, "ratios")) == RATIOS
    assert set(part_of(window, "ratios", "churn").values()) == {None}
    assert {value for name, value in part_of(window, "ratios").items() if name != "churn"} == {None}
    assert report["segments"] == {"plan": {}}
    fates = {"applied": 0, "duplicate": 0, "conflict": 0, "test": 0}
    assert report["events"] == fates | {"dead_letters": dict.fromkeys(Reason, 0)}


def test_segments_are_there_only_when_asked_for() -> None:
    """The contract has the member with `--by` alone."""
    assert "segments" not in recompute([], at=[T])[0]


def test_every_ratio_divides_what_its_row_says() -> None:
    """Each ratio gets a value of its own here, so that two of them cannot be swapped unseen."""
    log = [
        *(signup(f"old-{number}", "2026-01-01", "pro", 1_000) for number in range(16)),
        cancel("old-0", "2026-02-02"),
        change("old-1", "2026-02-02", "team", 1_600),
        change("old-2", "2026-02-02", "team", 1_500),
        change("old-3", "2026-02-02", "team", 800),
        *(signup(f"new-{number}", "2026-02-05", "pro", 100) for number in range(5)),
        cancel("new-0", "2026-02-06"),
        onboarding("new-1", "2026-02-06"),
        onboarding("new-2", "2026-02-06"),
        activity("new-1", "2026-02-13"),
        *(survey(f"new-{number}", "2026-02-07", "csat", number + 1) for number in range(5)),
        *(survey(f"old-{number}", "2026-02-07", "nps", number) for number in range(6, 11)),
        *(survey(f"old-{number}", "2026-02-06", "nps", status="sent") for number in range(16)),
        renewal("old-5", "2026-02-07", "renewed"),
        renewal("old-6", "2026-02-07", "renewed"),
        renewal("old-7", "2026-02-07", "declined"),
        renewal("old-8", "2026-02-07", "failed"),
        renewal("old-9", "2026-02-07", "failed"),
    ]
    report = recompute(log, at=[T])[0]
    assert part_of(report, "totals") == {"customers_active": 19, "mrr": 16_300, "arpa": 16_300 / 19}
    assert part_of(report, "windows", "30d", "ratios") == {
        "retention": 15 / 16,
        "churn": {"standard": 1 / 16, "stripe": 2 / 21, "baremetrics": 2 / 16, "profitwell": 1 / 16},
        "dropoff_7d": 1 / 5,
        "dropoff_silent_7d": 3 / 4,
        "onboarding": 2 / 5,
        "engagement": 9 / 19,
        "renewal": 2 / 5,
        "expansion": 2 / 16,
        "gross_revenue_retention": 14_800 / 16_000,
        "net_revenue_retention": 15_900 / 16_000,
        "quick_ratio": (500 + 1_100 + 0) / (200 + 1_100),
        "nps": (2 - 1) / 5,
        "csat": 2 / 5,
        "survey_response": 10 / 16,
    }


def segments_of(log: list[Event], dimension: str, options: Options) -> dict[str, dict[str, int]]:
    """Return the counts that are not zero, by the dimension's value."""
    report = recompute(log, at=[T], by=[dimension], options=options)[0]
    return {value: counts_of(numbers) for value, numbers in part_of(report, "segments", dimension).items()}


WANDERER = [
    renewal("c", "2026-01-31", "failed"),
    signup("c", "2026-02-01", "basic", 100, country="DE", team="red"),
    change("c", "2026-02-03", "pro", 300),
    renewal("c", "2026-02-03", "renewed"),
    survey("c", "2026-02-04", "csat", 5),
    cancel("c", "2026-02-05", involuntary=True),
    survey("c", "2026-02-06", "csat", 1),
    signup("c", "2026-02-09", "team", 500, country="US", channel="ads"),
    change("c", "2026-02-10", "basic", 200),
]


def test_each_count_goes_to_the_plan_that_its_row_names() -> None:
    """The plan is the only segment that varies over time, and three rules say which one counts."""
    assert segments_of(WANDERER, "plan", Options()) == {
        "none": {"renewals_failed": 1},
        "basic": {"customers_active": 1, "mrr": 200, "customers_new": 1, "mrr_new": 100, "upgrades": 1}
        | {"mrr_expansion": 200, "renewals_renewed": 1, "dropoff_matured": 1, "dropoff_cancelled": 1}
        | {"onboarding_matured": 1, "customers_engaged": 1},
        "pro": {"survey_answered": 2, "csat_answered": 2, "csat_satisfied": 1, "cancellations": 1}
        | {"cancellations_involuntary": 1, "cancellations_of_new": 1, "mrr_churned": 300},
        "team": {"customers_reactivated": 1, "mrr_reactivated": 500, "downgrades": 1, "mrr_contraction": 300},
    }


def test_counts_of_the_start_go_to_the_plan_of_the_start() -> None:
    """A customer who changed plan and left was lost by the plan they had when the window began."""
    log = [
        signup("c", "2026-01-01", "basic", 100),
        change("c", "2026-02-03", "pro", 300),
        cancel("c", "2026-02-05"),
        signup("d", "2026-01-01", "basic", 100),
        change("d", "2026-02-03", "pro", 50),
    ]
    assert segments_of(log, "plan", Options()) == {
        "basic": {"customers_at_start": 2, "customers_lost": 1, "customers_retained": 1, "mrr_at_start": 200}
        | {"mrr_retained_gross": 50, "mrr_retained_net": 50, "upgrades": 1, "mrr_expansion": 200}
        | {"downgrades": 1, "mrr_contraction": 50},
        "pro": {"customers_active": 1, "mrr": 50, "cancellations": 1, "mrr_churned": 300},
    }


@pytest.mark.parametrize(("dimension", "value"), [("country", "DE"), ("channel", "none"), ("team", "red")])
def test_other_segments_come_from_the_fact_that_made_the_customer_new(dimension: str, value: str) -> None:
    """Everything a customer ever did lies in one segment, also what came before the signup."""
    options = Options(dimensions=("team",))
    everything = counts_of(recompute(WANDERER, at=[T], options=options)[0])
    assert segments_of(WANDERER, dimension, options) == {value: everything}


def test_whoever_never_signed_up_lies_in_the_segment_none() -> None:
    """A survey before or without a signup still counts, and counts must add up over segment values."""
    log = [survey("c", "2026-02-04", "nps", 10)]
    expected = {"none": {"survey_answered": 1, "nps_promoters": 1}}
    assert segments_of(log, "country", Options()) == expected
    assert segments_of(log, "plan", Options()) == expected


def test_surveys_are_counted_by_kind_and_way() -> None:
    """Response rates differ by an order of magnitude between ways."""
    log = [
        survey("c", "2026-02-01", "nps", status="sent", via="email"),
        survey("c", "2026-02-02", "nps", 9, via="email"),
        survey("c", "2026-02-03", "csat", status="dismissed", via="outreach"),
        survey("c", "2026-02-04", "csat", 4),
    ]
    none_of_each = {"sent": 0, "answered": 0, "dismissed": 0}
    assert part_of(recompute(log, at=[T])[0], "windows", "30d", "surveys") == {
        "nps": {"in_app": none_of_each, "email": {"sent": 1, "answered": 1, "dismissed": 0}, "outreach": none_of_each},
        "csat": {
            "in_app": {"sent": 0, "answered": 1, "dismissed": 0},
            "email": none_of_each,
            "outreach": {"sent": 0, "answered": 0, "dismissed": 1},
        },
    }


def test_event_counts_say_what_became_of_every_record() -> None:
    """Repeats and conflicts are duplicates; activity and onboarding, of which no id is kept, never are."""
    log = [
        signup("c", "2026-02-01"),
        signup("c", "2026-02-01"),
        signup("c", "2026-02-01", "team"),
        signup("c", "2026-02-01", "team"),
        signup("c", "2026-02-01", sequence=1),
        signup("d", "2026-02-01"),
        signup("d", "2026-02-01", test=True),
        revoke("d", "2026-02-02", "never sent"),
        revoke("d", "2026-02-02", "never sent"),
        activity("d", "2026-02-02"),
        activity("d", "2026-02-02"),
        onboarding("d", "2026-02-02"),
        onboarding("d", "2026-02-02"),
        signup("d", "2026-02-01", plan="none", test=True),
        cancel("d", "2099-12-31", id="later", effective_at="2104-12-31T23:59:59.999Z"),
    ]
    events = part_of(recompute(log, at=[T])[0], "events")
    assert (events["applied"], events["duplicate"], events["conflict"], events["test"]) == (8, 5, 2, 1)
    assert {reason: count for reason, count in part_of(events, "dead_letters").items() if count} == {
        "invalid_member": 1
    }


def test_a_customer_with_too_many_facts_has_the_rest_refused() -> None:
    """The limit is per customer, and repeats and activity are not new facts."""
    log = [
        signup("c", "2026-02-01"),
        signup("c", "2026-02-01"),
        survey("c", "2026-02-01", "nps", 5),
        activity("c", "2026-02-01"),
        cancel("c", "2026-02-02"),
        signup("d", "2026-02-01"),
    ]
    report = recompute(log, at=[T], options=Options(max_facts=2))[0]
    assert part_of(report, "events", "dead_letters")["too_many_facts"] == 1
    assert part_of(report, "totals")["customers_active"] == 2


@pytest.mark.parametrize(
    ("zone", "moment", "start"),
    [
        ("UTC", "2026-03-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"),
        ("UTC", "2026-03-01T01:00:00+00:00", "2026-03-01T00:00:00+00:00"),
        ("Europe/Berlin", "2026-03-31T22:00:00+00:00", "2026-02-28T23:00:00+00:00"),
        ("Europe/Berlin", "2026-03-31T23:00:00+00:00", "2026-03-31T22:00:00+00:00"),
        ("Asia/Kolkata", "2026-02-28T18:30:00+00:00", "2026-01-31T18:30:00+00:00"),
        ("Asia/Kolkata", "2026-02-28T19:00:00+00:00", "2026-02-28T18:30:00+00:00"),
        ("America/Sao_Paulo", "2024-03-01T03:00:00+00:00", "2024-02-01T03:00:00+00:00"),
        # The clocks jumped from 00:00 to 01:00 when this month began.
        ("America/Asuncion", "2023-10-02T00:00:00+00:00", "2023-10-01T04:00:00+00:00"),
        # They go back from 01:00 to 00:00 in the first hour of this one, which begins at the earlier of two midnights.
        ("America/Havana", "2026-11-02T00:00:00+00:00", "2026-11-01T04:00:00+00:00"),
    ],
)
def test_the_month_is_the_local_one_that_holds_the_instant_before(zone: str, moment: str, start: str) -> None:
    """A report as of midnight on the first is the closed month's, and months begin at local midnight."""
    starts = window_starts(datetime.fromisoformat(moment), Options(time_zone=zone))
    assert starts["month"] == instant_ms(datetime.fromisoformat(start))


def test_the_month_window_counts_what_lies_in_the_local_month() -> None:
    """An event in the first local hour of March belongs to February in UTC."""
    log = [signup("c", "2026-02-28T23:00:00Z"), signup("d", "2026-02-28T22:59:59.999Z")]
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for zone, expected in (("Europe/Berlin", 1), ("UTC", 0)):
        report = recompute(log, at=[moment], options=Options(time_zone=zone))[0]
        assert counts_of(report, "month").get("customers_new", 0) == expected


def test_an_instant_off_the_buckets_is_refused() -> None:
    """A number as of such an instant is one that the product never shows."""
    with pytest.raises(ValueError, match="boundary"):
        recompute([], at=[T + timedelta(minutes=30)])
    assert len(recompute([], at=[T + timedelta(minutes=30)], options=Options(bucket_minutes=30))) == 1


def test_an_unknown_dimension_is_refused() -> None:
    """A misspelt dimension would otherwise put everybody into `none`."""
    with pytest.raises(ValueError, match="team"):
        recompute([], at=[T], by=["team"])


def test_a_thousand_events_of_few_customers_are_recomputed_alike_in_any_order() -> None:
    """One log large enough for every feature to meet every other."""
    log = generate(Random(20), Shape(events=1_000))
    assert without_events(log, log.records) == without_events(log, log.records[::-1] + log.records)


def without_events(log: Log, records: object) -> list[Json]:
    """Return the reports of the records without the counts of records, which repetition does change."""
    assert isinstance(records, list | tuple)
    reports = recompute(records, at=log.at, by=log.by, options=log.options)
    return [{name: part for name, part in report.items() if name != "events"} for report in reports]


@settings(max_examples=60, deadline=None)
@given(drawn=st.data())
def test_order_and_repetition_of_arrival_never_matter(drawn: st.DataObject) -> None:
    """The promise of the definitions; the oracle must keep it before it can judge the product by it."""
    log = drawn.draw(logs())
    records = drawn.draw(arrivals(log.records))
    assert without_events(log, log.records) == without_events(log, records)


def segment_sums(report: Json, dimension: str) -> dict[tuple[str, str], int]:
    """Return each count summed over the dimension's values, by window (or `totals`) and name."""
    sums: dict[tuple[str, str], int] = {}
    for value in part_of(report, "segments", dimension).values():
        parts = {"totals": part_of(value, "totals"), **part_of(value, "windows")}
        for window, numbers in parts.items():
            for name, amount in part_of(numbers).items():
                if isinstance(amount, int):
                    sums[window, name] = sums.get((window, name), 0) + amount
    return sums


@settings(max_examples=40, deadline=None)
@given(log=logs())
def test_counts_of_all_customers_are_the_sums_over_any_dimension(log: Log) -> None:
    """Everybody lies in one segment of every dimension, `none` included."""
    for report in recompute(log.records, at=log.at, by=log.by, options=log.options):
        parts = {"totals": part_of(report, "totals"), **part_of(report, "windows")}
        expected = {
            (window, name): amount
            for window, numbers in parts.items()
            for name, amount in part_of(numbers).items()
            if isinstance(amount, int) and amount
        }
        for dimension in log.by:
            assert expected == {name: total for name, total in segment_sums(report, dimension).items() if total}


@settings(max_examples=40, deadline=None)
@given(log=logs())
def test_the_identities_hold_at_every_instant_and_window(log: Log) -> None:
    """Stocks and flows come from different rows of the table and must tell one story."""
    for moment in log.at:
        now = recompute(log.records, at=[moment], by=log.by, options=log.options)[0]
        for days in log.options.windows_days:
            earlier = moment - timedelta(days=days)
            then = recompute(log.records, at=[earlier], by=log.by, options=log.options)[0]
            assert_identities(now, then, f"{days}d", across_plans=True)
            for dimension in log.by:
                for value, numbers in part_of(now, "segments", dimension).items():
                    before = part_of(then, "segments", dimension).get(value)
                    assert_identities(numbers, before, f"{days}d", across_plans=dimension != "plan")


def assert_identities(now: object, then: object, window: str, *, across_plans: bool) -> None:
    """Compare two instants of all customers or of one segment; the flows only where no one moves between plans."""
    counts = dict.fromkeys((*STOCKS, *WINDOW_COUNTS), 0) | counts_of(now, window)
    before = dict.fromkeys(STOCKS, 0) | (counts_of(then, window) if then is not None else {})
    assert counts["customers_at_start"] == counts["customers_retained"] + counts["customers_lost"]
    assert counts["customers_at_start"] == before["customers_active"]
    assert counts["mrr_at_start"] == before["mrr"]
    if not across_plans:
        return
    customers = counts["customers_new"] + counts["customers_reactivated"] - counts["cancellations"]
    gains = counts["mrr_new"] + counts["mrr_expansion"] + counts["mrr_reactivated"]
    assert counts["customers_active"] - before["customers_active"] == customers
    assert counts["mrr"] - before["mrr"] == gains - counts["mrr_contraction"] - counts["mrr_churned"]


def test_the_smallest_failing_log_is_what_a_failure_needs() -> None:
    """A log of sixty events explains nothing; the two that matter do."""
    log = generate(Random(4), FIRST_SLICE)

    def is_counted(smaller: Log) -> bool:
        report = recompute(smaller.records, at=smaller.at[:1], options=smaller.options)[0]
        return counts_of(report, "365d").get("cancellations", 0) > 0

    assert len(smallest_failing(log, is_counted).records) == 2
