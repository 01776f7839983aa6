"""Archives of billing systems in any order and repeated: the same numbers; damaged in any place: never an exception."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.adapters.adapter import Adapter
from schemas.adapters.registry import adapter_of
from tests.property.folding import Folded
from tests.recount.options import Options
from tests.unit.schemas.adapters.golden import GoldenFile, golden_files

SOURCES = ("chargebee", "paddle", "recurly")
FILES = golden_files(*SOURCES)
OPTIONS = Options(currency_rates={"EUR": "1.1", "JPY": "0.007"})

TEXTS = st.one_of(
    st.sampled_from(
        ("", "active", "future", "cancelled", "2026-01-05T09:00:00Z", "9999-12-31T23:59:59Z",
         "0001-01-01T00:00:00+23:59",
         "2026-02-30", "1e999999999", "-1", "NaN", "month", "9" * 5_000, "\x00", "\ud800"),
    ),
    st.text(max_size=20),
)  # fmt: skip
LEAVES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.integers(-(2**70), 2**70), st.floats())
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))


def numbers_of(adapter: Adapter, records: list[bytes]) -> dict[tuple[str, str, int, int], int]:
    """Return what all counts are made of."""
    folded = Folded(OPTIONS)
    folded.batches([msgspec.json.encode(event) for each in records for event in adapter.translate(each).events], 7)
    return folded.named_cells()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_archive_in_any_order_and_repeated_comes_to_the_same_numbers(file: GoldenFile, data: st.DataObject) -> None:
    """Webhooks are retried and overtake each other, by the sources' own account: none of it may change a number."""
    values = file.values
    repeated = values + data.draw(st.lists(st.sampled_from(values), max_size=5))
    assert numbers_of(file.adapter, data.draw(st.permutations(repeated))) == numbers_of(file.adapter, values)


def damaged(data: st.DataObject, record: Any) -> Any:
    """Return a record in which one member, or element, is something else."""
    if isinstance(record, dict) and record and data.draw(st.integers(0, 9)):
        name = data.draw(st.sampled_from(sorted(record)))
        return {**record, name: damaged(data, record[name])}
    if isinstance(record, list) and record and data.draw(st.integers(0, 9)):
        place = data.draw(st.integers(0, len(record) - 1))
        return [*record[:place], damaged(data, record[place]), *record[place + 1 :]]
    return data.draw(VALUES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_damaged_record_raises(file: GoldenFile, data: st.DataObject) -> None:
    """One record that nobody thought of would stop a file, or a topic."""
    record = data.draw(st.sampled_from([value for value in file.values if not value.startswith(b"<")]))
    value = json.dumps(damaged(data, json.loads(record)), ensure_ascii=False).encode("utf-8", "surrogatepass")
    found = file.adapter.translate(value)
    assert not (found.events and found.refusal)


@pytest.mark.parametrize("name", SOURCES)
@settings(deadline=None)
@given(
    value=st.one_of(
        st.binary(), st.binary().map(lambda tail: b"<a>" + tail), VALUES.map(lambda value: json.dumps(value).encode())
    )
)
def test_no_bytes_raise_whatever_they_are(name: str, value: bytes) -> None:
    """As above, of what is no record at all."""
    found = adapter_of(name).translate(value)
    assert found.events == ()


@pytest.mark.parametrize("name", SOURCES)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_no_cut_off_record_raises(name: str, data: st.DataObject) -> None:
    """XML and JSON that end in the middle."""
    values = [value for file in golden_files(name) for value in file.values]
    value = data.draw(st.sampled_from(values))
    found = adapter_of(name).translate(value[: data.draw(st.integers(0, len(value) - 1))])
    assert found.events == ()
    assert found.refusal is not None
