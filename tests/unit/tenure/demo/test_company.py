"""The demo's company: the same for a seed, believable, and valid by the contract but for what is damaged."""

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.instants import DAY_MS
from streams.routing import heading_of
from tenure.demo.company.company import EVENT_TYPES, Arrival, Company
from tenure.demo.company.delivery import FLAWLESS, instant_text
from tenure.demo.company.market import date_of, next_bill_day
from tests.recount.events import Event
from tests.recount.refusals import Reason, RefusedError
from tests.unit.tenure.demo.companies import (
    LIFECYCLE,
    START,
    book_of,
    demo_events,
    demo_readings,
    history,
    readings,
    small_company,
)

ROOT = Path(__file__).parents[4]


def events_of(kind: str) -> list[Event]:
    """Return the demo's valid events of a type, as the recount reads them."""
    return [event for arrival, event in demo_readings() if arrival.type == kind and isinstance(event, Event)]


def digest_of_history() -> str:
    """Return a hash over every byte of a small company's history."""
    digest = hashlib.sha256()
    for arrival in history(small_company()):
        digest.update(repr(arrival).encode())
    return digest.hexdigest()


def test_a_seed_gives_the_same_bytes_under_any_hash_seed() -> None:
    """A demo that shows something odd must be shown again on another machine by its seed alone."""
    program = "import runpy, sys; print(runpy.run_path(sys.argv[1], run_name='again')['digest_of_history']())"
    digests = set()
    for hash_seed in ("1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", program, __file__]
        digests.add(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip())
    assert digests == {digest_of_history()}


def test_another_seed_is_another_company() -> None:
    """A seed that decides nothing would make the option of the demo a lie."""
    first, second = (Counter(arrival.value for arrival in history(small_company(seed))) for seed in (1, 2))
    assert first != second


def test_asking_twice_for_the_events_begins_anew() -> None:
    """Whoever replays the company must not get its second half."""
    company = small_company()
    assert list(history(company)) == list(history(company))


@pytest.mark.parametrize(
    "include", [frozenset({"signup", "cancel", "revoke"}), frozenset({"survey"}), EVENT_TYPES - {"activity"}]
)
def test_leaving_event_types_out_changes_nothing_about_the_others(include: frozenset[str]) -> None:
    """A demo of fewer event types has to tell the same story, or comparing two of them means nothing."""
    everything = [arrival for arrival in history(small_company()) if arrival.type in include]
    assert sorted(history(small_company(include=include)), key=repr) == sorted(everything, key=repr)


def test_records_come_in_the_order_of_their_arrival_and_never_before_they_happen() -> None:
    """The demo pours records in as time passes: an event from the future would be a dead letter there."""
    arrivals = demo_events()
    assert all(one.arrived_at_ms <= next_one.arrived_at_ms for one, next_one in pairwise(arrivals))
    read = [event for _, event in demo_readings()]
    assert {instant_text(event.time_ms)[:4] for event in read if isinstance(event, Event)} <= {
        "2023",
        "2024",
        "2025",
        "2026",
    }
    out_of_range = [arrival for arrival, event in demo_readings() if is_refused(event, Reason.TIME_OUT_OF_RANGE)]
    assert out_of_range
    assert all(b'"time":"1970-01-01' in arrival.value for arrival in out_of_range)


def is_refused(event: Event | RefusedError, reason: Reason) -> bool:
    """Return whether a record is refused for a reason."""
    return isinstance(event, RefusedError) and event.reason is reason


def test_more_than_99_in_100_records_are_valid_and_the_others_are_refused_for_many_reasons() -> None:
    """The demo shows dead letters, but of a company whose systems mostly work."""
    read = [event for _, event in demo_readings()]
    refused = [event for event in read if isinstance(event, RefusedError)]
    assert 0.0001 < len(refused) / len(read) < 0.01
    reasons = {event.reason for event in refused}
    assert set(Reason) - reasons <= {Reason.OVERSIZED, Reason.CURRENCY_MISMATCH, Reason.TOO_MANY_FACTS}
    assert sum(event.test for event in read if isinstance(event, Event)) > 10


