"""The least rights that each way of using Tenure needs in Kafka and in Redis: the one list that page and tests read.

Names are those of the settings. The page docs/rights.md is made of it (`docgen.rights`); tests run every part
with exactly these rights, and without each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from schemas.topics import MIXED_TOPIC_SETTING
from streams.settings.settings import Settings

Operation = Literal["READ", "WRITE", "CREATE", "DESCRIBE", "DESCRIBE_CONFIGS"]
Resource = Literal["TOPIC", "GROUP"]

KEYS: Final = ("get", "mget", "hgetall", "hmget", "hscan", "hlen", "lrange", "llen", "scan")
READING: Final = (*KEYS, "eval", "evalsha", "info")
"""Commands of Redis that read the tables; a script may call those alone that its user may."""
COMMITTING: Final = ("watch", "multi", "exec", "discard", "set", "mset", "hset", "hdel", "hincrby", "rpush", "ltrim")
WRITING: Final = (*COMMITTING, "unlink", "del")
"""Those that commit batches and remove what cannot be trusted, in addition."""
ON_A_CLUSTER: Final = ("cluster|slots", "command")
"""Those by which a client finds its way in a cluster."""
BEHIND_SENTINELS: Final = ("role",)
"""That by which a client finds out whether it has been led to the primary."""
OF_SENTINELS: Final = ("sentinel|masters",)
"""What a user of the Sentinels needs."""


class KafkaRight(NamedTuple):
    """One entry of Kafka's access control list, for one name.

    Attributes:
        operation: As Kafka names it; READ and WRITE include DESCRIBE.
        resource: What kind of thing it is about.
        name: Which one.
        why: What it is needed for.
    """

    operation: Operation
    resource: Resource
    name: str
    why: str


class RedisRights(NamedTuple):
    """Rights of a user of Redis.

    Attributes:
        keys: The pattern of the keys.
        commands: The commands; HELLO and AUTH are anybody's.
        also: Pairs of a further pattern and a command that is allowed there alone; Redis calls it a selector.
    """

    keys: str
    commands: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()

    def rules(self) -> list[str]:
        """Return the rules of `ACL SETUSER`, without name and password."""
        selectors = [f"({pattern} +{command})" for pattern, command in self.also]
        return ["resetkeys", "resetchannels", "-@all", self.keys, *(f"+{name}" for name in self.commands), *selectors]


class Principal(NamedTuple):
    """One way of using Tenure, with a user of its own.

    Attributes:
        name: What the page calls it.
        runs: The commands of Tenure that it is for.
        kafka: Its rights in Kafka; empty where it does not speak with Kafka.
        redis: Its rights in Redis; None where it does not speak with Redis.
    """

    name: str
    runs: str
    kafka: tuple[KafkaRight, ...]
    redis: RedisRights | None


def principals(settings: Settings) -> tuple[Principal, ...]:
    """Return who needs which rights, with the names of the settings."""
    topics = settings.input_topics
    keys = f"~{settings.redis_prefix}:*"
    logs = tuple((f"~{settings.redis_prefix}:log:{name}", "rpush") for name in ("targets", "losses", "digests"))
    create = [*topics, settings.dead_letter_topic, settings.survey_request_topic, settings.forgotten_topic]
    looked_up = [
        KafkaRight("READ", "TOPIC", topic, "only for `explain` and `customer`, to look records up") for topic in topics
    ]
    looked_up.append(KafkaRight("READ", "TOPIC", settings.dead_letter_topic, "only for `dlq list` and `dlq show`"))
    if settings.forget_key is not None:
        why = "only for `customer`, to say who is forgotten (`forget_key`)"
        looked_up.append(KafkaRight("READ", "TOPIC", settings.forgotten_topic, why))
    return (
        Principal("worker", "`worker`", tuple(_of_worker(settings)), RedisRights(keys, (*READING, *WRITING))),
        Principal(
            "publisher",
            "`publish`, `mark`, `company --live`, `gateway`",
            tuple(KafkaRight("WRITE", "TOPIC", topic, "its events") for topic in topics),
            None,
        ),
        Principal(
            "reader",
            "`kpi`, `periods`, `cohorts`, `lifetime`, `feedback`, `drivers`, `risk`, `forecast`, `experiments`, "
            "`marks`, `support`, `referrals`, `usage`, `value`, `explain`, `customer`, `lenses`, `reasons`, "
            "`features`, `history`, `digest`, `sql`, `export`, `api`, `reconcile`, "
            "`target list`, `resume`, `dlq list`, `dlq show`",
            tuple(looked_up),
            RedisRights(keys, READING),
        ),
        Principal(
            "operator",
            "`target set`, `resume --accept-loss`, `digest --issue`, and what a reader runs",
            (),
            RedisRights(keys, READING, logs),
        ),
        Principal("corrector", "`dlq replay`, `undo`", tuple(_of_corrector(settings)), RedisRights(keys, READING)),
        Principal(
            "doctor", "`doctor`, `validate --topic`", tuple(_of_doctor(settings)), RedisRights(keys, (*READING, "time"))
        ),
        Principal(
            "eraser",
            "`forget`",
            tuple(_of_eraser(settings)),
            RedisRights(keys, READING, ((f"~{settings.redis_prefix}:*{{*}}:f", "hset"),)),
        ),
        Principal(
            "keeper",
            "`rebuild`, `snapshot`, `restore`",
            tuple(_of_keeper(settings)),
            RedisRights(keys, (*READING, *WRITING)),
        ),
        Principal(
            "exporter",
            "`export --to kafka`, and what a reader exports",
            tuple(_of_exporter(settings)),
            RedisRights(keys, READING),
        ),
        Principal("topics", "`topics --create`", tuple(_of_topics(create)), None),
    )


def _of_worker(settings: Settings) -> Iterator[KafkaRight]:
    for topic in settings.input_topics:
        yield KafkaRight("READ", "TOPIC", topic, "its events")
    yield KafkaRight(
        "WRITE", "TOPIC", settings.topics[MIXED_TOPIC_SETTING], "records that lie on another customer's partition"
    )
    yield KafkaRight("WRITE", "TOPIC", settings.dead_letter_topic, "records that cannot be applied")
    if settings.survey_requests:
        yield KafkaRight("WRITE", "TOPIC", settings.survey_request_topic, "surveys that are due (`survey_requests`)")
    if settings.forget_key is not None:
        yield KafkaRight("READ", "TOPIC", settings.forgotten_topic, "who is forgotten (`forget_key`)")
        yield KafkaRight("WRITE", "TOPIC", settings.forgotten_topic, "tombstones of its customers (`forget_key`)")
    yield KafkaRight("READ", "GROUP", settings.group, "to share partitions with other workers")
    if settings.adapter_topics:
        yield from _of_translator(settings)


def _of_keeper(settings: Settings) -> Iterator[KafkaRight]:
    for topic in settings.input_topics:
        yield KafkaRight(
            "READ", "TOPIC", topic, "only for `rebuild --from kafka`; DESCRIBE is enough for `--partitions`"
        )
    for topic in (settings.dead_letter_topic, settings.survey_request_topic):
        yield KafkaRight("DESCRIBE", "TOPIC", topic, "only for `rebuild --partitions`, to see all topics")
    if settings.forget_key is not None:
        yield KafkaRight("READ", "TOPIC", settings.forgotten_topic, "only for `rebuild`, to know who is forgotten")
    yield KafkaRight("READ", "GROUP", f"{settings.group}-rebuild", "only for `rebuild --from kafka`")
    yield KafkaRight(
        "DESCRIBE", "GROUP", settings.group, "only for `rebuild --from kafka`, to see since when it counts"
    )


def _of_translator(settings: Settings) -> Iterator[KafkaRight]:
    for topic in settings.adapter_topics:
        yield KafkaRight("READ", "TOPIC", topic, "records of another system (`adapter_topics`)")
    for topic in sorted(set(settings.topic_of_type.values())):
        yield KafkaRight("WRITE", "TOPIC", topic, "the events that they say (`adapter_topics`)")
    yield KafkaRight("READ", "GROUP", settings.adapter_group, "to share them with other workers (`adapter_topics`)")


def _of_corrector(settings: Settings) -> Iterator[KafkaRight]:
    yield KafkaRight("READ", "TOPIC", settings.dead_letter_topic, "the dead letters")
    yield KafkaRight("WRITE", "TOPIC", settings.dead_letter_topic, "the marks of those that were sent again")
    for topic in settings.input_topics:
        yield KafkaRight("READ", "TOPIC", topic, "the events of a source, only for `undo`")
        yield KafkaRight("WRITE", "TOPIC", topic, "what is sent again, and revokes")


def _of_doctor(settings: Settings) -> Iterator[KafkaRight]:
    for topic in settings.input_topics:
        yield KafkaRight("READ", "TOPIC", topic, "its latest records, or those to be validated")
        yield KafkaRight("DESCRIBE_CONFIGS", "TOPIC", topic, "only for `doctor`, to see how long its events are kept")
    for topic in (settings.dead_letter_topic, settings.survey_request_topic, settings.forgotten_topic):
        yield KafkaRight("DESCRIBE", "TOPIC", topic, "only for `doctor`, to see whether it is there")
    yield KafkaRight("DESCRIBE", "GROUP", settings.group, "only for `doctor`, to see which workers are there")


def _of_exporter(settings: Settings) -> Iterator[KafkaRight]:
    topic = settings.movement_topic
    yield KafkaRight("CREATE", "TOPIC", topic, "only where it is missing")
    yield KafkaRight("READ", "TOPIC", topic, "which movements it has")
    yield KafkaRight("WRITE", "TOPIC", topic, "those that are new or other, and tombstones")
    yield KafkaRight("DESCRIBE_CONFIGS", "TOPIC", topic, "to see that it is compacted")
    for name in settings.input_topics:
        yield KafkaRight("DESCRIBE", "TOPIC", name, "how wide they are, only where it is missing")


def _of_eraser(settings: Settings) -> Iterator[KafkaRight]:
    yield KafkaRight("READ", "TOPIC", settings.forgotten_topic, "who is forgotten")
    for topic in (settings.dead_letter_topic, settings.survey_request_topic):
        yield KafkaRight("READ", "TOPIC", topic, "to say where the id still stands")
    for topic in settings.input_topics:
        yield KafkaRight("DESCRIBE", "TOPIC", topic, "to say whether its records are kept")


def _of_topics(topics: list[str]) -> Iterator[KafkaRight]:
    for topic in topics:
        yield KafkaRight("CREATE", "TOPIC", topic, "to create it")
        yield KafkaRight("DESCRIBE", "TOPIC", topic, "to see whether it is there")
