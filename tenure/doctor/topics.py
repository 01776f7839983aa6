"""Diagnosis of Kafka: the topics of the stream, how long they are kept, and the members of its consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code

from schemas.wording import counted
from streams.kafka.errors import no_kafka
from streams.kafka.security import client_options
from streams.settings.settings import Settings
from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.operations.topics import Topic, fault_of, finite_of, unneeded

AREA: Final = "kafka"
_ANSWER_SECONDS: Final = 15.0


async def topic_findings(settings: Settings, topics: Sequence[Topic]) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of the topics that the settings name."""
    unused = unneeded(settings)
    found = [each for each in topics if each.topic not in unused]
    wrong = fault_of(found)
    if wrong is not None:
        yield fault(AREA, wrong)
    else:
        not_needed = [f"; {name} is not needed ({reason})" for name, reason in unused.items()]
        yield ok(AREA, f"{settings.kafka_bootstrap} answers; {_size_of(found)}{''.join(not_needed)}")
    finite = finite_of(found)
    if finite:
        names = ", ".join(f"{topic.topic} ({topic.retention.in_words})" for topic in finite if topic.retention)
        yield warning(
            AREA,
            f"Kafka deletes events of {names}: tables can then not be counted anew from the beginning",
            "run `tenure topics --keep`",
        )
    alone = [topic.topic for topic in found if topic.replication == 1]
    if alone:
        yield warning(
            AREA,
            f"{len(alone)} of the {len(found)} needed topics have one replica: events are gone with its broker's disk",
            "raise the replication factor where Kafka has several brokers",
        )


def _size_of(found: list[Topic]) -> str:
    inputs = [topic for topic in found if topic.is_input]
    return f"{len(inputs)} input topics of {inputs[0].partitions} partitions each"


async def group_findings(settings: Settings) -> AsyncIterator[Diagnosed]:
    """Yield whether workers are there, and whether Kafka has given them the partitions.

    Raises:
        LogUnavailable: Kafka does not answer.
        ConfigurationError: Kafka does not let us in, or does not let us see the group.
    """
    state, members = await _group(settings)
    if not members:
        yield fault(AREA, f"no worker is in the group {settings.group}: nothing is counted", "start `tenure worker`")
    elif state != "Stable":
        yield warning(
            AREA,
            f"the group {settings.group} is dividing its partitions anew ({state})",
            "look again in a minute; if it stays so, workers come and go: read their logs",
        )
    else:
        yield ok(AREA, f"{counted(members, 'workers')} in the group {settings.group}")


async def _group(settings: Settings) -> tuple[str, int]:
    """Return the group's state, as Kafka names it, and how many members it has (count)."""
    options = client_options(settings)
    admin = AIOKafkaAdminClient(**options)
    try:
        await asyncio.wait_for(admin.start(), _ANSWER_SECONDS)
        answers: list[Any] = await asyncio.wait_for(admin.describe_consumer_groups([settings.group]), _ANSWER_SECONDS)
        code, _, state, _, _, members, *_ = answers[0].groups[0]
        if code:
            raise for_code(code)(settings.group)
    except (KafkaError, OSError, TimeoutError) as error:
        raise await no_kafka(settings, options, error) from error
    finally:
        await admin.close()
    return str(state), len(members)
