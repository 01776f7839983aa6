"""Having Kafka keep the records of topics for good; how long it keeps them: `streams.kafka.retention`.

aiokafka's `alter_configs` replaces all that a topic has set; what is altered here leaves the rest as it is (Kafka's
IncrementalAlterConfigs, from Kafka 2.3 on).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from streams.kafka.retention import KEPT_FOR_GOOD, POLICY

_TOPIC: Final = 2
_SET: Final = 0


async def keep_for_good(topics: Iterable[str], admin: AIOKafkaAdminClient) -> list[tuple[str, int, str]]:
    """Have Kafka keep every record of topics from now on.

    Returns:
        Topic, error code and message of those that Kafka did not alter.

    Raises:
        KafkaError: Kafka does not answer.
    """
    changes = [(name, _SET, value) for name, value in {**KEPT_FOR_GOOD, POLICY: "delete"}.items()]
    request = IncrementalAlterConfigsRequest([(_TOPIC, topic, changes) for topic in topics])
    answer = await admin._send_to_controller(request)  # aiokafka has no method for it
    return [(topic, code, message or "") for code, message, _kind, topic in answer.resources if code]


class IncrementalAlterConfigsResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    """The outcome for each resource."""

    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "resources",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
            ),
        ),
    )


class _Wire(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = IncrementalAlterConfigsResponse
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", String("utf-8")),
                (
                    "configs",
                    Array(("name", String("utf-8")), ("operation", Int8), ("value", String("utf-8"))),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class IncrementalAlterConfigsRequest(Request[_Wire]):  # type: ignore[misc]  # as above
    """Change some configurations of topics, and leave the others as they are.

    Args:
        resources: Kind, name, and (configuration, operation, value) of each.
    """

    API_KEY = 44

    def __init__(self, resources: list[tuple[int, str, list[tuple[str, int, str]]]]) -> None:
        self._resources = resources

    def build(self, request_struct_class: type[_Wire]) -> _Wire:
        """Return what goes over the wire."""
        return request_struct_class(self._resources, False)
