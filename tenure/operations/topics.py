"""The topics that the settings name: what Kafka has of them, creating those that are missing, and mending the others.

What exists is changed only where that is asked for: partitions are raised, never taken away, events are kept longer.
What each topic carries: docs/events.md, section Topics.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import (
    BrokerResponseError,
    InvalidPartitionsError,
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)

import schemas.documents.topics as documents
from streams.errors import CheckFailed, UsageError
from streams.kafka.errors import no_kafka
from streams.kafka.retention import COMPACTED, KEPT_FOR_GOOD, POLICY, Retention, retentions_of
from streams.kafka.security import client_options
from streams.kafka.topic_configs import keep_for_good
from streams.kafka.topics import check_visible, sizes_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from streams.settings.settings import Settings

DEFAULT_PARTITIONS: Final = 4
FORGOTTEN: Final = "forgotten_topic"
"""The setting that names the topic of tombstones, which has one partition whatever the others have."""
_USUAL_REPLICAS: Final = 3
_CHANGED_SECONDS: Final = 30.0
"""So long all brokers may take to know of a topic that was created, or of its partitions."""
_LOOK_AGAIN_SECONDS: Final = 0.1


class State(StrEnum):
    """The outcome for a topic."""

    EXISTS = "exists"
    CREATED = "created"
    GROWN = "grown"
    MISSING = "missing"


class Topic(NamedTuple):
    """One topic of the stream.

    Attributes:
        topic: Its name.
        setting: The setting that names it: "topics.signup", "dead_letter_topic".
        partitions: Count; None where it is missing.
        replication: Replicas of each partition (count, the fewest where they differ); None where it is missing.
        state: Whether it is there.
        retention: How long its records are kept; None where it is missing, or where Kafka does not tell us.
    """

    topic: str
    setting: str
    partitions: int | None
    replication: int | None
    state: State
    retention: Retention | None = None

    @property
    def is_input(self) -> bool:
        """Return whether the stream reads it."""
        return self.setting.startswith("topics.")

    def document(self) -> documents.TopicStatus:
        """Return it as `tenure topics --json` prints it."""
        retention = None if self.retention is None else documents.TopicRetention(**self.retention._asdict())
        return documents.TopicStatus(**self._asdict() | {"state": self.state.value, "retention": retention})


class WantedTopics(NamedTuple):
    """Tasks for topics; in this order.

    Attributes:
        grow: Raise the partitions of input topics to those of the widest, or to `partitions`.
        create: Create what is missing; nothing, where the input topics that exist do not agree.
        keep: Have Kafka keep the events of input topics for good.
        partitions: Of each topic that grows or is created (count); None is as many as the widest input topic has, or 4.
        replication: Replicas of each new topic (count); None is three, or as many as there are brokers.
    """

    grow: bool = False
    create: bool = False
    keep: bool = False
    partitions: int | None = None
    replication: int | None = None


async def look(settings: Settings) -> list[Topic]:
    """Return the topics that the settings name, the input topics first.

    Raises:
        LogUnavailable: Kafka does not answer.
        TopicsUnfit: Kafka hides a topic from us.
    """
    async with _administration(settings) as admin:
        return await _topics(settings, admin)


async def mend(settings: Settings, wanted: WantedTopics) -> list[Topic]:
    """Do what is wanted, and return all topics that the settings name, the input topics first.

    Raises:
        LogUnavailable: Kafka does not answer.
        UsageError: Another number of partitions than that of the input topics, or a number that Kafka cannot give.
        CheckFailed: Kafka refused a topic, or a change of one.
        TopicsUnfit: Kafka hides a topic from us.
    """
    async with _administration(settings) as admin:
        found = await _topics(settings, admin)
        states: dict[str, State] = {}
        if wanted.grow:
            states |= await _grow(found, admin, wanted.partitions)
            found = await _once_there(settings, admin, states, wanted.partitions)
        missing = [topic for topic in found if topic.state is State.MISSING]
        if wanted.create and missing and len(_input_sizes(found)) < 2:
            await _create(found, missing, admin, wanted)
            states |= {topic.topic: State.CREATED for topic in missing}
            found = await _once_there(settings, admin, states, None)
        if wanted.keep:
            # Where Kafka does not tell us how long it keeps a topic, it is told all the same, or says why not.
            there = [topic for topic in found if topic.is_input and topic.state is not State.MISSING]
            await _keep([each.topic for each in there if each.retention is None or not each.retention.for_good], admin)
            found = await _topics(settings, admin, states)
        return found


async def _grow(found: Sequence[Topic], admin: AIOKafkaAdminClient, partitions: int | None) -> dict[str, State]:
    """Raise the partitions of narrow input topics; return those that grew."""
    widest = max(_input_sizes(found), default=0)
    if partitions is not None and partitions < widest:
        advice = f"an input topic has {widest:,} already, and Kafka takes none away; give at least as many"
        raise UsageError(f"--partitions {partitions}: {advice}")
    size = partitions or widest
    narrow = [
        topic.topic for topic in found if topic.is_input and topic.partitions is not None if topic.partitions < size
    ]
    try:
        if narrow:
            await admin.create_partitions({topic: NewPartitions(size) for topic in narrow})
    except BrokerResponseError as error:
        raise CheckFailed(f"Kafka did not raise the partitions: {error}") from error
    return dict.fromkeys(narrow, State.GROWN)


async def _create(
    found: Sequence[Topic], missing: Sequence[Topic], admin: AIOKafkaAdminClient, wanted: WantedTopics
) -> None:
    sizes = _input_sizes(found)
    size = sizes.pop() if sizes else wanted.partitions or DEFAULT_PARTITIONS
    if wanted.partitions not in (None, size):
        advice = f"the input topics that exist have {size:,}; leave it out, or add --grow"
        raise UsageError(f"--partitions {wanted.partitions}: {advice}")
    new = {topic.topic: _NewTopic(1 if topic.setting == FORGOTTEN else size, _created_with(topic)) for topic in missing}
    await _create_all(new, admin, wanted.replication)


class _NewTopic(NamedTuple):
    partitions: int
    settings: Mapping[str, str]


async def _create_all(new: Mapping[str, _NewTopic], admin: AIOKafkaAdminClient, replication: int | None = None) -> None:
    brokers = len((await admin.describe_cluster())["brokers"])
    replicas = replication or min(_USUAL_REPLICAS, brokers)
    # One replica may be away, and what was acknowledged is on more than one where there are more.
    in_step = {"min.insync.replicas": str(max(1, replicas - 1))}
    answer = await admin.create_topics(
        [
            NewTopic(name, topic.partitions, replicas, topic_configs={**in_step, **topic.settings})
            for name, topic in new.items()
        ]
    )
    for name, code, *message in answer.topic_errors:
        _check_created(name, code, *message)


def _created_with(topic: Topic) -> Mapping[str, str]:
    if topic.setting == FORGOTTEN:
        return COMPACTED
    return KEPT_FOR_GOOD if topic.is_input else {}


async def create_compacted(settings: Settings, topic: str) -> None:
    """Create a topic that keeps the last record of each key, as wide as the input topics, unless it is there.

    Raises:
        LogUnavailable: Kafka does not answer.
        CheckFailed: Kafka refuses the topic; or it is there, and deletes records.
        TopicsUnfit: Kafka hides a topic from us.
    """
    async with _administration(settings) as admin:
        sizes = await sizes_of([topic, *settings.input_topics], admin)
        if topic in sizes:
            kept = (await retentions_of([topic], admin)).get(topic)
            if kept is not None and not (kept.compacted and kept.keeps_each_key):
                raise CheckFailed(
                    f"{topic} is not compacted, so that Kafka deletes records; set its {POLICY} to compact"
                )
            return
        await check_visible([topic], admin, settings)
        widest = max((sizes[name].partitions for name in settings.input_topics if name in sizes), default=0)
        await _create_all({topic: _NewTopic(widest or DEFAULT_PARTITIONS, COMPACTED)}, admin)


async def _keep(topics: Sequence[str], admin: AIOKafkaAdminClient) -> None:
    for topic, code, message in await keep_for_good(topics, admin) if topics else []:
        raise CheckFailed(f"Kafka did not change how long it keeps {topic}: {message or for_code(code).description}")


def fault_of(topics: Sequence[Topic]) -> str | None:
    """Return what a worker would refuse, and what to do about it, in one line; None where all is well."""
    sizes = _input_sizes(topics)
    if len(sizes) > 1:
        there = [topic for topic in topics if topic.is_input and topic.partitions is not None]
        return (
            "all input topics need equally many partitions, but "
            + ", ".join(f"{topic.topic} has {topic.partitions}" for topic in there)
            + f"; run `tenure topics --grow`, which raises the others to {max(sizes)} and deletes nothing"
        )
    for topic in topics:
        if topic.setting == FORGOTTEN and topic.retention and not topic.retention.keeps_each_key:
            return (
                f"{topic.topic} is not compacted, so that Kafka deletes tombstones, and events of forgotten customers "
                f"count again; set its cleanup.policy to compact"
            )
    missing = [topic.topic for topic in topics if topic.state is State.MISSING]
    return f"Kafka does not have {', '.join(missing)}; run `tenure topics --create`" if missing else None


def unneeded(settings: Settings) -> dict[str, str]:
    """Return the topics that the settings name and the stream does not need, with the setting that says so."""
    found = {}
    if not settings.survey_requests:
        found[settings.survey_request_topic] = "survey_requests is off"
    if settings.forget_key is None:
        found[settings.forgotten_topic] = "forget_key is not set"
    return found


def finite_of(topics: Sequence[Topic]) -> list[Topic]:
    """Return the input topics whose events Kafka deletes some day: tables cannot be counted anew from them."""
    return [topic for topic in topics if topic.is_input and topic.retention and not topic.retention.for_good]


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
        raise await no_kafka(settings, options, error) from error
    finally:
        await admin.close()


async def _topics(
    settings: Settings, admin: AIOKafkaAdminClient, states: Mapping[str, State] | None = None
) -> list[Topic]:
    names = {f"topics.{name}": topic for name, topic in settings.topics.items()}
    names |= {"dead_letter_topic": settings.dead_letter_topic, "survey_request_topic": settings.survey_request_topic}
    names |= {FORGOTTEN: settings.forgotten_topic}
    sizes = await sizes_of(names.values(), admin)
    await check_visible([topic for topic in names.values() if topic not in sizes], admin, settings)
    kept = await retentions_of(sizes, admin)
    return [
        Topic(topic, setting, *sizes[topic], (states or {}).get(topic, State.EXISTS), kept.get(topic))
        if topic in sizes
        else Topic(topic, setting, None, None, State.MISSING)
        for setting, topic in names.items()
    ]


async def _once_there(
    settings: Settings, admin: AIOKafkaAdminClient, states: Mapping[str, State], partitions: int | None
) -> list[Topic]:
    """Return the topics once those that were changed are there: a broker may hear of a change a moment later.

    Args:
        settings: Name them.
        admin: A client that is connected.
        states: What became of those that were changed.
        partitions: That those which grew must have; None is as many as the widest.
    """
    deadline = time.monotonic() + _CHANGED_SECONDS
    while True:
        found = await _topics(settings, admin, states)
        size = partitions or max(_input_sizes(found), default=0)
        changed = [topic for topic in found if topic.topic in states]
        ready = all(
            topic.partitions == size if states[topic.topic] is State.GROWN else topic.partitions is not None
            for topic in changed
        )
        if ready or time.monotonic() > deadline:
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


def _input_sizes(topics: Sequence[Topic]) -> set[int]:
    return {topic.partitions for topic in topics if topic.is_input and topic.partitions is not None}
