"""Measures, tickets, referrals, frequency of use and churn about marks are exactly what the definitions say.

The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from hypothesis import given

from kpis.customer.customer import life_of
from kpis.customer.state import Customer, decode
from kpis.names import Names
from kpis.population.episodes import StretchCollector, joined
from kpis.population.experiments import ExperimentScan
from kpis.population.frequency import WINDOWS_DAYS, FrequencyScan
from kpis.population.lifetime import Durations
from kpis.population.marks import effects_of, marks_in
from kpis.population.referrals import ReferralScan
from kpis.population.support import SupportScan
from schemas.events import NO_CUSTOMER
from schemas.instants import DAY_MS, milliseconds
from tests.logs.logs import Log
from tests.property.cases import Case, bounded, cases, check_log, differences
from tests.property.folding import Folded
from tests.recount import customers as recounted
from tests.recount import touchpoints
from tests.recount.customers import Book
from tests.recount.lifetime import Episode

WINDOW_DAYS = 30
MARK_DAYS = 7


def _by_length(found: Durations) -> dict[str, dict[str, int]]:
    parts = {"ended": found.deaths, "goes on": found.censored}
    return {name: {str(length): n for length, n in part.items() if n} for name, part in parts.items()}


def _lengths(episodes: list[Episode]) -> dict[str, dict[str, int]]:
    return {
        name: dict(Counter(str(each.days) for each in episodes if each.ended == ended))
        for name, ended in (("ended", True), ("goes on", False))
    }


class Looked:
    """All customers of a log, by partition, looked at once for everything."""

    def __init__(self, folded: Folded, at_ms: int) -> None:
        """Take all customers."""
        bucket_ms, what = folded.windows.bucket_ms, folded.what
        common: dict[str, Any] = {"at_ms": at_ms, "bucket_ms": bucket_ms, "what": what}
        self.measures = ExperimentScan(**common)
        self.support = SupportScan(start_ms=at_ms - WINDOW_DAYS * DAY_MS, **common)
        self.referrals = ReferralScan(**common)
        self.use = FrequencyScan(**common)
        self.stretches = []
        self.marks = []
        for names, states in zip(folded.names, folded.states, strict=True):
            stretches = StretchCollector(names, bucket_ms=bucket_ms, what=what)
            for customer_id, state in states.items():
                if customer_id == NO_CUSTOMER:
                    self.marks += marks_in(state)
                else:
                    self._take(names, customer_id, decode(state), stretches)
            self.stretches.append(stretches.stretches())

    def _take(self, names: Names, customer_id: str, customer: Customer, stretches: StretchCollector) -> None:
        assert len(life_of(customer)) == customer.facts
        for scan in (self.measures, self.support, self.use):
            scan.take(names, customer)
        self.referrals.take(names, customer_id, customer)
        stretches.take([customer])


def _ours(folded: Folded, at: datetime) -> dict[str, Any]:
    at_ms = milliseconds(at)
    looked = Looked(folded, at_ms)
    brought = looked.referrals.referrals()
    people = joined(looked.stretches, at_ms, None)
    marks = [mark for mark in looked.marks if mark.at_ms < at_ms]
    bucket_ms = folded.windows.bucket_ms
    return {
        "measures": {
            f"{measure}/{name}": {"stays": _by_length(found.durations), "not active": found.not_active}
            for measure, variants in looked.measures.variants().items()
            for name, found in variants.items()
        },
        "answers": _by_length(looked.support.waits("answer")),
        "solutions": _by_length(looked.support.waits("solution")),
        "after tickets": _by_length(looked.support.spells()),
        "referrals": [brought.referrers, brought.referred, *map(_by_length, brought.stays)],
        "days of use": {str(days): n for days, n in looked.use.by_days.items()},
        "sleepers": {
            str(days): [dict(found.dormant), dict(found.resurrected)] for days, found in looked.use.sleepers.items()
        },
        "marks": [
            [tuple(effect.before), None if effect.after is None else tuple(effect.after)]
            for effect in effects_of(marks, people, at_ms=at_ms, bucket_ms=bucket_ms, days=MARK_DAYS)
        ],
    }


def _theirs(book: Book, at: datetime) -> dict[str, Any]:
    at_ms, bucket_ms = milliseconds(at), book.options.bucket_ms
    tickets = touchpoints.tickets(book, at, at_ms - WINDOW_DAYS * DAY_MS)
    brought = touchpoints.referrals(book, at)
    marks = []
    for mark in book.marks:
        if mark.at_ms < at_ms:
            start_ms = -(-mark.at_ms // bucket_ms) * bucket_ms
            end_ms = max(start_ms, -(-mark.until_ms // bucket_ms) * bucket_ms)
            before = touchpoints.churn(book, start_ms - MARK_DAYS * DAY_MS, start_ms)
            is_over = end_ms + MARK_DAYS * DAY_MS <= at_ms
            marks.append([before, touchpoints.churn(book, end_ms, end_ms + MARK_DAYS * DAY_MS) if is_over else None])
    return {
        "measures": {
            f"{measure}/{name}": {"stays": _lengths(found.stays), "not active": found.not_active}
            for (measure, name), found in touchpoints.exposures(book, at).items()
        },
        "answers": _lengths(tickets.answers),
        "solutions": _lengths(tickets.solutions),
        "after tickets": _lengths(tickets.stays),
        "referrals": [brought.referrers, brought.referred, _lengths(brought.brought), _lengths(brought.others)],
        "days of use": {str(days): n for days, n in touchpoints.days_of_use(book, at).items()},
        "sleepers": {str(days): [dict(part) for part in touchpoints.sleepers(book, at, days)] for days in WINDOWS_DAYS},
        "marks": marks,
    }


def _disagreement(case: Case, log: Log) -> list[str]:
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    folded.batches(log.records, case.batch)
    book = recounted.read(log.records, log.options)
    return [each for at in log.at for each in differences(_ours(folded, at), _theirs(book, at))]


@bounded(60)
@given(cases("everything", "first weeks"))
def test_what_keeps_customers_equals_a_naive_recount(case: Case) -> None:
    """Who decides by a number on a measure has to know that it does not depend on how events arrived."""
    check_log(case, case.log(), lambda log: _disagreement(case, log))
