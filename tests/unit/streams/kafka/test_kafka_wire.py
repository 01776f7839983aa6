"""What a fetch brought becomes the records that are in it, and no more of them at a time than there is room for."""

from __future__ import annotations

import gc
import weakref
import zlib
from random import Random

import pytest
import zstandard
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition

from schemas.decoding.cut_values import CutValue, whole_size
from schemas.refusals import TRUNCATED_BYTES
from streams.kafka.decompression import GZIP, LZ4, NONE, SNAPPY, ZSTD
from streams.kafka.record_batches import EXTRAS_BYTES, LIST_BYTES
from streams.kafka.wire import Desk, Unread, _KeptRecords, keep_bytes
from streams.records import Record, held_bytes
from tests.unit.streams.kafka.wire import Written, batch, batch_of, record_bytes

CODECS = {"none": NONE, "gzip": GZIP, "snappy": SNAPPY, "lz4": LZ4, "zstd": ZSTD}
MIB = 1024 * 1024


def unread(raw: bytes, desk: Desk, *, start: int = 0) -> Unread:
    """Return a fetch that nobody has read yet."""
    source = PartitionRecords(TopicPartition("t", 0), _KeptRecords(raw), None, start, None, None, True, 1)
    return Unread(source, desk)


def read_all(raw: bytes, room_bytes: int = MIB, *, start: int = 0) -> list[Record]:
    """Return all records of a fetch, read in as many turns as it takes."""
    fetch = unread(raw, Desk(max_value_bytes=MIB), start=start)
    found: list[Record] = []
    while not fetch.is_done:
        found += fetch.read(room_bytes)[0]
        assert not found or found[-1].offset < fetch.next_fetch_offset
    return found


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
@pytest.mark.parametrize("room_bytes", [1, MIB])
def test_records_are_the_same_however_little_is_read_at_a_time(codec: int, room_bytes: int) -> None:
    """Where a read ends decides nothing: positions are committed in between."""
    random = Random(codec)
    written: list[Written] = []
    raw = b""
    for _ in range(4):
        records: list[Written] = []
        first = len(written)
        for offset in range(first, first + random.randrange(1, 40)):
            size = random.choice([0, 50, 5_000, 70_000, 300_000])
            value = random.choice([None, b"ab" * (size // 2), random.randbytes(size)])
            headers = [(b"h%d" % n, random.choice([None, b"x"])) for n in range(random.choice([0, 0, 2]))]
            records.append((offset, 1_000 + offset, random.choice([None, b"", b"key"]), value, headers))
        raw += batch(records, codec=codec)
        written += records
    for start in (0, len(written) // 2):
        found = read_all(raw, room_bytes, start=start)
        assert [(r.offset, r.timestamp, r.key, r.value) for r in found] == [one[:4] for one in written[start:]]
        assert [[(name.encode(), value) for name, value in r.headers] for r in found] == [
            list(one[4]) for one in written[start:]
        ]


def test_what_is_read_goes_without_a_collection_of_garbage() -> None:
    """A worker collects garbage seldom: all of a load of history would lie in memory, compressed."""
    kept = _KeptRecords(batch([(n, n, b"k", b"{}", []) for n in range(9)], codec=LZ4))
    fetch = Unread(
        PartitionRecords(TopicPartition("t", 0), kept, None, 0, None, None, True, 1), Desk(max_value_bytes=MIB)
    )
    held = weakref.ref(kept)
    del kept
    gc.disable()
    try:
        assert len(fetch.read(MIB)[0]) == 9
        del fetch
        assert held() is None
    finally:
        gc.enable()


def test_what_aiokafka_hands_out_itself_is_what_a_worker_reads() -> None:
    """A command must not end at a header that the stream has read: its name may be any bytes."""
    keep_bytes()
    raw = batch([(n, n, b"k", b"{}", [(b"trace\xff" if n == 3 else b"trace", b"x")]) for n in range(2, 6)])
    source = fetcher.PartitionRecords(TopicPartition("t", 0), _KeptRecords(raw), None, 3, None, None, True, 1)
    assert list(source) == read_all(raw, start=3)
    assert source.next_fetch_offset == 6


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
def test_value_beyond_the_limit_is_cut_and_those_around_it_are_whole(codec: int) -> None:
    """Held whole, one of a gigabyte would be the end of the worker; what lies behind it must be read all the same."""
    large = b"[]," * MIB
    raw = batch([(n, n, b"k", value, []) for n, value in enumerate([b"before", large, b"behind"])], codec=codec)
    before, cut, behind = read_all(raw)
    assert (before.value, behind.value) == (b"before", b"behind")
    assert isinstance(cut.value, CutValue)
    assert (bytes(cut.value), whole_size(cut.value)) == (large[:TRUNCATED_BYTES], len(large))


@pytest.mark.parametrize("large", ["key", "headers"])
def test_key_or_headers_beyond_the_limit_cut_the_record(large: str) -> None:
    """A bomb need not be a value."""
    key = b"k" * 2 * EXTRAS_BYTES if large == "key" else b"k"
    headers = [(b"name", b"v" * 1_000)] * 3_000 if large == "headers" else []
    cut, behind = read_all(batch([(0, 0, key, b"{}", headers), (1, 1, b"k", b"{}", [])], codec=ZSTD))
    assert isinstance(cut.value, CutValue)
    assert whole_size(cut.value) > EXTRAS_BYTES
    assert sum(held_bytes([cut])) < 2 * EXTRAS_BYTES
    assert behind.value == b"{}"


@pytest.mark.parametrize("codec", [GZIP, ZSTD], ids=["gzip", "zstd"])
def test_batch_that_stands_for_a_thousand_times_its_size_comes_in_small_lists(codec: int) -> None:
    """A few kilobytes on the wire are enough to fill any memory."""
    writer = zstandard.ZstdCompressor().compressobj() if codec == ZSTD else zlib.compressobj(9, zlib.DEFLATED, 31)
    count = 200
    records = [writer.compress(record_bytes(n, n, b"k", b"x" * (LIST_BYTES // 2))) for n in range(count)]
    raw = batch_of(b"".join([*records, writer.flush()]), codec=codec, base=0, count=count)
    assert len(raw) < count * LIST_BYTES // 2 // 500
    fetch = unread(raw, Desk(max_value_bytes=MIB))
    offsets: list[int] = []
    sizes: list[int] = []
    while not fetch.is_done:
        found, size = fetch.read(1)
        assert size < 2 * LIST_BYTES
        offsets += [record.offset for record in found]
        sizes.append(size)
    assert offsets == list(range(count))
    assert fetch.read_bytes == sum(sizes), "its size decides how soon the next fetch is made, not that of its last read"


def test_batches_that_are_open_together_hold_what_they_may_and_others_wait_for_their_turn() -> None:
    """A decompressor that stands in the middle of a batch holds its window, and there may be one for each topic."""
    large = batch([(n, n, b"k", b"x" * MIB, []) for n in range(4)], codec=LZ4)
    desk = Desk(max_value_bytes=MIB, open_bytes=1)
    first, second = unread(large, desk), unread(large, desk)
    assert len(first.read(1)[0]) == 1
    assert (second.read(1), second.is_done) == (([], 0), False)
    desk.close_all_but([])  # a rebalance has dropped the first
    assert len(second.read(1)[0]) == 1
    assert [record.offset for record in second.read(100 * MIB)[0]] == [1, 2, 3]


def test_batch_that_made_way_is_read_on_where_it_was() -> None:
    """It begins anew inside; outside nothing is lost, and nothing comes twice."""
    fetch = unread(batch([(n, n, b"k", b"x" * MIB, []) for n in range(4)], codec=LZ4), Desk(max_value_bytes=MIB))
    assert [record.offset for record in fetch.read(2 * MIB)[0]] == [0, 1]
    fetch.close()
    assert [record.offset for record in fetch.read(100 * MIB)[0]] == [2, 3]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS.keys())
def test_batch_that_ends_too_early_is_damaged(codec: int) -> None:
    """Records that are missing must not be passed over as if they had never been."""
    body = record_bytes(0, 0, b"k", b"x" * 3 * MIB)
    whole = batch([(0, 0, b"k", b"x" * 3 * MIB, [])], codec=codec)
    told_more = batch_of(whole[61:], codec=codec, base=0, count=2)
    assert len(body) > 3 * MIB
    with pytest.raises(CorruptRecordException):
        read_all(told_more)


def test_damaged_bytes_are_found_before_they_are_looked_at() -> None:
    """What a disk or a line has turned would be counted as something else."""
    raw = bytearray(batch([(0, 0, b"k", b"value", [])]))
    raw[-3] ^= 1
    with pytest.raises(CorruptRecordException, match="invalid checksum in t/0"):
        read_all(bytes(raw))
