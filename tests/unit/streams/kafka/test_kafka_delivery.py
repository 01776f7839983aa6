"""Delivery of records that somebody waits for: what each failure means, and when the producer is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from streams.errors import LogUnavailable, RecordRefused, TenureError
from streams.kafka.delivery import KafkaDelivery, OutgoingRecord, Pending, RecordTooLarge
from streams.settings.settings import Settings

RECORDS = [OutgoingRecord("customer.signup", b"c-1", b"{}", ()), OutgoingRecord("customer.cancel", b"c-2", b"{}", ())]


class FakeAccumulator:
    """The records that a producer has not sent."""

    def __init__(self) -> None:
        self.failed_with: Exception | None = None

    def fail_all(self, error: Exception) -> None:
        """Note that they are given up."""
        self.failed_with = error


class FakeProducer:
    """A producer of aiokafka whose Kafka does what a test says."""

    def __init__(self, kafka: FakeKafka) -> None:
        self.kafka = kafka
        self.sent: list[str] = []
        self.stopped = False
        self.client = self
        self._message_accumulator = FakeAccumulator()

    async def start(self) -> None:
        """Connect, or fail."""
        if not self.kafka.reached:
            raise KafkaConnectionError

    async def partitions_for(self, topic: str) -> set[int]:
        """Return its partitions."""
        return {0}

    async def send(self, topic: str, value: bytes, *, key: bytes | None, headers: Sequence[Any]) -> asyncio.Future[Any]:
        """Take a record; its delivery succeeds, fails or stays open."""
        self.sent.append(topic)
        delivery: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self.kafka.failure is not None:
            delivery.set_exception(self.kafka.failure)
        elif self.kafka.answers:
            delivery.set_result(None)
        return delivery

    async def stop(self) -> None:
        """Close."""
        self.stopped = True

    async def force_metadata_update(self) -> bool:
        """Return whether Kafka answers."""
        return self.kafka.reached


class FakeKafka:
    """What a test says, and the producers that were made."""

    def __init__(self) -> None:
        self.reached = True
        self.answers = True
        self.failure: KafkaError | None = None
        self.producers: list[FakeProducer] = []

    def make(self, **options: Any) -> FakeProducer:
        """Return a producer; it must be one that acknowledges nothing too early."""
        assert options["acks"] == "all"
        assert "partitioner" not in options
        self.producers.append(FakeProducer(self))
        return self.producers[-1]


@pytest.fixture
def kafka() -> FakeKafka:
    """A Kafka that is there."""
    return FakeKafka()


@pytest.fixture
async def delivery(kafka: FakeKafka) -> AsyncIterator[KafkaDelivery]:
    """A delivery that has reached it."""
    made = KafkaDelivery(Settings(), kafka.make)
    keeping = asyncio.create_task(made.keep_connected())
    await until_up(made)
    yield made
    keeping.cancel()
    await asyncio.wait([keeping])
    await made.stop()


async def until_up(delivery: KafkaDelivery) -> None:
    """Wait until Kafka is reached."""
    while not delivery.is_up:
        await asyncio.sleep(0)


async def deliver(delivery: KafkaDelivery, seconds: float = 60.0) -> Pending:
    """Deliver two records, and return what was under way."""
    told: list[asyncio.Future[Any]] = []
    await delivery.deliver(RECORDS, seconds, pending=told.extend)
    return told


async def test_delivery_is_done_when_kafka_has_all_records(delivery: KafkaDelivery, kafka: FakeKafka) -> None:
    """Each went to its topic, and none is under way any more."""
    told = await deliver(delivery)
    assert [each.done() for each in told] == [True, True]
    assert kafka.producers[0].sent == ["customer.signup", "customer.cancel"]


async def test_delivery_gives_up_in_time_and_tells_what_is_under_way(delivery: KafkaDelivery, kafka: FakeKafka) -> None:
    """Whoever waits is answered, and what still takes memory is known."""
    kafka.answers = False
    told: list[asyncio.Future[Any]] = []
    with pytest.raises(LogUnavailable, match=r"it has not taken 2 records within 0\.01 s"):
        await delivery.deliver(RECORDS, 0.01, pending=told.extend)
    assert [each.done() for each in told] == [False, False]
    assert not delivery.is_up


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (MessageSizeTooLargeError(), RecordTooLarge),
        (TopicAuthorizationFailedError("customer.signup"), RecordRefused),
        (UnsupportedCodecError(), RecordRefused),
    ],
    ids=["too-large", "no-right", "codec"],
)
async def test_record_that_is_refused_leaves_the_producer_as_it_is(
    failure: KafkaError, raised: type[TenureError], delivery: KafkaDelivery, kafka: FakeKafka
) -> None:
    """It is that record alone; a producer is not made anew for each."""
    kafka.failure = failure
    with pytest.raises(raised, match=r"customer\.signup"):
        await deliver(delivery)
    assert len(kafka.producers) == 1
    assert delivery.is_up


@pytest.mark.parametrize("failure", [NotEnoughReplicasError(), LeaderNotAvailableError()], ids=["replicas", "expired"])
async def test_producer_that_fails_is_replaced(failure: KafkaError, delivery: KafkaDelivery, kafka: FakeKafka) -> None:
    """It may know addresses alone that are no longer any; until another has reached Kafka, nobody should send here."""
    kafka.failure = failure
    with pytest.raises(LogUnavailable, match=type(failure).__name__):
        await deliver(delivery)
    assert not delivery.is_up
    kafka.failure = None
    while len(kafka.producers) < 2 or not kafka.producers[0].stopped:
        await asyncio.sleep(0)
    await until_up(delivery)
    while True:
        try:
            await deliver(delivery)
        except LogUnavailable:  # the new one is not there yet
            await asyncio.sleep(0)
        else:
            break
    assert kafka.producers[1].sent == ["customer.signup", "customer.cancel"]


async def test_what_a_producer_has_under_way_is_given_up_when_it_is_stopped(
    delivery: KafkaDelivery, kafka: FakeKafka
) -> None:
    """It gives up by itself only much later, and somebody may still count its bytes."""
    await delivery.stop()
    assert kafka.producers[0].stopped
    assert kafka.producers[0]._message_accumulator.failed_with is not None
    with pytest.raises(LogUnavailable, match="not been reached"):
        await deliver(delivery)


async def test_kafka_that_took_nothing_is_up_again_once_it_takes_a_record(
    delivery: KafkaDelivery, kafka: FakeKafka
) -> None:
    """Whoever balances sends the next requests elsewhere meanwhile, and comes back by itself."""
    kafka.answers = False
    with pytest.raises(LogUnavailable):
        await deliver(delivery, 0.01)
    kafka.answers = True
    await deliver(delivery)
    assert delivery.is_up


async def test_kafka_that_is_lost_while_a_producer_is_replaced_is_not_up(
    delivery: KafkaDelivery, kafka: FakeKafka
) -> None:
    """The producer that is gone is not asked any more, and its last answer is no news of Kafka."""
    kafka.failure, kafka.reached = LeaderNotAvailableError(), False
    with pytest.raises(LogUnavailable):
        await deliver(delivery)
    while len(kafka.producers) < 2:
        await asyncio.sleep(0)
    assert not delivery.is_up


async def test_kafka_that_is_not_there_is_waited_for(kafka: FakeKafka) -> None:
    """A gateway that starts before Kafka goes on by itself."""
    kafka.reached = False
    made = KafkaDelivery(Settings(), kafka.make)
    keeping = asyncio.create_task(made.keep_connected())
    while not kafka.producers:
        await asyncio.sleep(0)
    with pytest.raises(LogUnavailable, match="it has not been reached since the start"):
        await deliver(made)
    kafka.reached = True
    await until_up(made)
    await deliver(made)
    keeping.cancel()
    await asyncio.wait([keeping])