def test_a_flawless_company_has_no_refused_late_or_repeated_record() -> None:
    """Tests that need exact counts ask for no flaws; the one exception here would be theirs to find."""
    arrivals = tuple(history(small_company(flaws=FLAWLESS)))
    read = readings(arrivals)
    assert [event for event in read if isinstance(event, RefusedError) or event.test or event.mended] == []
    assert len({arrival.value for arrival in arrivals}) == len(arrivals)
    delays_ms = delays_of_ms(zip(arrivals, read, strict=True))
    assert max(delays_ms) <= 202


def delays_of_ms(read: Iterable[tuple[Arrival, Event | RefusedError]]) -> list[int]:
    """Return how long after its `time` each valid event arrives."""
    return [arrival.arrived_at_ms - event.time_ms for arrival, event in read if isinstance(event, Event)]


def test_about_one_record_in_a_hundred_comes_late_and_one_comes_twice() -> None:
    """Exactness under late and repeated events is what the product promises; its demo has to have some."""
    arrivals = demo_events()
    repeated = len(arrivals) - len({arrival.value for arrival in arrivals})
    assert 0.007 < repeated / len(arrivals) < 0.013
    delays_ms = delays_of_ms(demo_readings())
    late = sum(delay_ms > 35 * 60_000 for delay_ms in delays_ms)
    assert 0.006 < late / len(arrivals) < 0.016
    assert max(delays_ms) > 2 * DAY_MS


def test_the_key_is_the_customer_that_the_event_names() -> None:
    """Kafka's partition comes from the key: a wrong one sends a customer's events to two workers."""
    keyed = [arrival for arrival in demo_events() if arrival.key is not None]
    named = [(arrival, heading_of(arrival.value)[1:]) for arrival in keyed]
    known = [(arrival, customer_id, kind) for arrival, (customer_id, kind) in named if customer_id is not None]
    assert len(known) > 0.999 * len(keyed)
    assert all(arrival.key == customer_id.encode() for arrival, customer_id, _ in known)
    assert sum(arrival.type != kind for arrival, _, kind in known) < 0.001 * len(known)


def test_history_is_sized_for_a_demo_that_is_up_in_seconds() -> None:
    """Every window needs content, and nobody waits a minute for a demo."""
    before = [arrival for arrival in demo_events() if arrival.arrived_at_ms < START.timestamp() * 1000]
    assert 50_000 < len(before) < 110_000
    assert {arrival.type for arrival in before} == EVENT_TYPES


def test_about_as_many_customers_pay_at_the_start_as_were_asked_for() -> None:
    """Whoever sizes a demo says how many customers, not how many signups three years ago."""
    for customers in (300, 3000):
        company = Company(5, START, customers=customers, flaws=FLAWLESS, include=LIFECYCLE)
        book = book_of(history(company))
        active = sum(customer.timeline.state_at(company.start_ms).active for customer in book.customers.values())
        assert 0.8 * customers < active < 1.2 * customers


