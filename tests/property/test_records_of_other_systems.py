"""Records of other systems, in any order and repeated: the same numbers; and whatever they hold, never an exception."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.adapters.adapter import Adapter
from schemas.adapters.columns import ROLES
from schemas.adapters.registry import adapter_of
from schemas.adapters.segment import USUAL_EVENTS
from tests.property.folding import Folded
from tests.recount.options import Options
from tests.unit.schemas.adapters.golden import GoldenFile, golden_files

FILES = golden_files("debezium", "segment", "table")
OPTIONS = Options(currency_rates={"EUR": "1.1", "JPY": "0.007"}, dimensions=("industry",))
ADAPTERS = {
    **{name: adapter_of(name) for name in ("debezium", "segment", "table")},
    "confluent": adapter_of("confluent", {"as": "table"}),
}

ROW = {"customer_id": "anna", "plan": "pro", "mrr": "49.00", "start": "2026-01-05"}

TEXTS = st.one_of(
    st.sampled_from(
        ("", "NULL", "pro", "active", "paused", "canceled", "2026-01-05", "2026-02-30", "20260105", "49.00", "1e999",
         "month", "3 months", "0 years", "true", "-1", "9" * 30, "\x00", "é", "\ud800"),
    ),
    st.text(max_size=40),
)  # fmt: skip
LEAVES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.integers(0, 2**70))
CELLS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


def numbers_of(adapter: Adapter, records: list[bytes]) -> dict[tuple[str, str, int, int], int]:
    """Return what all counts are made of."""
    folded = Folded(OPTIONS)
    folded.batches([msgspec.json.encode(event) for each in records for event in adapter.translate(each).events], 7)
    return folded.named_cells()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_records_in_any_order_and_repeated_come_to_the_same_numbers(file: GoldenFile, data: st.DataObject) -> None:
    """Webhooks are retried, topics are read again, exports are made anew: none of it may change a number."""
    values = file.values
    repeated = values + data.draw(st.lists(st.sampled_from(values), max_size=5))
    assert numbers_of(file.adapter, data.draw(st.permutations(repeated))) == numbers_of(file.adapter, values)


def encoded(record: object) -> bytes:
    """Return a record as JSON, or as bytes that nearly are."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")


@settings(deadline=None, max_examples=300)
@given(row=st.dictionaries(st.sampled_from([names[0] for names in ROLES.values()]), CELLS))
def test_no_row_of_a_table_raises_whatever_its_cells(row: dict[str, object]) -> None:
    """One cell that nobody thought of would stop a file, or a topic."""
    found = ADAPTERS["table"].translate(encoded({**ROW, **row}))
    assert bool(found.events) + bool(found.ignored) + (found.refusal is not None) == 1


@settings(deadline=None, max_examples=300)
@given(
    event=st.sampled_from(sorted(USUAL_EVENTS)),
    properties=st.dictionaries(st.sampled_from((*ROW, "score", "kind", "amount", "interval", "ends_at")), CELLS),
    call=st.dictionaries(st.sampled_from(("userId", "timestamp", "context", "event", "properties", "batch")), CELLS),
)
def test_no_call_of_segment_raises_whatever_it_holds(event: str, properties: object, call: dict[str, object]) -> None:
    """Properties are what a developer wrote on a Friday; one call that raises would stop the topic."""
    usual = {"type": "track", "messageId": "m", "userId": "anna", "timestamp": "2026-01-05T09:00:00Z"}
    found = ADAPTERS["segment"].translate(encoded({**usual, "event": event, "properties": properties, **call}))
    assert bool(found.events) + bool(found.ignored) + (found.refusal is not None) <= 1


@settings(deadline=None, max_examples=300)
@given(
    op=st.sampled_from("crud"),
    before=st.none() | st.dictionaries(st.sampled_from((*ROW, "status", "end", "trial_end", "paused_at")), CELLS),
    after=st.dictionaries(st.sampled_from((*ROW, "status", "end", "trial_end", "paused_at")), CELLS),
    schema=CELLS,
    source=st.dictionaries(st.sampled_from(("lsn", "scn", "file", "pos", "change_lsn", "ts_us", "table")), CELLS),
)
def test_no_change_of_debezium_raises_whatever_it_holds(
    op: str, before: dict[str, object] | None, after: dict[str, object], schema: object, source: dict[str, object]
) -> None:
    """The schema of a record may be anything, too."""
    was = None if before is None else {**ROW, **before}
    change = {"op": op, "before": was, "after": {**ROW, **after}, "source": {"ts_ms": 1767600000000, **source}}
    found = ADAPTERS["debezium"].translate(encoded({"schema": schema, "payload": change}))
    assert bool(found.events) + bool(found.ignored) + (found.refusal is not None) == 1


@pytest.mark.parametrize("name", ADAPTERS)
@settings(deadline=None)
@given(value=st.one_of(st.binary(), st.binary().map(lambda rest: b"\0" + rest), CELLS.map(encoded)))
def test_no_bytes_raise_whatever_they_are(name: str, value: bytes) -> None:
    """As above, of what is no record at all."""
    found = ADAPTERS[name].translate(value)
    assert found.events == ()
    assert bool(found.ignored) + (found.refusal is not None) == 1
