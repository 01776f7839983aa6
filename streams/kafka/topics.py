"""Looking at Kafka before anything starts: are the topics there, and do they fit together?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.metadata import MetadataRequest

from streams.backoff import Backoff
from streams.errors import ConfigurationError, TopicsUnfit
from streams.kafka.errors import check_admission
from streams.settings.settings import Settings

log = structlog.get_logger(__name__)


class TopicSize(NamedTuple):
    """Size of a topic in Kafka: partitions, and replicas of the partition that has fewest (counts)."""

    partitions: int
    replicas: int


async def sizes_of(topics: Iterable[str], admin: AIOKafkaAdminClient) -> dict[str, TopicSize]:
    """Return the size of each of these topics that exists and is ready.

    Args:
        topics: Their names.
        admin: A client that is connected.

    Raises:
        KafkaError: Kafka does not answer.
    """
    # All topics are asked for: asking by name would create the missing ones where Kafka creates topics by itself.
    described = {topic["topic"]: topic for topic in await admin.describe_topics() if not topic["error_code"]}
    return {
        name: TopicSize(len(partitions), min(len(partition["replicas"]) for partition in partitions))
        for name in topics
        if name in described and (partitions := described[name]["partitions"])
    }


async def check_visible(missing: Sequence[str], admin: AIOKafkaAdminClient, settings: Settings) -> None:
    """Find out whether topics that seem to be missing are only hidden from us: Kafka lists what we may see.

    Args:
        missing: Their names.
        admin: A client that is connected.
        settings: Who we are.

    Raises:
        TopicsUnfit: Kafka does not let us see one of them, be it there or not.
        KafkaError: Kafka does not answer.
    """
    if not missing:
        return
    # Asking by name creates nothing with this flag.
    answer = await admin._send_request(MetadataRequest(list(missing), allow_auto_topic_creation=False))
    hidden = sorted(
        topic["topic"]
        for topic in answer.to_object()["topics"]
        if topic["error_code"] == TopicAuthorizationFailedError.errno
    )
    if hidden:
        us = "us" if settings.kafka_username is None else repr(settings.kafka_username)
        raise TopicsUnfit(
            f"Kafka does not let {us} see {', '.join(hidden)}, whether they are there or not; have "
            "its administrator give the rights that docs/rights.md lists"
        )


async def partition_counts(
    topics: Sequence[str], settings: Settings, client_options: Mapping[str, Any]
) -> dict[str, int]:
    """Return how many partitions each topic has; 0 for one that does not exist. Waits while Kafka is away.

    Args:
        topics: Their names.
        settings: Who we are.
        client_options: Of an aiokafka client: addresses and security.

    Raises:
        ConfigurationError: Kafka is there, and does not let us in, or hides a topic from us.
    """
    backoff = Backoff()
    while True:
        admin = AIOKafkaAdminClient(**client_options)
        try:
            await admin.start()
            sizes = await sizes_of(topics, admin)
            await check_visible([topic for topic in topics if topic not in sizes], admin, settings)
            return {topic: sizes[topic].partitions if topic in sizes else 0 for topic in topics}
        except (KafkaError, OSError) as error:
            await check_admission(settings, client_options)
            log.warning("waiting_for_kafka", reason=repr(error), pause_seconds=backoff.seconds)
        finally:
            await admin.close()
        await backoff.pause()


def check_adapter_topics(counts: Mapping[str, int]) -> None:
    """Look whether topics of other systems are there.

    Args:
        counts: Partitions by topic, 0 for a missing one.

    Raises:
        ConfigurationError: One is missing; it names them.
    """
    missing = sorted(topic for topic, count in counts.items() if not count)
    if missing:
        listed = ", ".join(missing)
        raise ConfigurationError(
            "TENURE_ADAPTER_TOPICS",
            ", ".join(sorted(counts)),
            f"Kafka does not have {listed}; correct the name, or have whoever writes there create it",
        )


def check_topics(counts: Mapping[str, int], *, input_topics: Sequence[str]) -> int:
    """Return the number of partitions that all input topics have.

    Args:
        counts: Partitions by topic, 0 for a missing one; may hold other topics that must exist.
        input_topics: Those that must have equally many.

    Raises:
        TopicsUnfit: A topic is missing, or the input topics are not co-partitioned; it names them.
    """
    missing = sorted(topic for topic, count in counts.items() if not count)
    if missing:
        raise TopicsUnfit(
            f"Kafka does not have {len(missing)} of the {len(counts)} topics that the settings name: "
            f"{', '.join(missing)}; create them with `tenure topics --create`, or correct TENURE_TOPICS"
        )
    sizes = {counts[topic] for topic in input_topics}
    if len(sizes) > 1:
        listed = ", ".join(f"{topic} has {counts[topic]}" for topic in input_topics)
        raise TopicsUnfit(
            f"all input topics need equally many partitions, but {listed}; raise the others with `tenure topics --grow`"
        )
    return sizes.pop()
