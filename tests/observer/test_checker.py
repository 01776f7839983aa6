"""The checker's own tests: it believes an honest worker, and finds each kind of lie."""

from __future__ import annotations

import json
from random import Random

import pytest

from schemas.instants import milliseconds
from tests.logs.logs import generate
from tests.logs.shapes import Shape
from tests.observer.checker import Checker, SentRecord, Shown, counts_of
from tests.observer.scrapes import shown_in_scrape

PARTITIONS = 2
TOPICS = ("signups", "others")
SHAPE = Shape(events=24, customers=4, bad_records=False)


def partition_of(value: bytes) -> int:
    """Return the partition of a record's customer."""
    return sum(str(json.loads(value)["customer_id"]).encode()) % PARTITIONS


class Case:
    """A log that is sent one record a second, and a worker that counts some prefix of each topic's partition."""

    def __init__(self, seed: int) -> None:
        self.draws = Random(f"{seed}/observer")
        log = generate(Random(f"{seed}/log"), SHAPE)
        self.options, self.as_of_ms = log.options, milliseconds(log.at[0])
        self.sent = [
            SentRecord(self.draws.choice(TOPICS), partition_of(value), value, float(second))
            for second, value in enumerate(log.records)
        ]
        self.lanes = {
            (topic, number): [record for record in self.sent if (record.topic, record.partition) == (topic, number)]
            for topic in TOPICS
            for number in range(PARTITIONS)
        }
        self.seen = dict.fromkeys(self.lanes, 0)
        self.seconds = 0.0

    def counts(self) -> dict[str, int]:
        """Return what is to be shown by who has seen so much."""
        values = [record.value for lane, end in self.seen.items() for record in self.lanes[lane][:end]]
        return counts_of(values, self.as_of_ms, self.options)

    def go_on(self) -> None:
        """Let some seconds pass, and the worker count a part of what came."""
        self.seconds += self.draws.randint(1, 6)
        for lane, records in self.lanes.items():
            there = sum(record.sent_seconds <= self.seconds for record in records)
            self.seen[lane] = self.draws.randint(self.seen[lane], there)

    def shown(self, counts: dict[str, int] | None = None, mark: int = 0) -> Shown:
        """Return what is shown, by default honestly."""
        marks = dict.fromkeys(range(PARTITIONS), mark)
        return Shown("w", self.seconds, marks, self.as_of_ms, self.counts() if counts is None else counts)

    def checker(self) -> Checker:
        """Return a checker that knows all that is sent."""
        return Checker(self.sent, self.options)


@pytest.mark.parametrize("seed", range(8))
def test_honest_worker_is_believed(seed: int) -> None:
    """Counts of nasty logs go up and down; an alarm without a fault would end in nobody's looking."""
    case = Case(seed)
    checker = case.checker()
    for _ in range(10):
        case.go_on()
        checker.look(case.shown())
    assert (checker.violations, checker.decided, checker.undecided) == ([], 10, 0)


@pytest.mark.parametrize("seed", range(8))
def test_a_count_that_is_one_too_high_is_found(seed: int) -> None:
    """One customer who is counted twice is what all of this is against."""
    case = Case(seed)
    case.seconds = 12.0
    case.go_on()
    name = case.draws.choice(sorted(case.counts()))
    checker = case.checker()
    checker.look(case.shown({**case.counts(), name: case.counts()[name] + 1}))
    assert [violation.reason for violation in checker.violations] == ["no prefix of what was sent explains it"]


@pytest.mark.parametrize("seed", range(8))
def test_a_record_that_is_left_out_in_the_middle_is_found(seed: int) -> None:
    """A record that is skipped is lost for good; what comes after it must not hide that."""
    case = Case(seed)
    case.seen = {lane: len(records) for lane, records in case.lanes.items()}
    case.seconds = len(case.sent)
    everything = case.counts()
    without = (
        counts_of([record.value for record in case.sent if record is not left_out], case.as_of_ms, case.options)
        for left_out in case.sent[:-1]
    )
    other = next(counts for counts in without if counts != everything)
    checker = case.checker()
    checker.look(case.shown(everything))  # from here on nothing may be missing any more
    checker.look(case.shown(other))
    assert len(checker.violations) == 1


@pytest.mark.parametrize("seed", range(8))
def test_what_was_not_sent_yet_is_found(seed: int) -> None:
    """A number out of the future would be a number out of nothing."""
    case = Case(seed)
    case.seen = {lane: len(records) for lane, records in case.lanes.items()}
    case.seconds = -1.0
    checker = case.checker()
    checker.look(case.shown())
    assert len(checker.violations) == 1


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_counts_that_go_back_are_found_unless_a_mark_explains_them(seed: int, marked: bool) -> None:
    """Redis may lose its last second, and then numbers go back; what must not be is that nothing says so."""
    case = Case(seed)
    for _ in range(4):
        case.go_on()
    earlier = dict(case.seen)
    first = case.counts()
    while case.counts() == first:
        case.go_on()
    checker = case.checker()
    checker.look(case.shown())
    case.seen = earlier
    checker.look(case.shown(mark=int(marked)))
    assert [violation.reason for violation in checker.violations] in (
        [[]] if marked else [["it goes back, and no mark says why"]]
    )


def test_counts_without_a_partition_are_found() -> None:
    """A worker whose partitions are somebody else's must show nothing: the sum would hold them twice."""
    case = Case(1)
    case.seconds = 30.0
    case.go_on()
    checker = case.checker()
    checker.look(case.shown()._replace(marks={}))
    assert [violation.reason for violation in checker.violations] == [
        "counts are shown, and no partition is said to be counted"
    ]


def test_a_scrape_is_read_by_its_contract() -> None:
    """The checker must see what Prometheus sees."""
    text = """# HELP tenure_signups First signups.
tenure_customers_active{dimension="all",value=""} 7
tenure_customers_active{dimension="plan",value="pro"} 4
tenure_signups{window="30d",dimension="all",value=""} 3
tenure_signups{window="year",dimension="all",value=""} 5
tenure_partition_counted{partition="2"} 1.0
tenure_commit_conflicts_total 1.0
tenure_kpis_as_of_timestamp_seconds 1.7e+09
"""
    assert shown_in_scrape(text, who="w", seconds=3.0) == Shown(
        "w", 3.0, {2: (("tenure_commit_conflicts_total", 1.0),)}, 1_700_000_000_000,
        {"customers_active": 7, "30d/signups": 3},
    )  # fmt: skip
