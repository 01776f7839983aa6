"""The fold counts exactly what the definitions say, whatever arrives in whatever order.

The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.documents.document import plain
from tests.logs.logs import Log
from tests.property.cases import Case, bounded, cases, check_log, differences
from tests.property.folding import Folded, named
from tests.recount.golden import GOLDEN_AT, golden_log
from tests.recount.options import DEFAULTS, Options
from tests.recount.report import recount

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
START = datetime(2025, 1, 1, tzinfo=UTC)


def _folded(case: Case, log: Log) -> Folded:
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    folded.batches(log.records, case.batch)
    return folded


def _disagreement(case: Case, log: Log) -> list[str]:
    ours = _folded(case, log).report(log.at, log.by)
    return differences(ours, recount(log.records, log.at, log.options, log.by))


@bounded(70)
@given(cases("first slice"))
def test_every_number_equals_a_naive_recount(case: Case) -> None:
    """Counts that are nearly right are wrong: order of arrival, repetition and batches may change nothing."""
    check_log(case, case.log(), lambda log: _disagreement(case, log))


@bounded(70)
@given(cases("everything", "first weeks", "lifecycles"))
def test_every_number_of_every_event_type_equals_a_naive_recount(case: Case) -> None:
    """Revokes and conflicts take back what was counted, even the signup that everything hangs on."""
    check_log(case, case.log(), lambda log: _disagreement(case, log))


def _drift(case: Case, log: Log) -> list[str]:
    """Return after which event the cells are not those of the states, if any."""
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    for place, record in enumerate(log.records):
        folded.batch([record])
        for number, cells in enumerate(folded.cells):
            pure = folded.pure_cells(number)
            if (pure.keys.tolist(), pure.amounts.tolist()) != (cells.keys.tolist(), cells.amounts.tolist()):
                names = folded.names[number]
                ours, right = named(names, cells), named(names, pure)
                wrong = {cell for cell in ours.keys() | right.keys() if ours.get(cell) != right.get(cell)}
                return [f"after record {place}: {sorted(wrong)}"]
    return []


@bounded(120)
@given(cases("first slice", "everything", "first weeks", "lifecycles", most_events=40))
def test_cells_are_the_sum_of_contributions_after_every_single_event(case: Case) -> None:
    """Every short cut must agree with the one pure function that defines what a customer adds."""
    check_log(case, case.log(), lambda log: _drift(case, log))


@bounded(120)
@given(cases("first slice", "everything", "first weeks", "lifecycles"))
def test_two_orders_of_arrival_give_the_same_tables(case: Case) -> None:
    """A replay gives the numbers of the live stream only if nothing remembers the order."""
    log = case.written()
    one = _folded(case, case.arriving(log, "one"))
    other = _folded(Case(case.shape, case.seed, case.events), case.arriving(log, "other"))
    assert one.named_cells() == other.named_cells()


@bounded(60)
@given(cases("everything", "first weeks", "lifecycles"), st.sampled_from((1, 3, 10, 1000)), st.integers(1, 3))
def test_counts_of_events_depend_on_the_records_alone(case: Case, batch: int, partitions: int) -> None:
    """A replay of a log must tell of the same repeats and conflicts as the stream that met it in another order."""
    log = case.log()
    again = list(log.records)
    case.random("again").shuffle(again)
    one, other = plain(_folded(case, log).events()), Folded(log.options, partitions=partitions)
    other.batches(again, batch)
    (expected,) = recount(log.records, log.at[:1], log.options)
    assert (one, plain(other.events())) == (expected["events"], expected["events"])
    fates = [one["applied"], one["duplicate"], one["test"], *one["dead_letters"].values()]
    assert sum(fates) == len(log.records)
    assert one["conflict"] <= one["duplicate"]


# -- silent drop-off hangs on single milliseconds a week and two weeks after the first signup


def _line(kind: str, number: int, at: datetime, /, **members: object) -> bytes:
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind, "id": f"{kind}-{number}", "customer_id": "c", "time": moment, **members}).encode()


@st.composite
def _weeks(draw: st.DrawFn) -> list[bytes]:
    """Draw signups some weeks apart, revokes of some, and activities next to the ends of their second weeks."""
    close = st.sampled_from([timedelta(), SECOND / 1000, -SECOND / 1000, SECOND * 1800, -SECOND * 1800, SECOND * 3600])
    week = st.integers(0, 3).map(lambda weeks: weeks * 7 * DAY)
    signups = [START + draw(week) + draw(close) for _ in range(draw(st.integers(1, 3)))]
    records = [_line("signup", n, at, plan="pro", mrr_minor=1) for n, at in enumerate(signups)]
    revoked = range(draw(st.integers(0, 2)))
    records += [_line("revoke", n, START, source="customer.signup", revokes=f"signup-{n}") for n in revoked]
    away = st.sampled_from([7 * DAY, 14 * DAY, 6 * DAY, 10 * DAY])
    lived = [draw(st.sampled_from(signups)) + draw(away) + draw(close) for _ in range(draw(st.integers(1, 6)))]
    records += [_line("activity", n, at) for n, at in enumerate(lived)]
    return list(draw(st.permutations(records)))


@bounded(150)
@given(records=_weeks(), short_cuts=st.booleans(), bucket_minutes=st.sampled_from([60, 60, 30, 15]))
@example(
    records=[
        _line("signup", 0, START, plan="pro", mrr_minor=1),
        _line("activity", 0, START + 35 * DAY),
        _line("signup", 1, START + 28 * DAY, plan="pro", mrr_minor=1),
        _line("revoke", 0, START, source="customer.signup", revokes="signup-0"),
    ],
    short_cuts=True,
    bucket_minutes=60,
)
def test_silent_drop_off_follows_a_first_signup_that_moves_later(
    records: list[bytes], short_cuts: bool, bucket_minutes: int
) -> None:
    """A revoke makes a later signup the first: activity that did not matter until then decides now."""
    options = Options(bucket_minutes=bucket_minutes, windows_days=(30,))
    folded = Folded(options, short_cuts=short_cuts)
    folded.batches(records, 1)
    at = [START + days * DAY for days in (15, 22, 29, 36, 43)]
    assert differences(folded.report(at, []), recount(records, at, options)) == []
    pure = folded.pure_cells(0)
    assert pure.keys.tolist() == folded.cells[0].keys.tolist()


# -- a customer has so many facts at most

_MEMBERS: dict[str, dict[str, object]] = {
    "signup": {"plan": "pro", "mrr_minor": 1},
    "cancel": {},
    "survey": {"kind": "nps", "status": "sent", "via": "in_app"},
    "renewal": {"outcome": "renewed"},
}


@bounded(100)
@given(
    events=st.lists(st.tuples(st.sampled_from(list(_MEMBERS)), st.integers(0, 20)), min_size=10, max_size=40),
    limit=st.integers(1, 17),
)
def test_the_limit_of_facts_is_the_same_on_every_way(events: list[tuple[str, int]], limit: int) -> None:
    """A short cut that lets more in would count what a replay refuses."""
    options = Options(max_facts=limit, windows_days=(30,))
    records = [
        _line(kind, n, START + hours * 3600 * SECOND, **_MEMBERS[kind]) for n, (kind, hours) in enumerate(events)
    ]
    one, other = Folded(options), Folded(options, short_cuts=False)
    for folded in (one, other):
        folded.batches(records, 7)
    at = [START + 2 * DAY]
    assert differences(one.report(at, []), recount(records, at, options)) == []
    assert (one.dead_letters, one.named_cells()) == (other.dead_letters, other.named_cells())


# -- the definitions' own example


def test_golden_case_has_the_churn_that_each_lens_is_known_for() -> None:
    """The four definitions of churn differ by who is counted; these are the figures of the definitions."""
    records = [json.dumps(event).encode() for event in golden_log()]
    for partitions in (1, 3):
        folded = Folded(DEFAULTS, partitions=partitions)
        folded.batches(records, 10)
        (report,) = folded.report([GOLDEN_AT], ["plan"])
        assert differences([report], recount(records, [GOLDEN_AT], by=["plan"])) == []
        window = report["windows"]["30d"]
        assert (window["customers_at_start"], window["customers_new"], window["cancellations"]) == (100, 10, 12)
        churn = {lens: f"{ratio:.3%}" for lens, ratio in window["ratios"]["churn"].items()}
        assert churn == {"standard": "10.000%", "stripe": "10.909%", "baremetrics": "12.000%", "profitwell": "11.000%"}
