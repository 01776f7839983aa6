"""Real Kafka and Redis for a run, with what the reference job asks of them: topics, records, positions, memory."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, cast

from confluent_kafka import Consumer, Producer, TopicPartition

from bench import machine
from bench.traffic import Message
from kpis.counting.spans import cells_in
from schemas.topics import DEAD_LETTER_TOPIC, DEFAULT_TOPIC_NAMES
from services.kafka import Kafka
from services.redis import Redis
from streams.tables import positions_of

PARTITIONS: Final = 4
TOPICS: Final = tuple(DEFAULT_TOPIC_NAMES.values())
PREFIX: Final = "tenure"
GROUP: Final = "bench"
_QUEUE_RECORDS: Final = 100_000
_POLL_SECONDS: Final = 0.02
_SAMPLE: Final = 2000


class Servers:
    """One Kafka broker and one Redis (appendonly everysec), in a folder that goes with them."""

    def __init__(self, compression: str, *, partitions: int = PARTITIONS) -> None:
        """Lay them out; `compression` is that of the records (none, gzip, lz4, zstd)."""
        self.compression = compression
        self.partitions = partitions
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(TemporaryDirectory(prefix="bench-")))
        self.folder = folder
        for name in ("kafka", "redis"):
            (folder / name).mkdir()
        self.kafka = Kafka(folder / "kafka")
        self._stack.callback(self.kafka.kill)
        # As docs/operating.md says.
        self.redis = Redis(folder / "redis", options=("--auto-aof-rewrite-min-size", "1gb"))
        self._stack.callback(self.redis.kill)
        self.kafka.start()
        self.redis.start()
        self.client = self.redis.client()
        self._stack.callback(self.client.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin(self) -> None:
        """Forget everything: empty topics, an empty Redis."""
        names = [*TOPICS, DEAD_LETTER_TOPIC]
        if set(names) & set(self.kafka.admin.list_topics(timeout=10).topics):
            self.kafka.delete_topics(names)
        self.kafka.create_topics(names, self.partitions)
        self.client.flushall()

    # -- Kafka

    def produce(self, messages: Iterable[Message]) -> int:
        """Send records, each to the partition of its key (murmur2), and wait until Kafka has them; return how many."""
        producer = Producer(
            {
                "bootstrap.servers": self.kafka.bootstrap,
                "partitioner": "murmur2_random",
                "compression.type": self.compression,
                "linger.ms": 20,
                "batch.size": 256 * 1024,
                "queue.buffering.max.messages": 2 * _QUEUE_RECORDS,
            }
        )
        sent = 0
        for topic, key, value, timestamp_ms in messages:
            producer.produce(topic, value, key, timestamp=timestamp_ms)
            sent += 1
            if sent % _QUEUE_RECORDS == 0:
                assert producer.flush(60) == 0
        assert producer.flush(60) == 0, "Kafka did not take all records"
        return sent

    def ends(self) -> dict[tuple[str, int], int]:
        """Return the end of every partition of the input topics (offset)."""
        client = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "ends"})
        try:
            return {
                (topic, partition): client.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)[1]
                for topic in TOPICS
                for partition in range(self.partitions)
            }
        finally:
            client.close()

    def kafka_cpu_seconds(self) -> float:
        """Return the CPU time that Kafka has taken (seconds)."""
        return machine.cpu_seconds(self.kafka.process.pid)

    # -- Redis

    def applied(self) -> int:
        """Return how many records the stored positions cover, over all topics (count)."""
        heads = cast("list[bytes | None]", self.client.mget([f"{PREFIX}:{{{n}}}:h" for n in range(self.partitions)]))
        return sum(sum(positions_of(head).values()) for head in heads)

    def wait_applied(self, records: int, *, running: Callable[[], bool], seconds: float) -> None:
        """Wait until the stored positions cover so many records.

        Raises:
            TimeoutError: They did not in time, or the worker has ended.
        """
        deadline = time.monotonic() + seconds
        while (applied := self.applied()) < records:
            if not running() or time.monotonic() > deadline:
                raise TimeoutError(f"{applied:,} of {records:,} records applied")
            time.sleep(_POLL_SECONDS)

    def redis_cpu_seconds(self) -> float:
        """Return the CPU time that Redis has taken, its children included (seconds)."""
        info = self._info("cpu")
        kinds = ("used_cpu_sys", "used_cpu_user", "used_cpu_sys_children", "used_cpu_user_children")
        return sum(float(info[kind]) for kind in kinds)

    def redis_memory_bytes(self) -> int:
        """Return what Redis uses (bytes)."""
        return int(self._info("memory")["used_memory"])

    def _info(self, section: str) -> dict[str, Any]:
        return self.client.info(section)

    def state_sizes(self) -> tuple[int, float, float]:
        """Return how many customers have a state beside the log, and its mean size with its key, and alone (bytes)."""
        keys = list(self.client.scan_iter(f"{PREFIX}:*:s:*", count=5000))
        sample = random.Random(1).sample(keys, min(_SAMPLE, len(keys)))
        pipe = self.client.pipeline(transaction=False)
        for key in sample:
            pipe.memory_usage(key)
            pipe.strlen(key)
        answers = pipe.execute()
        return len(keys), sum(answers[::2]) / max(1, len(sample)), sum(answers[1::2]) / max(1, len(sample))

    def cell_sizes(self) -> tuple[int, float]:
        """Return how many counter cells there are, and the mean size of one (bytes)."""
        keys = list(self.client.scan_iter(f"{PREFIX}:*:c:*", count=5000))
        cells = sum(cells_in(cast("bytes", span)) for key in keys for span in self.client.hvals(key))
        used = sum(cast("int", self.client.memory_usage(key, samples=0)) for key in keys)
        return cells, used / max(1, cells)
