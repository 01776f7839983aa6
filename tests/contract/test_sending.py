"""What a log answers to records that it does not take, and that none stays unsent: both logs, the same tests."""

from __future__ import annotations

import time
from base64 import b64encode
from random import Random
from typing import Final

import pytest

from schemas.refusals import (
    HEADER_FORWARDED,
    HEADER_OFFSET,
    HEADER_REASON,
    HEADER_TRUNCATED,
    TRUNCATED_BYTES,
    Reason,
    Refusal,
)
from streams.batching.sender import Outgoing, Parcel
from streams.embedded.transport import TopicLimits
from streams.kafka.answers import Answer, meaning_of
from streams.partition.forwarding import Forward, Seal
from streams.partition.outbox import DeadLetter, Delivery, LogOutbox
from streams.records import NO_HEADERS, TP, Headers, Record
from tests.contract.logs import KafkaUnderTest, Ledger, LogUnderTest, Worker

LIMIT_BYTES: Final = 100_000
MINUTE_MS: Final = 60_000
YEAR_MS: Final = 365 * 24 * 60 * MINUTE_MS
REFUSAL: Final = Refusal(Reason.MALFORMED_JSON, "not JSON")
#: which nothing makes smaller
NOISE: Final = Random(1).randbytes(2_000_000)
SEAL: Final = Seal("ours")


def original(
    value: bytes | None = b"bad", *, key: bytes | None = b"k", headers: Headers = NO_HEADERS, offset: int = 0,
    timestamp_ms: int = 1_700_000_000_000,
) -> Record:  # fmt: skip
    """Return a record as it was read."""
    return Record("input", 0, offset, timestamp_ms, key, value, headers)


async def limited(log: LogUnderTest, prefix: str, limits: TopicLimits) -> str:
    """Return a topic of two partitions that does not take everything."""
    topic = f"{prefix}limited"
    await log.create_topic(topic, 2, limits)
    return topic


async def deliver(log: LogUnderTest, prefix: str, topic: str, parcels: list[Parcel]) -> tuple[list[Record], Delivery]:
    """Send parcels as a worker does; return what lies in the topic then, by partition."""
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        delivery = Delivery(parcels)
        await LogOutbox(lambda: worker.app.sender).send(delivery)
        there = len(parcels) - len(delivery.too_large)
        await ledger.until(lambda: ledger.total() >= there)
        ends = [await log.end(TP(topic, partition)) for partition in (0, 1)]
    assert delivery.waiting == []
    assert sum(ends) == ledger.total() == there
    return [record for partition in (0, 1) for record in ledger.records[TP(topic, partition)]], delivery


@pytest.mark.parametrize(
    ("limits", "refused", "expected"),
    [
        (TopicLimits(LIMIT_BYTES), Outgoing("", 0, b"k", NOISE[:LIMIT_BYTES], None, ()), Answer.TOO_LARGE),
        (TopicLimits(LIMIT_BYTES), Outgoing("", 0, b"k", b"", None, [("h", NOISE[:LIMIT_BYTES])]), Answer.TOO_LARGE),
        (TopicLimits(compacted=True), Outgoing("", 0, None, b"v", None, ()), Answer.BAD_RECORD),
        (TopicLimits(behind_ms=MINUTE_MS), Outgoing("", 0, b"k", b"v", 1_000_000, ()), Answer.BAD_TIME),
        (TopicLimits(ahead_ms=MINUTE_MS), Outgoing("", 0, b"k", b"v", 4_000_000_000_000, ()), Answer.BAD_TIME),
    ],
    ids=["value", "header", "without a key", "old", "future"],
)
@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
async def test_answer_says_what_of_a_record_is_not_taken(
    limits: TopicLimits, refused: Outgoing, expected: Answer, alone: bool, log: LogUnderTest, prefix: str
) -> None:
    """What a record is must never be taken for a Kafka that is away: it would be sent for ever."""
    topic = await limited(log, prefix, limits)
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        found = None
        try:
            sent = await worker.app.sender.deliver(
                topic,
                key=refused.key,
                value=refused.value,
                partition=refused.partition,
                timestamp_ms=refused.timestamp_ms,
                headers=refused.headers,
                alone=alone,
            )
            await sent
        except Exception as error:  # noqa: BLE001 - whatever it is, its meaning is asked for
            found = meaning_of(error)
    assert found is expected
    assert await log.end(TP(topic, 0)) == 0


async def test_record_sent_alone_is_the_same_record(log: LogUnderTest, topic: str, prefix: str) -> None:
    """One that was refused beside others is sent again like this."""
    ledger = Ledger()
    async with Worker(log, prefix, [topic], ledger) as worker:
        for alone in (False, True):
            sent = await worker.app.sender.deliver(
                topic, key=b"c-1", value=b"v", timestamp_ms=1_700_000_000_123, headers=[("h", b"1")], alone=alone
            )
            await sent
        await ledger.until(lambda: ledger.total() == 2)
    (first, second) = next(records for records in ledger.records.values() if records)
    for record in (first, second):
        assert (record.key, record.value, record.timestamp) == (b"c-1", b"v", 1_700_000_000_123)
        assert tuple(record.headers) == (("h", b"1"),)


