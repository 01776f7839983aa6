"""Every error that the product raises on purpose, as one tree.

    TenureError                     not retriable, exit 1
    ├── ConfigurationError          a setting is wrong                              exit 2
    │   ├── UnknownSetting          a name that is no setting's
    │   ├── TopicsUnfit             Kafka's topics are not what the settings need
    │   └── ForgetKeyUnfit          customers are forgotten under another key        of a worker too
    ├── UsageError                  a command was called wrongly                    exit 2
    ├── InputError                  a file cannot be read as what it claims to be   exit 2
    ├── CheckFailed                 a check ran to its end and found fault          exit 1
    ├── OutputFailed                standard output does not take what is printed   exit 1
    ├── Undelivered                 Kafka did not take everything that was sent     exit 1
    ├── Unavailable                 Kafka or Redis does not answer, or refuses      retriable
    │   ├── LogUnavailable          Kafka
    │   │   └── RecordRefused       it does not take what we send
    │   └── TablesUnavailable       Redis
    │       ├── Overtaken           more was written than could be read meanwhile
    │       └── TablesHeld          a command holds a partition still
    ├── Superseded                  other tables have taken the place of those of a worker
    ├── Conflict                    another writer moved the positions              retriable, after a reload
    └── Halt                        a partition must stop, and somebody must look
        ├── Lost                    the log does not have what was counted, or was to be    can be given up
        │   ├── PositionOutOfRange  the stored position is not in the log
        │   │   └── StateLost       nothing is stored of what was counted, and its beginning is not in the log
        │   └── TopicRecreated      the topic was deleted and made anew since
        ├── StateUnreadable         Redis holds a state that this version cannot read
        └── CommitTorn              Redis has carried out half of a commit

`retriable` decides the policy: the same step, tried again, may succeed. `exit_status` is what a command ends with.
These are the world's faults; our own are assertions. Facts stand in attributes, so that nobody parses a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from schemas.wording import counted

Cause = Literal["unreachable", "refused", "unable"]
"""Why a service does not do what it is asked: it does not answer; we have not the right; it cannot do it now."""


class TenureError(Exception):
    """The root: whoever catches it catches every fault of the world that the product knows."""

    retriable: bool = False
    exit_status: int = 1


class ConfigurationError(TenureError):
    """A setting has a value that cannot work.

    Args:
        setting: Where the value stands: an environment variable, a file's key, or an option.
        value: The value as it was written; never a secret (pass "****"); None where there is none.
        advice: What is wrong with it and what to do.
    """

    exit_status = 2

    def __init__(self, setting: str, value: object, advice: str) -> None:
        self.setting = setting
        self.value = value
        self.advice = advice
        super().__init__(f"{setting} is {_shown(value)}: {advice}")


class UnknownSetting(ConfigurationError):
    """A name that is no setting's; its value is not shown, for a misspelt password is still a password.

    Args:
        setting: Where the name stands.
        advice: What may have been meant.
    """

    def __init__(self, setting: str, advice: str) -> None:
        super().__init__(setting, None, advice)
        self.args = (f"{setting}: there is no such setting; {advice}",)


class TopicsUnfit(ConfigurationError):
    """Kafka's topics are not what the settings need: missing, hidden from us, or not equally wide.

    Args:
        advice: Which topics, what is wrong with them and what to do.
    """

    def __init__(self, advice: str) -> None:
        super().__init__("TENURE_TOPICS", None, advice)
        self.args = (advice,)


class ForgetKeyUnfit(ConfigurationError):
    """Customers are forgotten, and without the key that was used nobody can know whose events are to be left out.

    Args:
        known: Whether there is a key at all.
    """

    def __init__(self, *, known: bool) -> None:
        advice = (
            "it is not the key with which customers were forgotten; set that one, for their events would count again"
            if known
            else "customers were forgotten; set the key that was used then, or their events would count again"
        )
        super().__init__("TENURE_FORGET_KEY", "****" if known else None, f"{advice}: docs/forgetting.md")


class UsageError(TenureError):
    """A command was called with an argument that cannot work; the message says what to change."""

    exit_status = 2


class InputError(TenureError):
    """A file cannot be read as what it claims to be.

    Args:
        path: The file as the caller named it.
        advice: What is wrong with it and what to do.
        line: The line or row, counted from 1, where one can be named.
    """

    exit_status = 2

    def __init__(self, path: str, advice: str, line: int | None = None) -> None:
        self.path = path
        self.advice = advice
        self.line = line
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {advice}")


class CheckFailed(TenureError):
    """A check ran to its end and found fault; the message names the first one."""


class OutputFailed(TenureError):
    """Standard output did not take all that a command printed.

    Args:
        reason: What the operating system said.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"standard output cannot be written ({reason}): what is there is incomplete; "
            "make room there or write elsewhere, and run the command again"
        )


