"""Events that are read natively are those that the decoder reads, and what it refuses is refused with its words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Final

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kpis.fold.reading import BatchReader, PackedDecoded
from kpis.native import IS_THERE
from kpis.native.batch import PackedRecords
from schemas.decoding.decoder import Decoded, Decoder
from schemas.events import EVENT_TYPES
from streams.records import NO_HEADERS, Record
from tests.property.cases import Case, bounded, cases
from tests.property.steps import at_once
from tests.unit.schemas.decoding.test_decoding_agreement import NAMES, SOUND, TEXTS, TYPES, VALUES
from tests.unit.schemas.lines import NOON_MS
from tests.unit.streams.kafka.wire import body_of

DECODERS: Final = (
    Decoder(dimensions=("team",), currencies={"EUR": NOON_MS - 1000}, max_record_bytes=2_000),
    Decoder(latest_ms=NOON_MS + 1, max_record_bytes=150),
    Decoder(dimensions=tuple(f"d{n}" for n in range(9)), future_tolerance_ms=0),
)


INSERTED: Final = (b" ", b"\t", b"\n", b",", b'"id":"b",', b'"x":{"id":1},', b"0", b"1.0", b"\\u0041")


def _outcome(decoded: Decoded[Record]) -> object:
    return (
        list(decoded.events),
        list(decoded.times),
        [decoded.records[n].offset for n in range(len(decoded.events))],
        [(record.offset, refusal) for record, refusal in decoded.refused],
        decoded.tests,
        decoded.mended,
        decoded.customers(),
        decoded.with_headers(),
        decoded.arrived_ms().tolist(),
        decoded.latest_ms(),
        decoded.feeds(),
    )


def _read(reader: BatchReader, records: Sequence[Record]) -> Decoded[Record]:
    return at_once(reader.read_in_steps(records))


def fetched(values: Sequence[bytes | None], timestamps: Sequence[int] = (NOON_MS,)) -> list[Record]:
    """Return records of values, as they come from Kafka."""
    return [
        Record("customer.events", 3, 7 + 2 * n, timestamps[n % len(timestamps)], None, value, NO_HEADERS)
        for n, value in enumerate(values)
    ]


def _packed(records: Sequence[Record]) -> PackedRecords[Record]:
    found = PackedRecords.parsed(
        Record, "customer.events", 3, body_of(records), len(records), base_offset=0, first_timestamp=0, timestamp=None
    )
    assert found is not None
    return found


def read_alike(records: Sequence[Record], decoder: Decoder) -> PackedDecoded[Record]:
    """Read records natively, packed or not, and by the decoder; assert that all say the same."""
    plainly = _read(BatchReader(decoder, native=False), records)
    natively = _read(BatchReader(decoder), records)
    packed = _read(BatchReader(decoder), _packed(records))
    assert isinstance(natively, PackedDecoded)
    assert _outcome(natively) == _outcome(packed) == _outcome(plainly)
    for each in (natively, packed, plainly):
        each.put_in_order()
    assert _outcome(natively) == _outcome(packed) == _outcome(plainly)
    return natively


@bounded(60)
@given(cases("everything", "first weeks", "lifecycles", "first slice"))
def test_logs_are_read_natively_as_by_the_decoder(case: Case) -> None:
    """Among their records are refused ones of all reasons, test events, CloudEvents, and members that are mended."""
    log = case.log()
    for decoder in DECODERS:
        read_alike(fetched(log.records, (NOON_MS, 2_000_000_000_000, -1)), decoder)


@bounded(1500)
@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(NAMES), VALUES | st.sampled_from(TEXTS), max_size=3),
    st.sets(st.sampled_from(sorted(SOUND)), max_size=1),
    st.integers(0, 2**32 - 1),
    st.sampled_from((NOON_MS, NOON_MS - 3_600_000, -1, -(2**63), 2**63 - 1, 4_102_444_799_999)),
)
def test_nasty_records_are_read_natively_as_by_the_decoder(
    event_type: str, changes: dict[str, object], absent: set[str], seed: int, timestamp_ms: int
) -> None:
    """Members twice, escapes, numbers of any size, nesting, cut ends: what is not plain is left to the decoder."""
    rng = Random(seed)
    members = {"type": event_type, **{n: v for n, v in SOUND.items() if n not in absent}, **changes}
    names = list(members)
    rng.shuffle(names)
    text = json.dumps({name: members[name] for name in names}, ensure_ascii=rng.random() < 0.5, separators=(",", ":"))
    value = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        at = rng.randrange(len(value))
        way = rng.randrange(4)
        if way == 0:
            value[at] = rng.choice(b'"\\{}[],: 0-.eE\x00\x1f\x7f\x80\xc3tfn')
        elif way == 1:
            del value[at : at + rng.randint(1, 5)]
        elif way == 2:
            value[at:at] = rng.choice(INSERTED)
        else:
            del value[at:]
    read_alike(fetched([bytes(value)], (timestamp_ms,)), rng.choice(DECODERS))


def test_usual_events_of_all_types_are_read_natively() -> None:
    """Or the checks above would compare the decoder with itself."""
    usual = []
    for event_type in EVENT_TYPES[:11]:
        members = {"type": event_type.TYPE, **SOUND, "time": "2026-01-01T11:59:59.123456+00:00", "source": "app"}
        usual.append(json.dumps(members).encode())
    decoded = read_alike(fetched(usual), DECODERS[0])
    reader = BatchReader(DECODERS[0])
    assert IS_THERE
    left = [event_type.TYPE for event_type in EVENT_TYPES[:11] if event_type.TYPE in {"revoke", "onboarding"}]
    batch = _read(reader, fetched(usual))
    assert isinstance(batch, PackedDecoded)
    assert batch.batch.read_natively() == len(usual) - len(left)
    assert len(decoded.events) == len(usual)


def test_instants_are_cut_to_the_millisecond_on_every_day_of_a_century() -> None:
    """Event time is cut and never rounded, and no day is another one."""
    sound = {"id": "a", "type": "pause", "customer_id": "c"}
    days = [f"20{y:02}-{m:02}-{d:02}" for y in range(100) for m in range(1, 13) for d in range(27, 33)]
    ends = ("T23:59:59.9999Z", "T00:00:00+00:00", "T12:30:00.1+00:00", "T00:00:00.123456+00:00", "T01:00:00+01:00")
    values = [msgspec.json.encode({**sound, "time": day + ends[n % 5]}) for n, day in enumerate(days)]
    read_alike(fetched(values, (4_102_444_799_999,)), Decoder())


@bounded(200)
@given(st.integers(0, 2**32 - 1))
def test_records_are_packed_only_where_they_are_whole(seed: int) -> None:
    """Kafka checks sums, not what lies in them: a length that leads outside of the bytes must not be followed."""
    rng = Random(seed)
    records = fetched([None if rng.random() < 0.1 else rng.randbytes(rng.randrange(40)) for _ in range(5)])
    body = bytearray(body_of(records))
    assert list(_packed(records)) == records
    for _ in range(rng.choice((1, 1, 3))):
        body[rng.randrange(len(body))] = rng.choice((0, 1, 2, 127, 128, 255, rng.randrange(256)))
    cut = bytes(body[: rng.randint(0, len(body))]) if rng.random() < 0.5 else bytes(body)
    found = PackedRecords.parsed(
        Record, "t", 0, cut, rng.choice((5, 5, 4, 6)), base_offset=0, first_timestamp=0, timestamp=None
    )
    for record in found or ():
        assert len(record.value or b"") <= len(cut)


def test_records_with_headers_are_left_to_the_parser_of_the_client() -> None:
    """They may be CloudEvents, dead letters of adapters, or have come from another partition."""
    body = body_of([Record("t", 0, 0, NOON_MS, None, b"{}", [("h", b"v")])])
    found = PackedRecords.parsed(Record, "t", 0, body, 1, base_offset=0, first_timestamp=0, timestamp=None)
    assert found is None


def test_packed_records_are_cut_and_joined_as_lists_are() -> None:
    """A commit takes parts of several reads, of several topics."""
    records = fetched([b"a", b"b", None, b"d"], (5, 6))
    some, others = (
        _packed(records),
        PackedRecords.parsed(Record, "other", 3, body_of(records), 4, base_offset=100, first_timestamp=0, timestamp=9),
    )
    assert others is not None
    joined = PackedRecords.joined([some[1:3], others[2:], some[:0]])
    more = [Record("other", 3, record.offset + 100, 9, None, record.value, NO_HEADERS) for record in records]
    assert list(joined) == [*records[1:3], *more[2:]]
    assert joined.timestamps().tolist() == [6, 5, 9, 9]
    assert joined.sizes().tolist() == [1, 0, 0, 1]
    assert [some.first_from(offset) for offset in (0, 7, 8, 13, 14)] == [0, 0, 1, 3, 4]
    assert joined[-1] == more[3]
