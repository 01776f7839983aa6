"""Records on the wrong partition: they come home, and no header keeps them from it or sends them in circles."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

import pytest

from schemas.refusals import HEADER_FORWARDED, HEADER_OFFSET, HEADER_REASON, Reason
from streams.batching.batches import Batch, Lease
from streams.batching.sender import Outgoing
from streams.partition.forwarding import LOOKED_AT, Forward, Seal, was_forwarded_on
from streams.records import NO_HEADERS, Headers, Record
from tests.unit.streams.partitions import (
    MINE,
    PARTITIONS,
    SIGNUPS,
    STRANGER,
    Surroundings,
    batch,
    on_virtual_time,
    signup,
    stored_head,
)

OURS, THEIRS = Seal("ours"), Seal("theirs")
NOBODYS: Final = Seal("")
CLOUDEVENT: Final = (("ce_id", b"1"), ("CE_Type", b"signup"), ("content-type", b"application/json"))


def record(
    headers: Headers = NO_HEADERS, *, value: bytes | None = b"{}", partition: int = 0, offset: int = 7
) -> Record:
    """Return a record as it was read."""
    return Record("t", partition, offset, 1, b"k", value, headers)


def sent(read: Record, seal: Seal, *, step: int = 0) -> Outgoing:
    """Return a form of a record as a stream forwards it."""
    form = Forward(read, "mixed", 1, "c", seal).form(step)
    assert form is not None
    return form


def read_back(copy: Outgoing) -> Record:
    """Return what was sent as it is read at its home."""
    assert copy.partition is not None
    return Record(copy.topic, copy.partition, 3, copy.timestamp_ms or 0, copy.key, copy.value, copy.headers)


def test_own_copy_is_known_once_another_stream_has_sent_it_on() -> None:
    """It counts at home; to forward it again would never end."""
    copy = read_back(sent(record(), OURS))
    assert not was_forwarded_on(copy, OURS)
    sent_on = read_back(sent(copy, THEIRS))
    assert was_forwarded_on(sent_on, OURS)
    assert not was_forwarded_on(sent_on, THEIRS)


@pytest.mark.parametrize(
    "headers",
    [
        [(HEADER_FORWARDED, b"x"), (HEADER_FORWARDED, b"y")],
        [(HEADER_FORWARDED, b"t/0/7"), (HEADER_FORWARDED, b"")],
        [(HEADER_FORWARDED, b"t/0/7/" + b"0" * 32), (HEADER_FORWARDED, b"/" * 1000)],
        [(HEADER_FORWARDED, Seal("theirs").header_of(record())), (HEADER_FORWARDED, b"x")],
        [(HEADER_FORWARDED, Seal("ours").header_of(record(value=b"another"))), (HEADER_FORWARDED, b"x")],
        [(HEADER_FORWARDED, NOBODYS.header_of(record())), (HEADER_FORWARDED, b"x")],
        [("tenure-Forwarded", Seal("ours").header_of(record())), (HEADER_FORWARDED, b"x")],
    ],
)
def test_header_that_proves_nothing_is_not_believed_and_kept(headers: Headers) -> None:
    """Whoever may write to a topic could make events vanish."""
    forged = record(headers)
    for seal in (OURS, NOBODYS):
        assert not was_forwarded_on(forged, seal)
        assert list(sent(forged, seal).headers) == [*headers, (HEADER_FORWARDED, seal.header_of(forged))]


def test_proof_of_one_event_is_none_of_another_in_its_headers() -> None:
    """A CloudEvent in binary mode is made of its headers; the value alone may be the same."""
    header = OURS.header_of(record([("ce_id", b"1")]))
    for event_id, known in ((b"1", True), (b"2", False)):
        moved = record([("ce_id", event_id), (HEADER_FORWARDED, header), (HEADER_FORWARDED, b"x")])
        assert was_forwarded_on(moved, OURS) is known


def test_own_header_that_is_the_last_one_is_replaced() -> None:
    """A dead letter that is sent again, or a mirror's copy, has it: it is on its way home like any other record."""
    copy = read_back(sent(record([("trace", b"1")]), OURS))
    again = sent(copy, OURS)
    assert list(again.headers) == [("trace", b"1"), (HEADER_FORWARDED, OURS.header_of(copy))]


def test_stream_without_an_identifier_believes_nothing() -> None:
    """An empty key proves what anybody can compute."""
    copy = read_back(sent(record(), NOBODYS))
    assert copy.headers == [(HEADER_FORWARDED, b"t/0/7")]
    assert not was_forwarded_on(read_back(sent(copy, THEIRS)), NOBODYS)


def test_thousands_of_headers_are_not_looked_at() -> None:
    """Each look is a hash; a hundred thousand headers take a second of nobody's but ours."""
    header = (HEADER_FORWARDED, OURS.header_of(record()))
    noise = [(HEADER_FORWARDED, b"x")] * LOOKED_AT
    assert was_forwarded_on(record([header, *noise[1:]]), OURS)
    assert not was_forwarded_on(record([header, *noise]), OURS)


