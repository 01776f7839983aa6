"""Retention of topics: the time for which Kafka keeps their records, and how that reads in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.wording import counted

KEPT_FOR_GOOD: Final[Mapping[str, str]] = {"retention.ms": "-1", "retention.bytes": "-1"}
"""What an input topic is created with: its events are what the tables can be counted anew from."""
POLICY: Final = "cleanup.policy"
COMPACTED: Final[Mapping[str, str]] = {POLICY: "compact"}
"""What a topic is created with that keeps the last record of each key for good."""
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
    def keeps_each_key(self) -> bool:
        """Return whether the last record of every key stays."""
        return self.ms == self.bytes == -1

    @property
    def in_words(self) -> str:
        """Such as "for good", "7 days", "7 days or 1,000 bytes"."""
        size, name = next(unit for unit in _UNITS if self.ms % unit[0] == 0)
        number = self.ms // size
        limits = [counted(number, f"{name}s")] if self.ms != -1 else []
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
