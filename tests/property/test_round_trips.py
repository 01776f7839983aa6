"""What is packed into bytes and integers comes back as it was, whatever it is.

States lie in Redis for years; a bit that gets lost there is a number that is wrong for as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kpis.counting.cells import (
    FIELD_BITS,
    FIELD_MASK,
    columns,
    group_of,
    merged,
    pair_column,
    point_column,
    segment_of,
    unpack,
)
from kpis.counting.windows import Windows
from kpis.customer import feedback_codes as codes
from kpis.customer.customer import (
    activity_of,
    any_within,
    feedback_of,
    gap_bytes,
    life_of,
    set_activity,
    set_feedback,
    set_life,
    thinned,
)
from kpis.customer.facts import (
    CancelFact,
    ChangeFact,
    Feedback,
    LifecycleFact,
    PauseFact,
    Rare,
    ResumeFact,
    Revocation,
    SignupFact,
)
from kpis.customer.features import features_of, letters_of, use, use_anywhere, use_next
from kpis.customer.state import Customer, decode, encode, may_hold
from kpis.customer.timeline import WEEK_MS
from kpis.packing import packed_rows
from kpis.references import OFFSETS, TOPICS, offset_of, reference_of, topic_of
from kpis.rows import PAIRS, POINTS, Row
from tests.property.cases import bounded

MILLISECONDS = st.integers(946_684_800_000, 4_260_000_000_000)
SEQUENCES = st.integers(-(2**63), 2**63 - 1)
IDENTITIES = st.binary(min_size=8, max_size=8)
NUMBERS = st.integers(0, 10**12)
PLACES = st.builds(reference_of, st.integers(0, OFFSETS - 1), st.integers(0, TOPICS - 1))
COMMON: dict[str, st.SearchStrategy[Any]] = {
    "at_ms": MILLISECONDS,
    "sequence": SEQUENCES,
    "identity": IDENTITIES,
    "reference": PLACES,
    "subscription": st.sampled_from(["", "A", "7", "x" * 128]) | st.text(max_size=8),
    "own_ms": st.just(0) | MILLISECONDS,
}
PRICE: dict[str, st.SearchStrategy[Any]] = {
    "plan": st.integers(0, 5000),
    "mrr": NUMBERS,
    "price": NUMBERS,
    "currency": st.integers(0, 300),
    "trial": st.booleans(),
}
FACTS: st.SearchStrategy[LifecycleFact] = st.one_of(
    st.builds(SignupFact, **COMMON, **PRICE, profile=NUMBERS),
    st.builds(ChangeFact, **COMMON, **PRICE),
    st.builds(PauseFact, **COMMON),
    st.builds(ResumeFact, **COMMON),
    st.builds(CancelFact, **COMMON, reason=st.integers(0, 65535), involuntary=st.booleans()),
)
CODES = st.sampled_from(sorted(codes.CLASS))
NOTES = st.tuples(MILLISECONDS, CODES, IDENTITIES, st.integers(0, 65535), PLACES)
BUCKETS = st.lists(st.integers(0, 2**24 - 1), unique=True, max_size=60).map(sorted)
REVOCATIONS = st.builds(
    Revocation,
    identity=IDENTITIES,
    at_ms=MILLISECONDS,
    sequence=SEQUENCES,
    revokes=st.text(min_size=1, max_size=8),
    names_source=st.booleans(),
    targets=st.lists(IDENTITIES, min_size=1, max_size=4).map(tuple),
    reference=PLACES,
)
RARE = st.builds(
    Rare,
    revocations=st.lists(REVOCATIONS, max_size=3),
    sequences=st.dictionaries(IDENTITIES, SEQUENCES, max_size=3),
    outdone=st.dictionaries(IDENTITIES, st.binary(min_size=8, max_size=16), max_size=3),
)


@bounded(300)
@given(
    life=st.lists(FACTS, max_size=40),
    noted=st.lists(NOTES, max_size=10),
    buckets=BUCKETS,
    instants=st.lists(MILLISECONDS, max_size=6),
    rare=st.none() | RARE,
)
def test_a_customer_comes_back_from_bytes_as_it_was(
    life: list[LifecycleFact],
    noted: list[Feedback],
    buckets: list[int],
    instants: list[int],
    rare: Rare | None,
) -> None:
    """Every batch decodes and encodes every state it touches."""
    customer = Customer(
        is_open=True, plan=70_000, first_at=5, runs=tuple(instants), onboarded=tuple(instants), rare=rare
    )
    set_life(customer, life)
    set_feedback(customer, noted)
    set_activity(customer, buckets)
    again = decode(encode(customer))
    assert again == customer
    assert (life_of(again), feedback_of(again), activity_of(again)) == (life, sorted(noted), buckets)
    assert again.active_bucket == (buckets[-1] if buckets else -1)


@bounded(20)
@given(count=st.sampled_from([0, 1, 15, 16, 17, 256, 65535, 65536]), fact=FACTS)
def test_a_life_of_any_length_comes_back(count: int, fact: LifecycleFact) -> None:
    """Its length is written in two ways, up to fifteen facts and beyond."""
    customer = Customer()
    set_life(customer, [fact] * count)
    assert life_of(decode(encode(customer))) == [fact] * count


@bounded(100)
@given(facts=st.binary(max_size=80), identity=IDENTITIES, at=st.integers(0, 80), rare=st.none() | RARE)
def test_an_identity_is_found_wherever_it_lies(facts: bytes, identity: bytes, at: int, rare: Rare | None) -> None:
    """An identity that is overlooked counts twice."""
    held = facts[:at] + identity + facts[at:]
    assert may_hold(Customer(life=held, rare=rare), identity)
    assert may_hold(Customer(feedback=held, rare=rare), identity)
    may_be_revoked = rare is not None and rare.counts()
    assert may_hold(Customer(life=facts, rare=rare), identity) == (identity in facts or may_be_revoked)


@bounded(100)
@given(rows=st.lists(st.tuples(*[SEQUENCES] * 7), max_size=20))
def test_rows_are_seven_integers_each(rows: list[Row]) -> None:
    """All counters are made of these bytes."""
    assert np.frombuffer(packed_rows(rows), np.int64).reshape(-1, 7).tolist() == [list(row) for row in rows]


def test_a_row_beyond_sixty_four_bits_is_refused() -> None:
    """Cut to 64 bits it would be another number."""
    with pytest.raises(OverflowError):
        packed_rows([(0, 0, 0, 0, 0, 1, 2**63)])


@bounded(300)
@given(gaps=st.lists(st.integers(0, 2**40), max_size=20))
@example(gaps=[0, 127, 128, 16383, 16384, 2**40])
def test_gaps_of_any_size_come_back(gaps: list[int]) -> None:
    """A gap ends where its high bit is clear; the next must begin there."""
    customer = Customer(acts=b"".join([gap_bytes(gap) for gap in gaps]))
    assert np.diff(activity_of(customer), prepend=0).tolist() == gaps


def test_every_survey_and_renewal_has_a_code_and_a_class_of_its_own_kind() -> None:
    """Two surveys under one code could not be told apart in a conflict; a class of none would never count."""
    assert len(set(codes.CODE.values())) == len(codes.CODE) == 2 * 3 * 12 * 4
    assert {*codes.CODE.values(), *map(codes.renewal_code, codes.OUTCOMES)} == set(codes.CLASS)
    assert set(codes.CLASS.values()) == set(range(codes.CLASSES))
    by_code = sorted(codes.CODE, key=lambda survey: codes.CODE[survey])
    assert by_code == sorted(codes.CODE)


@bounded(200)
@given(
    cells=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 4095), st.integers(0, 2**12 - 1), st.integers(0, 2**24 - 1)),
        max_size=30,
    )
)
def test_keys_of_cells_name_what_they_were_made_of(cells: list[tuple[int, int, int, int]]) -> None:
    """Dimension, value, column and bucket share one integer, and its halves are the key and the field in Redis."""
    keys = np.array([group_of(d, v) << FIELD_BITS | c << 24 | b for d, v, c, b in cells], np.int64)
    assert list(zip(*(part.tolist() for part in unpack(keys)), strict=True)) == cells
    assert [segment_of(key >> FIELD_BITS) for key in keys.tolist()] == [(d, v) for d, v, _, _ in cells]
    assert [key & FIELD_MASK for key in keys.tolist()] == [c << 24 | b for _, _, c, b in cells]


def test_no_two_columns_are_one() -> None:
    """Two kinds of rows in one column would add up to nonsense; columns that do not fit their bits would too."""
    windows = Windows()
    points = [point_column(code, money=money) for code in range(POINTS) for money in (False, True)]
    pairs = [
        pair_column(POINTS + code, kind, windows, money=money, start=start)
        for code in range(PAIRS)
        for kind in range(windows.classes)
        for money in (False, True)
        for start in (False, True)
    ]
    assert sorted([*points, *pairs]) == list(range(columns(windows)))
    assert columns(windows) <= 2**12


@bounded(200)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-3, 3)), max_size=40))
def test_merged_cells_are_sums_without_zeros(pairs: list[tuple[int, int]]) -> None:
    """What cancels out may not stay as a cell: a table would grow with every correction."""
    sums: dict[int, int] = {}
    for key, amount in pairs:
        sums[key] = sums.get(key, 0) + amount
    cells = merged(np.array([key for key, _ in pairs], np.int64), np.array([amount for _, amount in pairs], np.int64))
    expected = sorted((key, amount) for key, amount in sums.items() if amount)
    assert list(zip(cells.keys.tolist(), cells.amounts.tolist(), strict=True)) == expected


@bounded(200)
@given(days=st.lists(st.integers(0, 400), max_size=25), starts=st.lists(st.integers(-80, 480), max_size=10))
def test_no_week_can_tell_thinned_instants_from_all(days: list[int], starts: list[int]) -> None:
    """Any instant may become the first signup; whether its week holds a completion must not depend on what was kept."""
    tenth_ms = WEEK_MS // 70
    kept: tuple[int, ...] = ()
    for day in days:
        kept = thinned(kept, day * tenth_ms, WEEK_MS)
    for start in (*starts, *days):
        start_ms = start * tenth_ms
        everything = any(start_ms <= day * tenth_ms < start_ms + WEEK_MS for day in days)
        assert any_within(kept, start_ms, start_ms + WEEK_MS) == everything
    assert all(after - before > WEEK_MS for before, after in zip(kept, kept[2:], strict=False))


@bounded(200)
@given(offset=st.integers(0, OFFSETS - 1), topic=st.integers(0, TOPICS - 1))
def test_a_place_names_the_offset_and_the_topic_it_was_made_of(offset: int, topic: int) -> None:
    """A wrong bit would show a customer another one's event."""
    place = reference_of(offset, topic)
    assert (offset_of(place), topic_of(place)) == (offset, topic)


@bounded(200)
@given(
    uses=st.lists(st.tuples(st.integers(0, 30), st.sampled_from([0, 0, 1, 2, 63, 64, 1023, 1024, 27_646])), max_size=40)
)
def test_features_come_back_whatever_the_order_of_use(uses: list[tuple[int, int]]) -> None:
    """Which feature was used in which hour is kept as text; late uses are put between others."""
    customer = Customer()
    for bucket, feature in uses:
        buckets = sorted({*activity_of(customer), bucket})
        if bucket == customer.active_bucket:
            use(customer, letters_of(feature))
        elif bucket > customer.active_bucket:
            use_next(customer, letters_of(feature))
        else:
            use_anywhere(customer, buckets, bucket, letters_of(feature))
        set_activity(customer, buckets)
    expected: dict[int, list[int]] = {}
    for bucket, feature in sorted(set(uses)):
        expected.setdefault(feature, []).append(bucket)
    again = decode(encode(customer))
    assert features_of(again, activity_of(again)) == expected
    assert bool(again.recent) == any(feature for _, feature in uses)
