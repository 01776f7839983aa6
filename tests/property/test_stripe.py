"""Stripe delivers in any order, and again: the same events. Whatever else comes raises nothing."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.adapters.registry import adapter_of
from tests.golden.stories import GOLDEN, translated

ARCHIVES = sorted(path for path in (GOLDEN / "stripe").glob("*.ndjson") if not path.name.endswith(".events.ndjson"))
RECORDS = [line for path in ARCHIVES for line in path.read_bytes().splitlines()]
SUBJECTS = [json.loads(record) for record in RECORDS]
ADAPTER = adapter_of("stripe")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300)
    | st.sampled_from(["active", "canceled", "once", "metered", "1e999999999", "2026-03-01", "none"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def identities(records: list[bytes]) -> set[str]:
    """Return the events of records, each once."""
    return {json.dumps(event, sort_keys=True) for event in translated("stripe", records)}


@given(st.permutations(RECORDS), st.lists(st.sampled_from(RECORDS), max_size=20), st.integers(0, 1_000))
@settings(max_examples=15, deadline=None)
def test_any_order_and_any_repetition_give_the_same_events(
    delivered: list[bytes], again: list[bytes], place: int
) -> None:
    """The stream makes the same numbers of the same events; so nothing that Stripe does in delivering changes one."""
    at = place % len(delivered)
    assert identities([*delivered[:at], *again, *delivered[at:]]) == identities(RECORDS)


@given(VALUES)
def test_any_json_is_translated_refused_or_ignored(found: Any) -> None:
    """A record of whatever system lies on the topic one day."""
    outcome = ADAPTER.translate(json.dumps(found).encode())
    assert outcome.events == ()
    assert outcome.refusal is not None or outcome.ignored


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(found: bytes) -> None:
    """Nor need it be JSON."""
    assert ADAPTER.translate(found).refusal is not None


def places_of(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside another."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for name, each in inner for found in places_of(each, (*place, name)))]


PLACES = [places_of(subject)[1:] for subject in SUBJECTS]


def put(record: Any, place: tuple[Any, ...], value: Any) -> None:
    """Put a value at a place of a record, if what leads there is still there."""
    try:
        holder = record
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = value
    except (KeyError, IndexError, TypeError):
        return


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """Draw a record of Stripe with a few values that are others, or missing."""
    number = draw(st.integers(0, len(SUBJECTS) - 1))
    record = copy.deepcopy(SUBJECTS[number])
    for place in draw(st.lists(st.sampled_from(PLACES[number]), min_size=1, max_size=3)):
        put(record, place, draw(VALUES))
    return json.dumps(record).encode()


@given(spoilt())
@settings(max_examples=400, deadline=None)
def test_spoilt_record_is_translated_whole_or_refused_with_what_is_wrong(record: bytes) -> None:
    """Half of a record's events would be a subscription that never ends; an exception would be a topic that stops."""
    outcome = ADAPTER.translate(record)
    if outcome.refusal is not None:
        assert outcome.events == ()
        assert outcome.refusal.detail.startswith("stripe: ")
    for event in outcome.events:
        assert event["source"] == "stripe"
        assert {"id", "type", "customer_id", "time"} <= event.keys()
        assert json.loads(json.dumps(event)) == event
