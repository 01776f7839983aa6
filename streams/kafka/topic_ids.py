"""Kafka's ids of topics: a topic that was deleted and made anew under its old name has another one.

Kafka 2.8 and later know them. aiokafka does not ask for them, so that the one version of the request that all of these
brokers answer is defined here, with aiokafka's types: https://kafka.apache.org/protocol (Metadata, version 10).
"""

from __future__ import annotations

import uuid
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import structlog
from aiokafka.errors import IncompatibleBrokerVersion, KafkaConnectionError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)
_API_KEY: Final = 3
_API_VERSION: Final = 10
_UUID_BYTES: Final = 16
_NO_ID: Final = uuid.UUID(int=0)


class _Uuid(Int32):  # type: ignore[misc]  # aiokafka's types are not followed
    """Sixteen bytes; aiokafka has no such type, and its arrays take subclasses of its own alone."""

    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(_UUID_BYTES))


class _Answer(Response):  # type: ignore[misc]  # aiokafka's types are not followed
    API_KEY = _API_KEY
    API_VERSION = _API_VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc]  # aiokafka's types are not followed
    FLEXIBLE_VERSION = True
    API_KEY = _API_KEY
    API_VERSION = _API_VERSION
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("topic", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _TopicIds(Request[_Question]):  # type: ignore[misc]  # aiokafka's types are not followed
    API_KEY = _API_KEY

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_Question]) -> _Question:
        names: list[tuple[uuid.UUID, str, dict[int, bytes]]] = [(_NO_ID, topic, {}) for topic in self._topics]
        return request_struct_class(names, False, False, False, {})


_told: set[str] = set()
"""What was said already of this process's Kafka, so that it is said once."""


async def topic_ids(client: Any, topics: Sequence[str]) -> dict[str, str]:
    """Return the id of each topic, as 32 hexadecimal digits; none of those that are not there.

    Args:
        client: aiokafka's, connected.
        topics: Their names.

    Returns:
        Nothing at all where Kafka is too old to have ids; the log says so once.

    Raises:
        KafkaError: Kafka does not answer.
    """
    node = client.get_random_node()
    if node is None:
        raise KafkaConnectionError("no broker is known")
    try:
        answer = await client.send(node, _TopicIds(topics))
    except (NotImplementedError, IncompatibleBrokerVersion) as error:
        if not _told:
            _told.add("without ids")
            log.warning(
                "topics_without_ids",
                reason=str(error),
                advice="this Kafka is older than 2.8: a topic that is deleted and made anew under a stored position is"
                " noticed only while it is shorter than that position",
            )
        return {}
    return {topic: topic_id.hex for code, topic, topic_id, *_ in answer.topics if not code and topic_id != _NO_ID}
