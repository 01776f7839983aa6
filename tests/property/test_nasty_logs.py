"""Members, reasons and cohorts of generated logs: years long, with foreign money, corrections and odd forms.

Those of `tests.property.any_order` are a few weeks long, and hypothesis makes them smaller; these are of `tests.logs`.
The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from hypothesis import given

from kpis.customer.state import decode
from kpis.instants import instant_of
from kpis.members.view import Window
from kpis.population.reasons import Reasons
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT
from schemas.instants import milliseconds
from tests.logs.logs import Log
from tests.property.cases import SHAPES, Case, bounded, cases, check_log, differences
from tests.property.folding import Folded
from tests.property.test_cohorts_and_lifetime import rows_of, stretches_of
from tests.property.test_explaining import explained, numbers_of
from tests.property.test_reasons import ALL, counted, expected_of
from tests.recount.cohorts import cohort_rows
from tests.recount.customers import Book, read


def _folded(case: Case, log: Log) -> Folded:
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    folded.batches(log.records, case.batch)
    return folded


def _wrong_members(case: Case, log: Log) -> list[str]:
    """Return which sums of members are not the report's, in one window and one dimension."""
    folded, random = _folded(case, log), case.random("members")
    dimension, window = random.choice((None, *log.by)), random.choice(folded.windows.names)
    by = [dimension] if dimension else []
    out: list[str] = []
    for at, report in zip(log.at, folded.report(log.at, by), strict=True):
        entries = report["segments"][dimension] if dimension else {"": report}
        for count in COUNTS if dimension else (*COUNTS, FACTS_WITHOUT_EFFECT):
            found = explained(folded, count.name, at, window, dimension=dimension)
            ours = {value: amount for value, amount in found.by_value.items() if amount}
            out += differences(ours, numbers_of(count, entries, window), f"{count.name} {window} {at} {dimension}")
    return out


@bounded(40)
@given(cases(*SHAPES))
def test_members_of_every_count_of_a_nasty_log_add_up_to_the_number(case: Case) -> None:
    """An explanation that does not add up explains another number."""
    check_log(case, case.log(), lambda log: _wrong_members(case, log))


def _wrong_reasons(folded: Folded, book: Book, at: datetime, window: str, by: str | None) -> list[str]:
    bucket_ms = folded.windows.bucket_ms
    end = milliseconds(at) // bucket_ms
    start = folded.windows.start(window, end)
    before_ms = folded.windows.start(window, start) * bucket_ms
    span = Window(start * bucket_ms, end * bucket_ms, bucket_ms)
    ours = Reasons(span, folded.what, before_ms=before_ms, by=[by] if by else [])
    for names, states in zip(folded.names, folded.states, strict=True):
        ours.take(names, map(decode, states.values()))
    found = {
        "cancellations": counted(ours.cancellations(shown=ALL), by),
        "survey_answers": counted(ours.answers(shown=ALL), by),
        "features": counted(ours.features(shown=ALL), by),
    }
    return differences(found, expected_of(book, at, instant_of(span.start_ms), window, by), f"{window} {at} {by}")


def _wrong_cohorts(folded: Folded, book: Book, at: datetime, by: str | None) -> Iterator[str]:
    for period in ("month", "week"):
        ours = rows_of(stretches_of(folded), at, period, by, book.options.business_time_zone)
        expected = [asdict(row) for row in cohort_rows(book, at, period, by)]
        yield from differences(ours, expected, f"{period} {at} {by}")


def _wrong_population(case: Case, log: Log) -> list[str]:
    folded, random = _folded(case, log), case.random("population")
    book = read(log.records, log.options)
    out: list[str] = []
    for at in log.at:
        by, window = random.choice((None, *log.by)), random.choice(folded.windows.names)
        out += _wrong_reasons(folded, book, at, window, by)
        out += _wrong_cohorts(folded, book, at, by)
    return out


@bounded(40)
@given(cases(*SHAPES))
def test_reasons_features_and_cohorts_of_a_nasty_log_equal_a_naive_recount(case: Case) -> None:
    """What is counted twice or forgotten sends a team after the wrong problem."""
    check_log(case, case.log(), lambda log: _wrong_population(case, log))