def test_churn_spikes_in_the_days_after_a_price_rise() -> None:
    """The spike is what the demo's churn panel is there to show: one in the history, one soon after the live start."""
    book = book_of(arrival for arrival in demo_events() if arrival.type in LIFECYCLE)
    first_day = int(START.timestamp()) // 86_400
    cancellations = [
        (movement.fact_ms // DAY_MS - first_day, movement.reason)
        for customer in book.customers.values()
        for movement in customer.timeline.movements
        if movement.name == "cancellation"
    ]
    by_day = Counter(day for day, _ in cancellations)
    for rise in (-150, 3):
        usual = sum(by_day[day] for day in range(rise - 28, rise)) / 28
        assert sum(by_day[day] for day in range(rise, rise + 3)) / 3 > 4 * usual
    reasons = Counter(reason for day, reason in cancellations if 3 <= day < 6)
    assert reasons.most_common(1)[0][0] == "too_expensive"


def test_customers_of_one_channel_leave_more_often_within_seven_days() -> None:
    """The segment that departs has to be findable, or the panel by channel shows nothing."""
    company = Company(3, START, customers=4000, flaws=FLAWLESS, include=frozenset({"signup", "cancel"}))
    joined: dict[str, tuple[dt.datetime, str]] = {}
    matured, early = Counter[str](), Counter[str]()
    for arrival in history(company):
        event = json.loads(arrival.value)
        at = dt.datetime.fromisoformat(event["time"])
        if event["type"] == "signup" and event["customer_id"] not in joined:
            joined[event["customer_id"]] = at, event["channel"]
            matured[event["channel"]] += 1
        elif event["type"] == "cancel" and at - joined[event["customer_id"]][0] < dt.timedelta(days=7):
            early[joined[event["customer_id"]][1]] += 1
    rates = {channel: early[channel] / matured[channel] for channel in matured}
    worst = rates.pop("paid_social")
    assert worst > 2 * max(rates.values())


def test_the_mix_of_events_is_that_of_a_running_company() -> None:
    """Every count of the KPI page needs something to count."""
    signups = events_of("signup")
    plans = {"free", "starter", "pro", "business", "enterprise"}
    assert {event.plan for event in signups} == plans | {"analytics", "priority_support", "sandbox"}
    values = [len({event.segment_values[n] for event in signups} - {""}) for n in range(4)]
    assert values == [12, 6, 7, 4], "countries, channels, industries, sizes"
    surveys = events_of("survey")
    assert {(event.survey_kind, event.status) for event in surveys} == {
        (kind, status) for kind in ("nps", "csat") for status in ("sent", "answered", "dismissed")
    }
    assert {event.via for event in surveys} == {"in_app", "email", "outreach"}
    scores = [event.score for event in surveys if event.survey_kind == "nps" and event.status == "answered"]
    shares = [sum(low <= score <= high for score in scores) / len(scores) for low, high in ((0, 6), (7, 8), (9, 10))]
    assert min(shares) > 0.15
    outcomes = Counter(event.outcome for event in events_of("renewal"))
    assert outcomes["renewed"] > outcomes["failed"] > 0
    assert outcomes["declined"] > 0
    assert sum(event.involuntary for event in events_of("cancel")) > 20


def test_weekends_are_quieter_than_weekdays() -> None:
    """A churn score compares with the same weekdays; without a weekly rhythm the demo could not show why."""
    signups = Counter(
        date_of(arrival.arrived_at_ms // DAY_MS).weekday() for arrival in demo_events() if arrival.type == "signup"
    )
    assert 1.3 * (signups[5] + signups[6]) / 2 < sum(signups[weekday] for weekday in range(5)) / 5


def test_bills_come_on_the_same_day_of_every_month_as_far_as_it_has_one() -> None:
    """Annual churn belongs to the anniversary, and months have 28 to 31 days."""
    first = (dt.date(2024, 1, 31) - dt.date(1970, 1, 1)).days
    february = next_bill_day(first, 31, 1)
    assert date_of(february) == dt.date(2024, 2, 29)
    assert date_of(next_bill_day(february, 31, 1)) == dt.date(2024, 3, 31)
    assert date_of(next_bill_day(february, 29, 12)) == dt.date(2025, 2, 28)
    december = (dt.date(2025, 12, 5) - dt.date(1970, 1, 1)).days
    assert date_of(next_bill_day(december, 5, 1)) == dt.date(2026, 1, 5)


def test_instants_are_written_with_milliseconds_and_z() -> None:
    """The contract asks for RFC 3339 with an offset or Z."""
    assert instant_text(1_709_210_096_007) == "2024-02-29T12:34:56.007Z"
