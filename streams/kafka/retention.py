"""Retention of topics: reads it, and warns where Kafka deletes events that could then not be counted again.

Tells of it once, and in a metric; nothing depends on it. `streams.batching.locating` notices what is deleted too soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams.metrics.meters import Meters

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 600.0
KEPT_FOR_GOOD: Final[Mapping[str, str]] = {"retention.ms": "-1", "retention.bytes": "-1"}
"""What an input topic is created with: its events are what the tables can be counted anew from."""
POLICY: Final = "cleanup.policy"
_UNITS: Final = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"), (1, "millisecond"))


class Retention(NamedTuple):
    """Retention of a topic's records in Kafka.

    Attributes:
        ms: Age at which records are deleted (ms); -1 is never.
        bytes: Size of a partition from which its oldest records are deleted (bytes); -1 is none.
        compacted: Whether only the last record of each key is kept.
    """

    ms: int
    bytes: int
    compacted: bool

    @property
    def for_good(self) -> bool:
        """Return whether every record stays."""
        return self.ms == self.bytes == -1 and not self.compacted

    @property
    def in_words(self) -> str:
        """Such as "for good", "7 days", "7 days or 1,000 bytes"."""
        size, name = next(unit for unit in _UNITS if self.ms % unit[0] == 0)
        number = self.ms // size
        limits = [f"{number:,} {name}{'' if number == 1 else 's'}"] if self.ms != -1 else []
        limits += [f"{self.bytes:,} bytes"] if self.bytes != -1 else []
        limits += ["the last of each key"] if self.compacted else []
        return " or ".join(limits) or "for good"


async def retentions_of(topics: Iterable[str], admin: AIOKafkaAdminClient) -> dict[str, Retention]:
    """Return how long each topic is kept; one that we may not ask about, or that is not there, is left out.

    Args:
        topics: Their names.
        admin: A client that is connected.

    Raises:
        KafkaError: Kafka does not answer.
    """
    names = dict.fromkeys((*KEPT_FOR_GOOD, POLICY), "")
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic, configs=names) for topic in topics]
    if not resources:
        return {}
    found: dict[str, Retention] = {}
    for answer in await admin.describe_configs(resources):
        for code, _message, _kind, topic, entries in answer.resources:
            values = {entry[0]: entry[1] for entry in entries}
            if not code and KEPT_FOR_GOOD.keys() <= values.keys():
                policies = (values.get(POLICY) or "").split(",")
                age, size = (int(values[name]) for name in KEPT_FOR_GOOD)
                found[topic] = Retention(
                    max(age, -1) if "delete" in policies else -1,
                    max(size, -1) if "delete" in policies else -1,
                    "compact" in policies,
                )
    return found


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
