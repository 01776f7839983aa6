"""Whether Kafka keeps the events: what it deletes one day, nobody can count again.

Tells of it once, and in a metric; nothing depends on it. `streams.locating` notices what is deleted too soon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from streams.meters import Meters

log = structlog.get_logger(__name__)
LOOK_SECONDS: Final = 600.0
_LIMITS: Final = ("retention.ms", "retention.bytes")


def what_deletes(configuration: Mapping[str, str | None]) -> str | None:
    """Return what makes Kafka delete events of a topic, as its configuration says it; None where nothing does.

    Args:
        configuration: Of the topic: value by name.
    """
    policies = (configuration.get("cleanup.policy") or "").split(",")
    if "compact" in policies:
        return "cleanup.policy=compact keeps only the last event of a customer"
    if "delete" not in policies:
        return None
    found = [f"{name}={value}" for name in _LIMITS if (value := configuration.get(name)) not in {None, "-1"}]
    return ", ".join(found) or None


async def deletions(topics: Sequence[str], client_options: Mapping[str, Any]) -> dict[str, str | None]:
    """Return for each topic what makes Kafka delete its events; no topic that we may not ask about.

    Raises:
        KafkaError: Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(**client_options)
    try:
        await admin.start()
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics])
    finally:
        await admin.close()
    return {
        name: what_deletes({entry[0]: entry[1] for entry in entries})
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if not code
    }


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
                self.tell(await deletions(self._topics, self._client_options))
            except (KafkaError, OSError) as error:
                log.info("retention_not_looked_at", reason=repr(error))
            await asyncio.sleep(LOOK_SECONDS)

    def tell(self, found: Mapping[str, str | None]) -> None:
        """Say which topics do not keep their events, each once, and in the meters."""
        self._meters.look_at_retention({topic: reason is not None for topic, reason in found.items()})
        for topic, reason in found.items():
            if reason is not None and topic not in self._told:
                self._told.add(topic)
                log.warning(
                    "retention_finite",
                    topic=topic,
                    reason=reason,
                    advice="what Kafka has deleted cannot be counted again when Redis is lost; keep events for good:"
                    " cleanup.policy=delete, retention.ms=-1, retention.bytes=-1",
                )
