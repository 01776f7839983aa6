"""The topics that the settings name: what Kafka has of them, and creating those that are missing.

What exists is never changed: the number of partitions decides on which of them a customer lies.
What each topic carries: docs/events.md, section Topics.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)

from streams.errors import CheckFailed, LogUnavailable, UsageError
from streams.kafka_refusal import check_admission
from streams.kafka_security import client_options
from streams.topics_check import sizes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Container, Sequence

    from streams.settings import Settings

DEFAULT_PARTITIONS: Final = 4
_CREATED_SECONDS: Final = 30.0
"""So long all brokers may take to know of a topic that was created."""
_LOOK_AGAIN_SECONDS: Final = 0.1


class State(StrEnum):
    """What became of a topic."""

    EXISTS = "exists"
    CREATED = "created"
    MISSING = "missing"


class Topic(NamedTuple):
    """One topic, as `tenure topics --json` prints it.

    Attributes:
        topic: Its name.
        setting: The setting that names it: "topics.signup", "dead_letter_topic".
        partitions: Count; None where it is missing.
        replication: Replicas of each partition (count, the fewest where they differ); None where it is missing.
        state: Whether it is there.
    """

    topic: str
    setting: str
    partitions: int | None
    replication: int | None
    state: State


async def look(settings: Settings) -> list[Topic]:
    """Return the topics that the settings name, the input topics first.

    Raises:
        LogUnavailable: Kafka does not answer.
    """
    async with _administration(settings) as admin:
        return await _topics(settings, admin)


async def create_missing(settings: Settings, *, partitions: int | None, replication: int) -> list[Topic]:
    """Create the topics that are missing; nothing, where the input topics that exist do not agree.

    Args:
        settings: Where Kafka is, and the names of the topics.
        partitions: Of each new topic (count); None is as many as the input topics that exist have, else 4.
        replication: Replicas of each new topic (count).

    Returns:
        All topics that the settings name, the input topics first.

    Raises:
        LogUnavailable: Kafka does not answer.
        UsageError: Another number of partitions than that of the input topics, or a number that Kafka cannot give.
        CheckFailed: Kafka refused a topic.
    """
    async with _administration(settings) as admin:
        found = await _topics(settings, admin)
        missing = [topic.topic for topic in found if topic.state is State.MISSING]
        sizes = _input_sizes(found)
        if len(sizes) > 1 or not missing:
            return found
        size = sizes.pop() if sizes else partitions or DEFAULT_PARTITIONS
        if partitions not in (None, size):
            raise UsageError(f"--partitions {partitions}: the input topics that exist have {size:,}; leave it out")
        answer = await admin.create_topics([NewTopic(name, size, replication) for name in missing])
        for name, code, *message in answer.topic_errors:
            _check_created(name, code, *message)
        return await _all_there(settings, admin, missing)


def fault_of(topics: Sequence[Topic]) -> str | None:
    """Return what a worker would refuse, and what to do about it, in one line; None where all is well."""
    if len(_input_sizes(topics)) > 1:
        there = [topic for topic in topics if _is_input(topic) and topic.partitions is not None]
        return (
            "all input topics need equally many partitions, but "
            + ", ".join(f"{topic.topic} has {topic.partitions}" for topic in there)
            + "; delete those with a wrong number, then run `tenure topics --create`"
        )
    missing = [topic.topic for topic in topics if topic.state is State.MISSING]
    return f"Kafka does not have {', '.join(missing)}; run `tenure topics --create`" if missing else None


@asynccontextmanager
async def _administration(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    # What aiokafka would log stands in the one line that the command ends with.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
    options = client_options(settings)
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError) as error:
        files = {"ca_file": settings.kafka_ca_file, "certificate_file": settings.kafka_certificate_file}
        await check_admission(options, **files)
        reason = f"{error}; start it, or set kafka_bootstrap"
        raise LogUnavailable(f"Kafka at {settings.kafka_bootstrap}", reason) from error
    finally:
        await admin.close()


async def _topics(settings: Settings, admin: AIOKafkaAdminClient, created: Container[str] = ()) -> list[Topic]:
    names = {f"topics.{name}": topic for name, topic in settings.topics.items()}
    names |= {"dead_letter_topic": settings.dead_letter_topic, "survey_request_topic": settings.survey_request_topic}
    sizes = await sizes_of(names.values(), admin)
    return [
        Topic(topic, setting, *sizes[topic], State.CREATED if topic in created else State.EXISTS)
        if topic in sizes
        else Topic(topic, setting, None, None, State.MISSING)
        for setting, topic in names.items()
    ]


async def _all_there(settings: Settings, admin: AIOKafkaAdminClient, created: Container[str]) -> list[Topic]:
    """Return the topics once all of them are there: a broker may hear of a new one a moment later."""
    deadline = time.monotonic() + _CREATED_SECONDS
    while True:
        found = await _topics(settings, admin, created)
        if all(topic.state is not State.MISSING for topic in found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _check_created(name: str, code: int, message: str | None = None) -> None:
    error = for_code(code)
    if not code or error is TopicAlreadyExistsError:  # somebody else was faster
        return
    reason = f"Kafka did not create {name}: {message or error.description}"
    if error in (InvalidPartitionsError, InvalidReplicationFactorError):
        raise UsageError(f"{reason}; change --partitions or --replication")
    raise CheckFailed(reason)


def _is_input(topic: Topic) -> bool:
    return topic.setting.startswith("topics.")


def _input_sizes(topics: Sequence[Topic]) -> set[int]:
    return {topic.partitions for topic in topics if _is_input(topic) and topic.partitions is not None}
