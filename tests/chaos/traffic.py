"""Events without end, sent to Kafka at a steady rate by another client than ours, and kept for the recount."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException, Producer

from schemas.topics import DEFAULT_TOPIC_OF_TYPE
from tests.chaos.crowd import crowd

if TYPE_CHECKING:
    from services.installation import Installation

#: Customers that begin together; of their events a part comes much later, when others have begun.
TOGETHER: Final = 2_000
HELD_BACK_SHARE: Final = 0.1
_TICK_SECONDS: Final = 0.05
_SECONDS_TO_FLUSH: Final = 120.0


def endless(seed: int) -> Iterator[bytes]:
    """Yield events; two of one seed are equal."""
    random, held_back = Random(seed), list[bytes]()
    first = 0
    while True:
        fresh = crowd(random, customers=TOGETHER, first=first)
        first += TOGETHER
        late = [record for record in fresh if random.random() < HELD_BACK_SHARE]
        kept = set(map(id, late))
        records = [record for record in fresh if id(record) not in kept] + held_back
        held_back = late
        random.shuffle(records)  # arrival tells nothing about when something happened
        yield from records


class Sender:
    """Sends records until it is told to end; `sent` are those that it has sent, in order.

    Args:
        installation: Where to, by topics of the events' types.
        records: What to send.
        rate: How many a second.
    """

    def __init__(self, installation: Installation, records: Iterator[bytes], *, rate: int) -> None:
        self.sent: list[bytes] = []
        self.failed: list[str] = []
        self._records, self._rate = records, rate
        # Each once and in order, however often it is sent; what Kafka does not take now it takes later.
        self._producer: Producer = installation.producer(
            **{"enable.idempotence": True, "message.timeout.ms": 0, "partitioner": "murmur2_random", "linger.ms": 20},
            **{"compression.type": "lz4", "queue.buffering.max.messages": 1_000_000, "log_level": 0},
        )
        self._topics = {
            event_type: installation.topics[topic.removeprefix("customer.")]
            for event_type, topic in DEFAULT_TOPIC_OF_TYPE.items()
            if topic.startswith("customer.")
        }
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._began = 0.0

    @property
    def count(self) -> int:
        """How many records were sent so far (count)."""
        return len(self.sent)

    def start(self) -> None:
        """Begin to send."""
        self._began = time.monotonic()
        self._thread.start()

    def stop(self) -> float:
        """Send no more, wait until Kafka has everything, and return how many a second were sent.

        Raises:
            AssertionError: Kafka did not take all.
        """
        self._ends.set()
        self._thread.join()
        a_second = self.count / (time.monotonic() - self._began)
        left = self._producer.flush(_SECONDS_TO_FLUSH)
        assert left == 0, f"Kafka has not taken {left} records"
        assert self.failed == [], self.failed[:3]
        return a_second

    def _send(self) -> None:
        due = 0.0
        while not self._ends.is_set():
            due = min(due + self._rate * _TICK_SECONDS, 2.0 * self._rate)
            began = time.monotonic()
            while due >= 1 and not self._ends.is_set():
                self._send_one(next(self._records))
                due -= 1
            self._producer.poll(0)
            time.sleep(max(0.0, _TICK_SECONDS - (time.monotonic() - began)))

    def _send_one(self, record: bytes) -> None:
        event = json.loads(record)
        topic, key = self._topics[event["type"]], event["customer_id"].encode()
        told: Callable[..., None] = self._told
        while True:
            try:
                self._producer.produce(topic, record, key=key, on_delivery=told)
            except BufferError:
                self._producer.poll(0.1)
                continue
            break
        self.sent.append(record)

    def _told(self, error: Any, _: Any) -> None:
        if error is not None:
            self.failed.append(str(KafkaException(error)))