@pytest.mark.parametrize(
    "hostile",
    [
        original(headers=[("h", NOISE[:1_048_490])]),
        original(headers=[(NOISE[:300_000].hex(), b""), ("h", NOISE[1_000_000:1_900_000])]),
        original(headers=[(f"h{n}", NOISE[12 * n : 12 * n + 12]) for n in range(100_000)]),
        original(key=NOISE[:1_048_490]),
        original(NOISE),
        original(NOISE, key=NOISE[:500_000], headers=[("h", NOISE[:500_000])]),
        original(None, key=None, headers=[("h", NOISE[:1_048_490])]),
    ],
    ids=["header", "name", "100,000 headers", "key", "value", "all", "nothing but a header"],
)
@pytest.mark.parametrize("limit_bytes", [1_048_588, LIMIT_BYTES, 1_000])
async def test_no_dead_letter_is_too_large(limit_bytes: int, hostile: Record, log: LogUnderTest, prefix: str) -> None:
    """One such record would stall its partition for good."""
    topic = await limited(log, prefix, TopicLimits(limit_bytes))
    parcels: list[Parcel] = [
        DeadLetter(original(offset=1), REFUSAL, topic),
        DeadLetter(hostile, REFUSAL, topic),
        DeadLetter(original(offset=2), REFUSAL, topic),
    ]
    found, _ = await deliver(log, prefix, topic, parcels)
    letters = {dict(letter.headers)[HEADER_OFFSET]: letter for letter in found}
    assert sorted(letters) == [b"0", b"1", b"2"]
    shrunk = letters[b"0"]
    headers = dict(shrunk.headers)
    assert (headers[HEADER_REASON], headers[HEADER_TRUNCATED]) == (b"malformed_json", b"true")
    assert (hostile.value or b"").startswith(shrunk.value or b"")
    assert (hostile.key or b"").startswith(shrunk.key or b"")
    if limit_bytes > LIMIT_BYTES:
        assert shrunk.value == (hostile.value or b"")[:TRUNCATED_BYTES]
    assert HEADER_TRUNCATED not in dict(letters[b"1"].headers)


async def test_dead_letter_without_a_key_gets_one_where_its_topic_wants_it(log: LogUnderTest, prefix: str) -> None:
    """A compacted topic takes no record without a key; each must stay one of its own there."""
    topic = await limited(log, prefix, TopicLimits(compacted=True))
    parcels: list[Parcel] = [
        DeadLetter(original(key=key, offset=n), REFUSAL, topic) for n, key in enumerate([b"k", None, None])
    ]
    found, _ = await deliver(log, prefix, topic, parcels)
    assert sorted(record.key or b"" for record in found) == [b"input/0/1", b"input/0/2", b"k"]


async def test_forwarded_record_whose_time_is_not_taken_goes_with_that_of_now(log: LogUnderTest, prefix: str) -> None:
    """Topics differ in the timestamps that they take; those beside it in the batch keep theirs."""
    topic = await limited(log, prefix, TopicLimits(behind_ms=YEAR_MS))
    now_ms = time.time_ns() // 1_000_000
    times = {0: now_ms - MINUTE_MS, 1: 1_000_000_000_000, 2: now_ms - 2 * MINUTE_MS}
    parcels: list[Parcel] = [
        Forward(original(b"%d" % n, offset=n, timestamp_ms=at), topic, 1, "c", SEAL) for n, at in times.items()
    ]
    found, _ = await deliver(log, prefix, topic, parcels)
    by_value = {int(record.value or b""): record.timestamp for record in found}
    assert (by_value[0], by_value[2]) == (times[0], times[2])
    assert by_value[1] >= now_ms


@pytest.mark.parametrize(
    ("stray", "names"),
    [
        (original(NOISE[:90_000], headers=[("trace", NOISE[90_000:110_000])]), []),
        (original(b"{}", headers=[("ce_id", b"1"), ("ce_x", NOISE[:LIMIT_BYTES])]), ["ce_id"]),
        (original(b"{}", headers=[("ce_id", b"1"), ("x", b"y")]), ["ce_id", "x"]),
        (original(NOISE[:LIMIT_BYTES]), None),
    ],
    ids=["a trace", "an extension", "small", "the event itself"],
)
async def test_forwarded_record_loses_what_it_need_not_have_and_no_more(
    stray: Record, names: list[str] | None, log: LogUnderTest, prefix: str
) -> None:
    """Cut in its value it would be another event, or none; what cannot go whole is said to be too large."""
    topic = await limited(log, prefix, TopicLimits(LIMIT_BYTES))
    parcels: list[Parcel] = [Forward(stray, topic, 1, "c", SEAL), Forward(original(b"{}"), topic, 1, "d", SEAL)]
    found, delivery = await deliver(log, prefix, topic, parcels)
    by_key = {record.key: record for record in found}
    assert by_key[b"d"].value == b"{}"
    if names is None:
        assert delivery.too_large == parcels[:1]
        return
    sent = by_key[b"c"]
    assert sent.value == stray.value
    assert [name for name, _ in sent.headers] == [*names, HEADER_FORWARDED]


async def test_json_that_just_fitted_its_topic_fits_with_our_headers(kafka_bootstrap: str, prefix: str) -> None:
    """Only Kafka compresses; without that, what is as large as a topic takes could not be forwarded within it."""
    log = KafkaUnderTest(kafka_bootstrap)
    topic = await limited(log, prefix, TopicLimits(LIMIT_BYTES))
    dense = b'{"x":"%b"}' % b64encode(NOISE)[: LIMIT_BYTES - 100]
    found, _ = await deliver(log, prefix, topic, [Forward(original(dense), topic, 1, "c", SEAL)])
    await log.close()
    assert [record.value for record in found] == [dense]
