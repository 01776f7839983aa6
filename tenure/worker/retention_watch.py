"""Looking, while a worker runs, whether Kafka deletes events one day that could then not be counted again.

Tells of it once, and in a metric; nothing depends on it. `streams.batching.locating` notices what is deleted too soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka.retention import Retention, retentions_of
from streams.metrics.meters import Meters

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 600.0


class RetentionWatch:
    """Looks at the retention of the input topics, now and then."""

    def __init__(self, topics: Sequence[str], client_options: Mapping[str, Any], meters: Meters) -> None:
        """Look at topics of a Kafka, and say in meters what is found."""
        self._topics = topics
        self._client_options = client_options
        self._meters = meters
        self._told: set[str] = set()

    async def run(self) -> None:
        """Look until cancelled; a Kafka that does not answer, or does not let us ask, is asked again later."""
        while True:
            try:
                self.tell(await self._look())
            except (KafkaError, OSError) as error:
                log.info("retention_not_looked_at", reason=repr(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> dict[str, Retention]:
        admin = AIOKafkaAdminClient(**self._client_options)
        try:
            await admin.start()
            return await retentions_of(self._topics, admin)
        finally:
            await admin.close()

    def tell(self, found: Mapping[str, Retention]) -> None:
        """Say which topics do not keep their events, each once, and in the meters."""
        self._meters.look_at_retention({topic: not retention.for_good for topic, retention in found.items()})
        for topic, retention in found.items():
            if not retention.for_good and topic not in self._told:
                self._told.add(topic)
                log.warning(
                    "retention_finite",
                    topic=topic,
                    kept=retention.in_words,
                    advice="what Kafka has deleted cannot be counted again when Redis is lost; run"
                    " `tenure topics --keep`, which has it keep events for good",
                )
