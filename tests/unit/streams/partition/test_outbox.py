"""How records are sent: again until they are there, never twice without need, and never for ever for what they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from schemas.refusals import HEADER_DETAIL, HEADER_REASON, HEADER_TRUNCATED, Reason, Refusal
from streams.batching.sender import Outgoing
from streams.errors import LogUnavailable, RecordRefused
from streams.kafka.answers import Answer, InvalidRecordError, meaning_of
from streams.partition.forwarding import Forward, Seal
from streams.partition.outbox import DeadLetter, Delivery, LogOutbox
from streams.records import NO_HEADERS, Headers, Record
from tests.unit.streams.partitions import Surroundings, batch, on_virtual_time, stored_head

SEAL: Final = Seal("ours")


def parcel(value: bytes) -> Outgoing:
    """Return a small record on its way."""
    return Outgoing("t", 0, b"k", value, None, NO_HEADERS)


class FakeSender:
    """A producer that answers as told: by value, one error a try, at once or when the result is awaited."""

    def __init__(self, answers: dict[bytes, list[KafkaError]] | None = None, *, at_once: bool = False) -> None:
        self.answers, self.at_once = answers or {}, at_once
        #: every record that was handed over, and whether alone
        self.tries: list[tuple[bytes, bool]] = []
        self.log: list[bytes] = []

    async def deliver(
        self, topic: str, *, key: bytes | None, value: bytes | None, partition: int | None = None,
        timestamp_ms: int | None = None, headers: Headers = NO_HEADERS, alone: bool = False,
    ) -> Awaitable[Any]:  # fmt: skip
        """Take a record, or answer it."""
        del topic, key, partition, timestamp_ms, headers
        assert value is not None
        self.tries.append((value, alone))
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        planned = self.answers.get(value)
        if planned and self.at_once:
            raise planned.pop(0)
        if planned:
            done.set_exception(planned.pop(0))
        else:
            self.log.append(value)
            done.set_result(None)
        return done


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_is_acknowledged_is_not_sent_again(at_once: bool) -> None:
    """A batch of ten thousand dead letters that waits for one would fill the topic with copies."""
    sender = FakeSender({b"2": [KafkaConnectionError()]}, at_once=at_once)
    outbox, delivery = LogOutbox(lambda: sender), Delivery([parcel(b"1"), parcel(b"2"), parcel(b"3")])
    with pytest.raises(LogUnavailable):
        await outbox.send(delivery)
    await outbox.send(delivery)
    assert (sorted(sender.log), delivery.waiting) == ([b"1", b"2", b"3"], [])


async def test_record_refused_beside_another_is_sent_alone() -> None:
    """Kafka refuses a batch for one of its records; the others are no worse for it."""
    sender = FakeSender({b"1": [InvalidRecordError()], b"2": [InvalidRecordError()]})
    delivery = Delivery([parcel(b"1"), parcel(b"2"), parcel(b"3")])
    await LogOutbox(lambda: sender).send(delivery)
    assert sender.tries[3:] == [(b"1", True), (b"2", True)]
    assert delivery.waiting == delivery.too_large == []


@pytest.mark.parametrize("at_once", [False, True])
async def test_refusal_for_what_the_topic_is_set_to_is_said_and_waits(at_once: bool) -> None:
    """Kafka answers: to call it away would hide what an operator has to do."""
    error = TopicAuthorizationFailedError("t")
    sender = FakeSender({b"1": [error, error]}, at_once=at_once)
    outbox, delivery = LogOutbox(lambda: sender), Delivery([parcel(b"1"), parcel(b"2")])
    with pytest.raises(RecordRefused, match=r"TopicAuthorizationFailedError.*what this worker may write") as caught:
        await outbox.send(delivery)
    assert (caught.value.topic, caught.value.retriable) == ("t", True)
    sender.answers.clear()
    await outbox.send(delivery)
    assert sorted(sender.log) == [b"1", b"2"]


async def test_topic_that_is_not_there_is_asked_for_once_a_try() -> None:
    """Each question takes a minute; ten thousand records would take a week."""
    sender = FakeSender({b"%d" % n: [UnknownTopicOrPartitionError()] for n in range(9)}, at_once=True)
    with pytest.raises(RecordRefused):
        await LogOutbox(lambda: sender).send(Delivery([parcel(b"%d" % n) for n in range(9)]))
    assert len(sender.tries) == 1


async def test_record_that_gives_way_is_left_to_its_sender_when_it_is_too_large() -> None:
    """A forwarded record becomes a dead letter; a dead letter has nothing to become."""
    record = Record("t", 0, 0, 0, None, b"1", NO_HEADERS)
    refused: list[KafkaError] = [MessageSizeTooLargeError() for _ in range(9)]
    forward = Forward(record, "t", 1, "c", SEAL)
    delivery = Delivery([forward])
    await LogOutbox(lambda: FakeSender({b"1": list(refused)})).send(delivery)
    assert (delivery.waiting, delivery.too_large) == ([], [forward])
    letter = DeadLetter(record, Refusal(Reason.OVERSIZED, "large"), "dead")
    with pytest.raises(RecordRefused, match="dead"):
        await LogOutbox(lambda: FakeSender({b"1": list(refused)})).send(Delivery([letter]))


def test_each_form_of_a_dead_letter_is_smaller_and_the_last_is_tiny() -> None:
    """A topic says what it takes only by refusing more."""
    headers = [(f"header-{n}", b"x" * 50) for n in range(5_000)]
    record = Record("t" * 249, 2**31 - 1, 2**63 - 1, 0, b"k" * 10**6, b"v" * 10**6, headers)
    letter = DeadLetter(record, Refusal(Reason.INVALID_MEMBER, "\u00e9" * 300), "dead")
    sizes = []
    for step in range(100):
        form = letter.form(step)
        if form is None:
            break
        inner = sum(len(name.encode()) + len(value) + 6 for name, value in form.headers)
        sizes.append(len(form.key or b"") + len(form.value or b"") + inner)
        own = dict(form.headers)
        assert own[HEADER_REASON] == b"invalid_member"
        assert ("\u00e9" * 300).startswith(own[HEADER_DETAIL].decode())
        assert (HEADER_TRUNCATED in own) is (step > 0)
    assert sizes == sorted(set(sizes), reverse=True)
    assert sizes[-1] < 900


def test_headers_that_carry_the_event_are_the_last_to_go() -> None:
    """Whoever mends a dead letter and sends it again needs them; a trace of thousands of parts nobody does."""
    headers = [("trace", b"x" * 200_000), ("trace", b"y" * 100_000), ("ce_id", b"1"), ("small", b"z")]
    form = DeadLetter(Record("t", 0, 0, 0, None, None, headers), Refusal(Reason.MALFORMED_JSON, ""), "dead").form(1)
    assert form is not None
    assert [name for name, _ in form.headers][:3] == ["trace", "ce_id", "small"]
    assert form.headers[0] == headers[0]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (KafkaConnectionError(), Answer.AWAY),
        (OSError(), Answer.AWAY),
        (TimeoutError(), Answer.AWAY),
        (MessageSizeTooLargeError(), Answer.TOO_LARGE),
        (InvalidRecordError(), Answer.BAD_RECORD),
        (PolicyViolationError(), Answer.REFUSED),
        (UnknownTopicOrPartitionError(), Answer.REFUSED),
    ],
)
def test_answer_of_kafka_has_one_meaning(error: Exception, meaning: Answer) -> None:
    """What waiting does not mend must not be waited for in silence."""
    assert meaning_of(error) is meaning


def test_partition_says_what_kafka_does_not_take_until_it_does() -> None:
    """It waits for somebody to change a topic: who looks must see that, and which."""

    async def test() -> None:
        around = Surroundings()
        refusal = RecordRefused("dead", "PolicyViolationError")
        around.fail_sending = [refusal, RecordRefused("dead", "again")]
        partition = await around.partition()
        partition.put(batch(b"bad"))
        await asyncio.sleep(0.05)
        said = [partition.refused]
        assert around.heard[-1] == "waits for RecordRefused"
        await asyncio.sleep(1)
        assert [*said, partition.refused] == [refusal, None]
        assert (await stored_head(around)).dead_letters == {"malformed_json": 1}
        await partition.close()

    on_virtual_time(test)