class Undelivered(TenureError):
    """Kafka did not take everything that was sent.

    Args:
        count: Records that were not delivered.
        first_reason: Why the first of them was not.
    """

    def __init__(self, count: int, first_reason: str) -> None:
        self.count = count
        self.first_reason = first_reason
        were = "was" if count == 1 else "were"
        super().__init__(f"{counted(count, 'records')} {were} not delivered, the first because: {first_reason}")


class Unavailable(TenureError):
    """A service does not do what it was asked; the same step may succeed later, when somebody has mended it.

    Args:
        service: "Kafka" or "Redis", with its address where it is known.
        reason: What the client said, without credentials.
        cause: Who has to look where: at the service, at our rights, or at its memory, disk and role.
    """

    retriable = True

    def __init__(self, service: str, reason: str, *, cause: Cause = "unreachable") -> None:
        self.service = service
        self.reason = reason
        self.cause: Cause = cause
        super().__init__(f"{service} {_SAYS[cause]}: {reason}")


class LogUnavailable(Unavailable):
    """Kafka does not answer, or refuses."""


class TablesUnavailable(Unavailable):
    """Redis does not answer, refuses, is loading, is full, or is moving slots."""


class Overtaken(TablesUnavailable):
    """So much was written while tables were read that what was read first is of another instant.

    Args:
        reason: What was found.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("Redis", f"{reason}; try again when less is written", cause="unable")


class TablesHeld(TablesUnavailable):
    """A command holds a partition still, so that nothing can be committed.

    Args:
        partition: Its number.
        holder: The command.
    """

    def __init__(self, partition: int, holder: str) -> None:
        super().__init__("Redis", f"{holder} holds partition {partition}; it goes on by itself", cause="unable")


class Superseded(TenureError):
    """Other tables have taken the place of those that a worker writes to: it begins again with these.

    Args:
        generation: Of the tables that hold now.
    """

    def __init__(self, generation: int) -> None:
        self.generation = generation
        super().__init__(f"the stream's tables were built anew (generation {generation}); run the command again")


class RecordRefused(LogUnavailable):
    """Kafka answers, and does not take a record of ours in any form, because of what the topic is set to.

    Args:
        topic: Where the record was to go.
        reason: What Kafka said.
    """

    def __init__(self, topic: str, reason: str) -> None:
        self.topic = topic
        super().__init__(
            "Kafka",
            f"it does not take a record for {topic} ({reason}); look at the topic's settings, its policies, and what "
            "this worker may write",
            cause="refused",
        )


class Conflict(TenureError):
    """The stored positions of a partition are not those that the commit expected: somebody else wrote.

    Args:
        partition: The partition whose commit was refused.
        expected: Position by topic that the writer believed to be stored.
        stored: Position by topic that Redis holds.
    """

    retriable = True

    def __init__(self, partition: int, expected: Mapping[str, int], stored: Mapping[str, int]) -> None:
        self.partition = partition
        self.expected = dict(expected)
        self.stored = dict(stored)
        super().__init__(f"partition {partition}: expected positions {self.expected}, stored are {self.stored}")


class Halt(TenureError):
    """A partition must stop: going on would make its numbers wrong without anybody noticing.

    Args:
        partition: The partition that stops.
        advice: What was found and what to do.
    """

    @property
    def cause(self) -> str:
        """The name of its kind, in metrics."""
        return type(self).__name__.lower()

    def __init__(self, partition: int, advice: str) -> None:
        self.partition = partition
        self.advice = advice
        super().__init__(f"partition {partition} is halted: {advice}")


class Lost(Halt):
    """Records that were counted, or were to be, are gone from the log; `tenure resume` gives them up.

    Args:
        topic: The topic concerned.
        partition: The partition that stops.
        position: The next offset to read, which cannot be read.
        goes_on_at: The offset from which reading goes on once the loss is accepted.
        topic_id: Of the topic, as the log has it now; None where the log has no such ids.
        advice: What was found and what to do.
    """

    def __init__(
        self, topic: str, partition: int, position: int, *, goes_on_at: int, topic_id: str | None, advice: str
    ) -> None:
        self.topic = topic
        self.position = position
        self.goes_on_at = goes_on_at
        self.topic_id = topic_id
        super().__init__(
            partition,
            f"{advice}; or go on without what is lost: tenure resume {partition} --accept-loss, which says first what"
            " that is",
        )


class PositionOutOfRange(Lost):
    """The stored position is behind the earliest record that the log still has, or beyond its end.

    Args:
        topic: The topic concerned.
        partition: The partition that stops.
        position: The stored position (the next offset to read).
        beginning: The earliest offset that the log still has.
        end: The offset after the log's last record.
        topic_id: Of the topic, as the log has it now; None where the log has no such ids.
    """

    @property
    def cause(self) -> str:
        """See `Halt`: the same for all of its kinds."""
        return "position"

    _is_stored = True

    def __init__(
        self, topic: str, partition: int, position: int, beginning: int, end: int, *, topic_id: str | None = None
    ) -> None:
        self.beginning = beginning
        self.end = end
        # A log without ids may have another topic here. What is read again of the same one changes no number.
        truncated = position > end and topic_id is not None and self._is_stored
        super().__init__(
            topic,
            partition,
            position,
            goes_on_at=end if truncated else beginning,
            topic_id=topic_id,
            advice=self._found(topic, partition, position, beginning, end),
        )

    def _found(self, topic: str, _partition: int, position: int, beginning: int, end: int) -> str:
        return (
            f"the stored position {position} of {topic} is outside of the log's {beginning} to {end}; "
            "restore the topic, or rebuild the tables from another source"
        )


class StateLost(PositionOutOfRange):
    """Nothing is stored of a topic that this group has counted, and the log no longer has it from there on.

    Args: As of `PositionOutOfRange`; `position` is the first offset that was counted, below 0 where even the topic
        that it lay in is gone.
    """

    _is_stored = False

    def _found(self, topic: str, partition: int, position: int, beginning: int, end: int) -> str:
        since = f"from offset {position} on" if position >= 0 else "in a topic that is gone"
        return (
            f"nothing is stored of {topic}, partition {partition}, though this TENURE_GROUP has counted it {since}, and"
            f" Kafka has only {beginning} to {end}: Redis has lost its tables, or TENURE_REDIS_PREFIX is new and"
            " TENURE_GROUP is not (then set a new TENURE_GROUP too). Restore Redis from its append-only file or a"
            " backup, and restart the worker; under appendonly yes Redis starts empty beside a restored dump.rdb,"
            " without a word: docs/operating.md, section Backup and restore, has the steps"
        )


class TopicRecreated(Lost):
    """The topic is not the one that the stored position belongs to: it was deleted and made anew since.

    Args:
        topic: The topic concerned.
        partition: The partition that stops.
        position: The stored position, in the topic that is gone.
        beginning: The earliest offset of the new topic.
        topic_id: Of the new topic.
        known_id: Of the topic that is gone.
    """

    def __init__(
        self, topic: str, partition: int, position: int, *, beginning: int, topic_id: str, known_id: str
    ) -> None:
        self.known_id = known_id
        super().__init__(
            topic,
            partition,
            position,
            goes_on_at=beginning,
            topic_id=topic_id,
            advice=f"the topic {topic} was deleted and made anew: position {position} belongs to the topic with the id"
            f" {known_id}, Kafka now has {topic_id}; what the old one held beyond it was not counted. Send that to the"
            " new topic again if its producers still have it",
        )


class RecordsUnreadable(Halt):
    """Kafka returned bytes that are no records: damaged on a disk, or on the way.

    Args:
        topic: The topic concerned.
        partition: The partition that stops.
        position: Where reading stopped (the next offset to read).
        reason: What is wrong with them.
    """

    def __init__(self, topic: str, partition: int, position: int, reason: str) -> None:
        self.topic = topic
        self.position = position
        super().__init__(
            partition,
            f"the records of {topic} from offset {position} on cannot be read ({reason}); "
            "let another replica lead this partition, or restore it, and restart the worker",
        )


class StateUnreadable(Halt):
    """Redis holds bytes that this version cannot read."""


COUNT_ELSEWHERE: Final = "count anew under another TENURE_REDIS_PREFIX and TENURE_GROUP"
"""Advice where nothing says how far a partition was counted: `tenure rebuild` counts up to there, and cannot help."""


class CommitTorn(Halt):
    """Redis has carried out half of a commit: nothing in the tables of the partition can be trusted.

    Args:
        partition: The partition concerned.
    """

    def __init__(self, partition: int) -> None:
        super().__init__(
            partition,
            "Redis has carried out half of a commit: its append-only file was cut within a transaction, and loaded "
            "again later; where Kafka still has all events the worker counts them anew by itself, else restore Redis "
            "from a backup that was made before",
        )


_SAYS: dict[Cause, str] = {
    "unreachable": "does not answer",
    "refused": "refuses us",
    "unable": "cannot do it now",
}


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, str):
        return repr(value) if len(value) <= 100 else repr(value[:100]) + "…"
    if isinstance(value, Mapping | Sequence):
        return _shown(str(value))
    return str(value)
