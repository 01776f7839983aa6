"""Months and years at their own end are exact, and restatements say by how much late events moved them.

The other side is `tests.recount`, which shares no code with the product.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpis.counting.cells import EMPTY, Cells, cells_of, merged
from kpis.counting.periods import Period, counts_in, period_of, running_periods, watched_periods, watched_until
from kpis.counting.report import Table, report
from kpis.counting.windows import YEAR, Windows
from kpis.fold import restatements
from kpis.fold.reading import BatchReader
from kpis.fold.restatements import FoldResult, Restatement, fold_batch
from schemas.catalogue.windows import MONTH
from schemas.decoding.decoder import Decoded
from schemas.documents.document import plain
from schemas.instants import milliseconds
from streams.records import NO_HEADERS, Record
from tests.logs.logs import Log
from tests.property.cases import Case, bounded, cases, check_log, differences
from tests.property.folding import Folded, decoder_of, fold_of, names_of, windows_of
from tests.property.steps import at_once
from tests.recount.options import Options
from tests.recount.report import period_bounds, recount_period

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DELAYS_MS = (0, 0, 1, HOUR_MS, 5 * DAY_MS, 40 * DAY_MS)
LONGEST_DELAYS_MS = (0, 400 * DAY_MS, 1_500 * DAY_MS)


def _periods_of(log: Log, windows: Windows) -> list[Period]:
    """Return the months and years in which a log has something to say, and one more."""
    found: dict[Period, None] = {}
    for moment in log.at:
        boundary = milliseconds(moment) // windows.bucket_ms
        for back in (0, 1, 30 * windows.day, 365 * windows.day):
            found.update(dict.fromkeys(running_periods(boundary - back, windows)))
    return list(found)


def _period_disagreement(case: Case, log: Log) -> list[str]:
    folded = Folded(log.options, partitions=case.partitions, short_cuts=case.short_cuts)
    folded.batches(log.records, case.batch)
    wrong: list[str] = []
    for period in _periods_of(log, folded.windows):
        ours = report(
            folded.tables(), folded.windows, [period.end], by=log.by, events=folded.events(), names=[period.window]
        )[0]
        expected = recount_period(log.records, period.name, log.options, log.by)
        wrong += differences(plain(ours), expected, period.name)
    return wrong


@bounded(40)
@given(cases("first slice", "everything", "first weeks", "lifecycles"))
def test_every_number_of_a_month_or_year_at_its_end_equals_a_naive_recount(case: Case) -> None:
    """A year is no window of the settings: nothing but the class of its pairs makes it exact."""
    check_log(case, case.log(), lambda log: _period_disagreement(case, log))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Asuncion", "Asia/Kolkata"])
def test_periods_begin_and_end_at_local_midnights(zone: str) -> None:
    """A month of the business is not one of UTC; some begin when clocks change."""
    options = Options(business_time_zone=zone, bucket_minutes=30)
    windows = windows_of(options)
    for name in ("2000-01", "2023-10", "2024-02", "2026-12", "2000", "2026", "2099", "2099-12"):
        period = period_of(name, windows)
        assert period is not None
        first, end = (milliseconds(moment) // windows.bucket_ms for moment in period_bounds(name, options))
        assert period == Period(name, MONTH if "-" in name else YEAR, first, end)
        assert period in running_periods(period.end, windows)
        assert period in running_periods(period.start + 1, windows)
    for name in ("2026-13", "2026-00", "1999", "2100-01", "26-10", "2026-1", "2026-10-01", "", "month"):
        assert period_of(name, windows) is None


def test_changes_are_watched_for_three_years_of_a_month_and_ten_of_a_year() -> None:
    """Pages promise it; one month more or less would be a silent hole."""
    windows = windows_of(Options())

    def boundary(*day: int) -> int:
        return milliseconds(datetime(*day, tzinfo=UTC)) // windows.bucket_ms  # type: ignore[arg-type, misc]

    watched = watched_periods(0, boundary(2026, 11, 1), windows)
    assert [period.name for period in watched if period.window == MONTH][::35] == ["2023-11", "2026-10"]
    assert [period.name for period in watched if period.window == YEAR] == [str(year) for year in range(2016, 2026)]
    assert [period.name for period in watched_periods(boundary(2025, 12, 31), boundary(2026, 3, 9), windows)] == [
        "2025-12", "2026-01", "2026-02", "2025",
    ]  # fmt: skip
    assert watched_periods(boundary(2026, 11, 1), boundary(2026, 11, 30), windows) == []
    for period in watched:
        until = watched_until(period, windows)
        assert period in watched_periods(0, until - 1, windows)
        assert period not in watched_periods(0, until, windows)


# -- restatements


class Arrived:
    """A log whose records reached Kafka some time after their events, in the order of their timestamps."""

    def __init__(self, log: Log, random: Random, *, most_late: int) -> None:
        """Draw delays; `most_late` of them at most are not zero."""
        decoder = decoder_of(log.options)
        values = log.records
        plain = decoder.decode([Record("t", 0, n, 0, None, value, NO_HEADERS) for n, value in enumerate(values)])
        sent = {r.offset: milliseconds(event.time) for r, event in zip(plain.records, plain.events, strict=True)}
        late = set(random.sample(range(len(values)), min(most_late, len(values))))
        delays = (*DELAYS_MS, random.choice(LONGEST_DELAYS_MS))
        arrivals = sorted((sent.get(n, 0) + (random.choice(delays) if n in late else 0), n) for n in range(len(values)))
        self.options = log.options
        self.records = [
            Record("t", 0, offset, at_ms, None, values[n], NO_HEADERS) for offset, (at_ms, n) in enumerate(arrivals)
        ]


class Restating:
    """One partition, folded as the stream folds it, with all that it wrote down."""

    def __init__(self, options: Options, *, alone: int = restatements.ALONE) -> None:
        """Start empty; `alone` events of a batch are restatements of their own, more are one."""
        self.alone = alone
        self.windows = windows_of(options)
        self.reader = BatchReader(decoder_of(options))
        self.names = names_of(options)
        self.fold = fold_of(self.names, options)
        self.states: dict[str, bytes] = {}
        self.cells: Cells = EMPTY
        self.entries: dict[str, list[Restatement]] = {}
        self.sums: dict[str, Counter[str]] = {}
        self.commits = 0

    def batch(self, records: Sequence[Record]) -> None:
        """Apply a batch."""
        decoded: Decoded[Record] = at_once(self.reader.read_in_steps(records))
        decoded.put_in_order()  # as the stream has them
        self.commits += 1
        places, before = [0] * len(decoded.events), dict(self.states)
        done = FoldResult()
        steps = fold_batch(
            self.fold, decoded, self.states, places, self.windows, done, commit=self.commits, alone=self.alone
        )
        at_once(steps)
        assert done.states == {name: state for name, state in self.states.items() if before.get(name) != state}
        added = cells_of(done.rows, self.names, self.windows)
        keys, amounts = (np.concatenate(pair) for pair in zip(self.cells, added, strict=True))
        self.cells = merged(keys, amounts)
        for period, entries, moved in done.moved:
            self.entries.setdefault(period, []).extend(map(restatements.decode, entries))
            self.sums.setdefault(period, Counter()).update(moved)

    def batches(self, records: Sequence[Record], size: int) -> None:
        """Apply records in batches of a size."""
        for start in range(0, len(records), size):
            self.batch(records[start : start + size])

    def counts(self, periods: Iterable[Period]) -> dict[str, dict[str, int]]:
        """Return the counts of periods that are not zero, as reports have them."""
        out = {}
        for period in periods:
            table = Table(self.names, self.cells)
            found = counts_in(report([table], self.windows, [period.end], names=[period.window])[0], period.window)
            out[period.name] = {name: n for name, n in found.items() if n}
        return out


def _less(counts: dict[str, int], moved: Counter[str]) -> dict[str, int]:
    return {name: n for name in {**counts, **moved} if (n := counts.get(name, 0) - moved[name])}


def _unexplained(case: Case, log: Log, most_late: int, alone: int) -> list[str]:
    """Return where a period's value is not what it had at its end, and what restatements say they added."""
    arrived = Arrived(log, case.random("delays"), most_late=most_late)
    all_at_once = Restating(log.options, alone=alone)
    all_at_once.batches(arrived.records, case.batch)
    windows = all_at_once.windows
    last_ms = max((record.timestamp for record in arrived.records), default=0)
    periods = watched_periods(0, last_ms // windows.bucket_ms, windows)
    now = all_at_once.counts(periods)
    wrong: list[str] = []
    for period in case.random("periods").sample(periods, min(12, len(periods))):
        on_time = Restating(log.options)
        on_time.batches([r for r in arrived.records if r.timestamp < period.end * windows.bucket_ms], case.batch)
        then = on_time.counts([period])[period.name]
        moved = all_at_once.sums.get(period.name, Counter())
        wrong += differences(_less(now[period.name], moved), then, period.name)
        entries = all_at_once.entries.get(period.name, [])
        added: Counter[str] = Counter()
        for entry in entries:
            added.update(entry.changes)
        wrong += differences(_less(added, Counter()), _less(dict(moved), Counter()), f"{period.name}/sum")
        if any(entry.arrived_at_ms < period.end * windows.bucket_ms or not entry.changes for entry in entries):
            wrong.append(f"{period.name}: a restatement before its end, or of nothing")
    return wrong


@bounded(60)
@given(
    cases("first slice", "everything", "first weeks", "lifecycles", most_events=40),
    st.sampled_from((5, 1_000)),
    st.sampled_from((restatements.ALONE, 3, 0)),
)
def test_restatements_add_up_to_what_changed_since_a_period_ended(case: Case, most_late: int, alone: int) -> None:
    """Old value, new value: whoever closed the books in November must find every difference in December."""
    check_log(case, case.log(), lambda log: _unexplained(case, log, most_late, alone))


@bounded(20)
@given(cases("everything", "first weeks"))
def test_values_do_not_depend_on_what_was_late(case: Case) -> None:
    """Revisions count arrivals; the numbers themselves may not know of them."""
    log = case.log()
    arrived = Arrived(log, case.random("delays"), most_late=1_000)
    restating, plain = Restating(log.options), Folded(log.options)
    restating.batches(arrived.records, case.batch)
    plain.batches(log.records, 7)
    periods = _periods_of(log, restating.windows)
    theirs = [report(plain.tables(), plain.windows, [p.end], by=log.by, names=[p.window])[0] for p in periods]
    table = Table(restating.names, restating.cells)
    ours = [report([table], restating.windows, [p.end], by=log.by, names=[p.window])[0] for p in periods]
    assert differences(ours, theirs) == []
