"""Where a step of long work ends decides nothing: how fast a machine is must not show in what is stored."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kpis.counting.cells import cells_in_steps, cells_of
from kpis.counting.periods import changes
from kpis.counting.windows import Windows
from kpis.fold.contribution import STEP_PAIRS
from kpis.fold.fold import Fold
from kpis.fold.restatements import FoldResult, fold_batch
from kpis.names import Names
from kpis.packing import table_of
from kpis.rows import NEW
from schemas.decoding.decoder import Decoded, Decoder
from streams.records import Record
from tests.logs.logs import Log
from tests.property.cases import Case, bounded, cases
from tests.property.folding import Line, decoder_of, fold_of, names_of, windows_of
from tests.property.steps import at_once
from tests.unit.kpis.customers import records_of

ARRIVED_MS = 1_780_000_000_000


def outcome(log: Log, step_work: int, batch: int) -> object:
    """Return all that a fold comes to, batch by batch, byte for byte."""
    windows, decoder = windows_of(log.options), decoder_of(log.options)
    names = names_of(log.options)
    fold, states, out = fold_of(names, log.options, max_facts=20), dict[str, bytes](), []
    records = [Record("t", 0, n, ARRIVED_MS, None, value, ()) for n, value in enumerate(log.records)]
    for start in range(0, len(records), batch):
        decoded: Decoded[Record] = at_once(decoder.decode_in_steps(records[start : start + batch]))
        order = np.argsort(np.array(decoded.times, np.int64), kind="stable").tolist()
        events, times = [decoded.events[n] for n in order], [decoded.times[n] for n in order]
        decoded = Decoded(events, times, [decoded.records[n] for n in order], [])
        places = list(range(len(order)))
        done = FoldResult()
        at_once(fold_batch(fold, decoded, states, places, windows, done, commit=start, alone=3, step_work=step_work))
        found = {each.name: getattr(done, each.name) for each in fields(done)}
        out.append((found | {"rows": done.rows.tolist()}, list(done.states)))
    folding = fold.context
    return out, states, names.take_new(), folding.applied, folding.duplicates, folding.conflicts


@bounded(60)
@given(cases("everything", "first weeks", "lifecycles"))
def test_fold_in_steps_of_one_event_is_the_fold_in_one_step(case: Case) -> None:
    """States are compared byte for byte after a crash, and batches are cut differently each time."""
    log = case.arriving(case.written(), "steps")
    batch = max(case.batch, 30)
    assert outcome(log, 1, batch) == outcome(log, 1 << 40, batch)


@bounded(30)
@given(cases("everything", "lifecycles"), st.sampled_from([1, 2, 7, 50]))
def test_cells_summed_in_steps_are_those_of_one_step(case: Case, step_rows: int) -> None:
    """What is stored must not tell how many rows a step has."""
    log = case.log()
    names, windows = names_of(log.options), windows_of(log.options)
    decoded = decoder_of(log.options).decode([Line(value) for value in log.records])
    _, rows = fold_of(names, log.options).fold(decoded.events, decoded.times, {})
    whole, stepped = cells_of(rows, names, windows), at_once(cells_in_steps(rows, names, windows, step_rows=step_rows))
    assert stepped.keys.tolist() == whole.keys.tolist()
    assert stepped.amounts.tolist() == whole.amounts.tolist()
    parts, until = [rows[::2], table_of(()), rows[1::2]], (windows.start("month", ARRIVED_MS // windows.bucket_ms),)
    periods = at_once(changes(parts, windows, until))
    assert at_once(changes(parts, windows, until, step_rows=step_rows)) == periods


def test_many_rows_of_one_customer_are_summed_in_many_steps() -> None:
    """Two thousand facts have four million rows: in one go nobody else is answered for seconds."""
    names, windows, step_rows = Names(), Windows(), 10
    rows = table_of([(NEW, 0, 0, bucket, bucket, 1, 5) for bucket in range(1000)])
    for steps in (
        cells_in_steps(rows, names, windows, step_rows=step_rows),
        changes([rows], windows, [windows.start("month", 500_000)], step_rows=step_rows),
    ):
        assert sum(1 for _ in steps) >= len(rows) // step_rows


def test_all_pairs_of_one_customer_are_made_in_many_steps() -> None:
    """A late first signup of other segments changes all rows of its customer; nobody else may wait for all of them."""
    count = 300
    lines = ["0 signup basic 5 country=DE", *(f"{24 * n} upgrade pro {n}" for n in range(1, count))]
    records = [Line(each) for each in records_of([*lines, "-24 signup basic 5 country=FR"])]
    decoded = Decoder(latest_ms=2 * ARRIVED_MS).decode(records)
    fold, states = Fold(Names()), dict[str, bytes]()
    fold.fold(decoded.events[:count], decoded.times[:count], states)
    assert fold.context.general == 0
    fold.begin(decoded.events[count:], decoded.times[count:], states)
    steps = 1
    while fold.go_on(1_000):
        steps += 1
    fold.end()
    assert fold.context.general == 1
    pairs_before_and_after = count * count
    assert steps > pairs_before_and_after // (STEP_PAIRS + count)


def test_events_of_one_customer_are_folded_in_many_steps_and_written_down_once() -> None:
    """Ten thousand of them kept the worker from answering for seventeen seconds."""
    count = 3_000
    survey = '{"id":"e%d","type":"survey","kind":"nps","score":5,"customer_id":"c","time":"2026-%02d-%02dT%02d:00:00Z"}'
    lines = [survey % (n, n % 7 + 1, n % 28 + 1, n % 24) for n in range(count)]
    records = [Record("t", 0, n, 0, None, line.encode(), ()) for n, line in enumerate(lines)]
    decoded = Decoder(latest_ms=2 * ARRIVED_MS).decode(records)
    fold = Fold(Names())
    fold.begin(decoded.events, decoded.times, {})
    steps = 1
    while fold.go_on(10_000):
        steps += 1
    states, _ = fold.end()
    assert steps > 10
    assert fold.context.general == 1
    assert (list(states), fold.context.applied) == (["c"], count)
