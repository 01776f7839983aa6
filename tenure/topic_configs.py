"""How long Kafka keeps the records of topics, and having it keep them for good.

aiokafka's `alter_configs` replaces all that a topic has set; what is altered here leaves the rest as it is (Kafka's
IncrementalAlterConfigs, from Kafka 2.3 on).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

KEPT_FOR_GOOD: Final[Mapping[str, str]] = {"retention.ms": "-1", "retention.bytes": "-1"}
"""What an input topic is created with: its events are what the tables can be counted anew from."""
_POLICY: Final = "cleanup.policy"
_TOPIC: Final = 2
_SET: Final = 0
_UNITS: Final = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"), (1, "millisecond"))


class Retention(NamedTuple):
    """How long Kafka keeps the records of a topic, as `tenure topics --json` prints it.

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
        """Whether every record stays."""
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
    names = dict.fromkeys((*KEPT_FOR_GOOD, _POLICY), "")
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic, configs=names) for topic in topics]
    if not resources:
        return {}
    found: dict[str, Retention] = {}
    for answer in await admin.describe_configs(resources):
        for code, _message, _kind, topic, entries in answer.resources:
            values = {entry[0]: entry[1] for entry in entries}
            if not code and KEPT_FOR_GOOD.keys() <= values.keys():
                policies = (values.get(_POLICY) or "").split(",")
                age, size = (int(values[name]) for name in KEPT_FOR_GOOD)
                found[topic] = Retention(
                    max(age, -1) if "delete" in policies else -1,
                    max(size, -1) if "delete" in policies else -1,
                    "compact" in policies,
                )
    return found


async def keep_for_good(topics: Iterable[str], admin: AIOKafkaAdminClient) -> list[tuple[str, int, str]]:
    """Have Kafka keep every record of topics from now on.

    Returns:
        Topic, error code and message of those that Kafka did not alter.

    Raises:
        KafkaError: Kafka does not answer.
    """
    changes = [(name, _SET, value) for name, value in {**KEPT_FOR_GOOD, _POLICY: "delete"}.items()]
    request = IncrementalAlterConfigsRequest([(_TOPIC, topic, changes) for topic in topics])
    answer = await admin._send_to_controller(request)  # noqa: SLF001 - aiokafka has no method for it
    return [(topic, code, message or "") for code, message, _kind, topic in answer.resources if code]


class IncrementalAlterConfigsResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    """What became of each resource."""

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