def test_smaller_forms_lose_what_says_nothing_of_the_event_and_prove_the_same() -> None:
    """Other streams' headers stay: without them two streams that shrink would not know their own copies."""
    theirs = (HEADER_FORWARDED, THEIRS.header_of(record(CLOUDEVENT)))
    large = record(
        [("trace", b"x" * 99), *CLOUDEVENT, ("ce_extension", b"y" * 99), *[(HEADER_FORWARDED, b"z")] * 99, theirs]
    )
    own = (HEADER_FORWARDED, OURS.header_of(large))
    assert list(sent(large, OURS).headers) == [*large.headers, own]
    assert list(sent(large, OURS, step=1).headers) == [*large.headers[1:], own]
    smallest = sent(large, OURS, step=2)
    kept = [*CLOUDEVENT, *[(HEADER_FORWARDED, b"z")] * (LOOKED_AT - 2), theirs, own]
    assert list(smallest.headers) == kept
    assert Forward(large, "mixed", 1, "c", OURS).form(3) is None
    assert (smallest.key, smallest.value, smallest.timestamp_ms) == (b"c", large.value, large.timestamp)
    assert was_forwarded_on(read_back(sent(read_back(smallest), THEIRS)), OURS)


def test_header_that_somebody_else_has_set_keeps_no_record_from_its_customer() -> None:
    """A mirror, or a tool that sends records again, copies headers; none may stop a partition or lose a record."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        forged = (HEADER_FORWARDED, b"t/1/0")
        partition.put(batch(signup(STRANGER), headers=[forged]))
        await asyncio.sleep(1)
        (sent,) = around.sent
        assert (sent.partition, [name for name, _ in sent.headers]) == (1, [HEADER_FORWARDED, HEADER_FORWARDED])
        assert sent.headers[0] == forged
        head = await stored_head(around)
        assert (head.forwarded, head.duplicates) == (1, 0)
        await partition.close()

    on_virtual_time(test)


def test_copy_that_another_stream_has_sent_back_is_a_duplicate() -> None:
    """Two streams with other partition counts would send it to each other for ever."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition()
        partition.put(batch(signup(STRANGER)))
        await asyncio.sleep(1)
        (copy,) = around.sent
        theirs = [*copy.headers, (HEADER_FORWARDED, b"customer.events/1/0/00112233")]
        partition.put(batch(signup(STRANGER), topic="customer.events", headers=theirs))
        await asyncio.sleep(1)
        assert len(around.sent) == 1
        head = await stored_head(around)
        assert (head.forwarded, head.duplicates, head.applied) == (1, 1, 0)
        assert around.results[-1].duplicates == 1
        await partition.close()

    on_virtual_time(test)


def test_record_too_large_to_be_forwarded_is_a_dead_letter_of_the_same_commit() -> None:
    """Sent on in part it would be another record, and be lost as malformed."""

    async def test() -> None:
        around = Surroundings()
        around.is_too_large = lambda parcel: isinstance(parcel, Forward) and parcel.record.offset == 1
        partition = await around.partition()
        partition.put(batch(signup(STRANGER, 0), signup(STRANGER, 1), signup(MINE, 2), b"bad"))
        await asyncio.sleep(1)
        head = await stored_head(around)
        assert (head.applied, head.forwarded, head.commits) == (1, 1, 1)
        assert head.dead_letters == {"malformed_json": 1, "oversized": 1}
        letter = around.sent[-1]
        assert (letter.topic, letter.value) == (around.context.dead_letter_topic, signup(STRANGER, 1))
        headers = dict(letter.headers)
        assert (headers[HEADER_REASON], headers[HEADER_OFFSET]) == (b"oversized", b"1")
        (result,) = around.results
        assert [refusal.reason for _, refusal in result.refused] == [Reason.MALFORMED_JSON, Reason.OVERSIZED]
        assert (result.away_facts, result.away_instants) == (1, 0)
        assert result.forwarded == Counter({SIGNUPS: 1})
        await partition.close()

    on_virtual_time(test)


def test_partition_that_topics_got_later_has_no_customers() -> None:
    """Who lies where follows from one number for all workers, and for good."""

    async def test() -> None:
        around = Surroundings()
        partition = await around.partition(PARTITIONS)
        values = [signup(MINE, 0), signup(STRANGER, 1), signup(MINE, 2, test=True), b"bad"]
        records = [Record(SIGNUPS, PARTITIONS, n, 0, None, value, NO_HEADERS) for n, value in enumerate(values)]
        partition.put(Batch(SIGNUPS, PARTITIONS, 0, 4, records, Lease(1)))
        await asyncio.sleep(1)
        assert [sent.partition for sent in around.sent] == [None, 0, 1]
        head = partition.head
        assert (head.applied, head.forwarded, head.tests) == (0, 2, 1)
        assert head.dead_letters == {"malformed_json": 1}
        await partition.close()

    on_virtual_time(test)
