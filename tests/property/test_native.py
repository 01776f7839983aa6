"""What is compiled and what is not come to the same, event by event: states byte for byte, and cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final, Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kpis.arrays import Ints
from kpis.counting.cells import cells_of
from kpis.counting.windows import Windows
from kpis.instants import instant_text
from kpis.names import Names
from kpis.native import IS_THERE
from kpis.packing import table_of
from kpis.rows import ENGAGED, PAIRS, POINTS
from tests.logs.logs import Log
from tests.property.cases import Case, bounded, cases
from tests.property.folding import Folded, Line, decoder_of
from tests.recount.options import Options


def _in_order(log: Log) -> Log:
    """Return a log with its events in the order of their times: most of them are usual ones then."""
    decoder = decoder_of(log.options)
    found = [decoder.decode([Line(record)]).times for record in log.records]
    order = sorted(range(len(found)), key=lambda n: found[n] or [0])
    return replace(log, records=tuple(log.records[n] for n in order))


def _number_alike(records: Sequence[bytes], *both: Folded) -> None:
    """Give all names a number in advance: numbers are given in the order of folding, which is another one."""
    seen = Folded(both[0].options, partitions=len(both[0].folds))
    seen.batches(records, 1000)
    for number, names in enumerate(seen.names):
        known = names.take_new()
        for each in both:
            each.names[number].restore(known)


@bounded(120)
@given(cases("everything", "first weeks", "lifecycles", "first slice"), st.booleans())
def test_native_fold_leaves_what_the_fold_in_python_leaves(case: Case, one_by_one: bool) -> None:
    """One that is off by one row is off for good: counters only ever add up."""
    log = case.log()
    native = Folded(log.options, partitions=case.partitions)
    plain = Folded(log.options, partitions=case.partitions, native=False)
    _number_alike(log.records, native, plain)
    size = 1 if one_by_one else case.batch
    for start in range(0, len(log.records), size):
        some = log.records[start : start + size]
        for one, other in zip(native.batch(some), plain.batch(some), strict=True):
            assert one.keys.tolist() == other.keys.tolist()
            assert one.amounts.tolist() == other.amounts.tolist()
    assert native.states == plain.states
    for ours, theirs in zip(native.folds, plain.folds, strict=True):
        counts = [(each.context.applied, each.context.duplicates, each.context.conflicts) for each in (ours, theirs)]
        assert counts[0] == counts[1]
        assert ours.refused == theirs.refused


_KINDS: Final = (
    "onboarding",
    "onboarding",
    "signup",
    "signup",
    "upgrade",
    "downgrade",
    "pause",
    "resume",
    "cancel",
    "survey",
    "renewal",
    "activity",
)
_NEXT_HOURS: Final = ((0.01, 0.2, 0.6, 1, 5, 23, 100, 169, 900), (0.01, 1, 5, 20), (5, 20, 50))


def _usual_log(rng: Random, count: int) -> tuple[bytes, ...]:
    """Events of customers with several subscriptions, each later than the one before; a few come twice, or late."""
    at_hours, out, pace, customers = 500_000.0, list[bytes](), rng.choice(_NEXT_HOURS), rng.randint(1, 6)
    for n in range(count):
        at_hours += rng.choice(pace)
        kind = rng.choice(_KINDS)
        members: dict[str, object] = {"id": f"e{n}", "type": kind, "customer_id": "abcdef"[rng.randrange(customers)]}
        late_hours = rng.choice((0.5, 3, 30, 400)) if rng.random() < (0.15 if kind == "signup" else 0.05) else 0
        members["time"] = instant_text(int((at_hours - late_hours) * 3_600_000))
        if kind in {"signup", "upgrade", "downgrade"}:
            members |= {"plan": rng.choice(("free", "basic", "pro")), "mrr_minor": rng.choice((0, 0, 500, 1000, 2500))}
            members |= {"trial": True} if rng.random() < 0.3 else {}
            members |= {"currency": "EUR"} if rng.random() < 0.2 else {}
            members |= {"country": rng.choice(("DE", "FR"))} if kind == "signup" else {}
        if kind in {"signup", "upgrade", "downgrade", "pause", "resume", "cancel"}:
            members["subscription_id"] = rng.choice(("", "one", "two", "three" * 20))
            members |= {"sequence": rng.randrange(3)} if rng.random() < 0.2 else {}
        members |= {"reason": "price", "involuntary": rng.random() < 0.3} if kind == "cancel" else {}
        asked = rng.choice(("nps", "nps", "nps", "ces"))
        score = rng.randrange(11) if asked == "nps" else rng.randint(1, 7)
        members |= {"kind": asked, "score": score} if kind == "survey" else {}
        members |= {"outcome": rng.choice(("failed", "renewed"))} if kind == "renewal" else {}
        members |= {"feature": f"f{int(rng.paretovariate(0.3)) % 3000}"} if kind == "activity" else {}
        out.append(msgspec.json.encode(members))
        if rng.random() < 0.01:
            out.append(rng.choice(out))
    return tuple(out)


@bounded(250)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from((1, 3, 20, 200)),
    st.sampled_from(("leads", "customers")),
    st.sampled_from(("kept", "lost")),
    st.sampled_from((15, 60)),
)
def test_usual_events_are_folded_natively_as_by_the_general_path(
    seed: int,
    size: int,
    free_plans: Literal["leads", "customers"],
    paused_customers: Literal["kept", "lost"],
    bucket_minutes: int,
) -> None:
    """Several subscriptions, trials, pauses, free plans: what the machines make of each event is the same."""
    options = Options(
        free_plans=free_plans,
        paused_customers=paused_customers,
        bucket_minutes=bucket_minutes,
        currency_rates={"EUR": "1.1"},
    )
    records = _usual_log(Random(seed), 120)
    native, general = Folded(options), Folded(options, short_cuts=False)
    _number_alike(records, native, general)
    for start in range(0, len(records), size):
        some = records[start : start + size]
        for one, other in zip(native.batch(some), general.batch(some), strict=True):
            assert one.keys.tolist() == other.keys.tolist()
            assert one.amounts.tolist() == other.amounts.tolist()
    assert native.states == general.states
    assert IS_THERE
    assert size > 1 or native.folds[0].natively > len(records) // 2


_BUCKETS = st.integers(-1, 40) | st.integers(240_000, 500_000) | st.sampled_from(((1 << 24) - 1, 1 << 24, 2**62))
_AMOUNTS = st.integers(-3, 3) | st.sampled_from((2**63 - 1, -(2**63), 2**62))


@st.composite
def _tables(draw: st.DrawFn) -> Ints:
    """Rows, most of which fit into cells."""
    rows = []
    for _ in range(draw(st.integers(0, 40))):
        code = draw(st.integers(0, POINTS + PAIRS - 1) | st.sampled_from((-1, POINTS + PAIRS, ENGAGED, ENGAGED)))
        i, j = sorted((draw(_BUCKETS), draw(_BUCKETS)))
        i = j if code != ENGAGED and code < POINTS else i
        plan = draw(st.integers(0, 3) | st.sampled_from((-1, (1 << 16) - 1, 1 << 16)))
        rows.append((code, plan, draw(st.integers(0, 2)), i, j, draw(_AMOUNTS), draw(_AMOUNTS)))
    return table_of(rows)


def _cells_or_refusal(rows: Ints, names: Names, windows: Windows) -> tuple[list[int], list[int]] | None:
    try:
        keys, amounts = cells_of(rows, names, windows)
        return keys.tolist(), amounts.tolist()
    except OverflowError:
        return None


@bounded(400)
@given(_tables(), st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata")), st.sampled_from((30, 15)))
def test_rows_are_summed_natively_into_the_cells_of_python(rows: Ints, zone: str, bucket_minutes: int) -> None:
    """A sum that does not fit is refused by both: cut to its bits it would be another number."""
    names = Names()
    for country in ("DE", "FR"):
        names.profile((country, ""))
    natively, plainly = (
        Windows(time_zone=zone, bucket_ms=bucket_minutes * 60_000, native=native) for native in (True, False)
    )
    assert natively.native
    assert _cells_or_refusal(rows, names, natively) == _cells_or_refusal(rows, names, plainly)
