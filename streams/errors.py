"""Every error that the product raises on purpose, as one tree.

    TenureError                     not retriable, exit 1
    ├── ConfigurationError          a setting is wrong                              exit 2
    │   └── UnknownSetting          a name that is no setting's
    ├── UsageError                  a command was called wrongly                    exit 2
    ├── InputError                  a file cannot be read as what it claims to be   exit 2
    ├── CheckFailed                 a check ran to its end and found fault          exit 1
    ├── Undelivered                 Kafka did not take everything that was sent     exit 1
    ├── Unavailable                 Kafka or Redis does not answer, or refuses      retriable
    │   ├── LogUnavailable          Kafka
    │   │   └── RecordRefused       it does not take what we send
    │   └── TablesUnavailable       Redis
    │       └── Overtaken           more was written than could be read meanwhile
    ├── Conflict                    another writer moved the positions              retriable, after a reload
    └── Halt                        a partition must stop, and somebody must look
        ├── PositionOutOfRange      the stored position is not in the log
        ├── StateUnreadable         Redis holds a state that this version cannot read
        └── CommitTorn              Redis has carried out half of a commit

`retriable` decides the policy: the same step, tried again, may succeed. `exit_status` is what a command ends with.
These are the world's faults; our own are assertions. Facts stand in attributes, so that nobody parses a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

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


class Undelivered(TenureError):
    """Kafka did not take everything that was sent.

    Args:
        count: Records that were not delivered.
        first_reason: Why the first of them was not.
    """

    def __init__(self, count: int, first_reason: str) -> None:
        self.count = count
        self.first_reason = first_reason
        super().__init__(f"{count:,} records were not delivered, the first because: {first_reason}")


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

    def __init__(self, partition: int, advice: str) -> None:
        self.partition = partition
        self.advice = advice
        super().__init__(f"partition {partition} is halted: {advice}")


class PositionOutOfRange(Halt):
    """The stored position is behind the earliest record that the log still has, or beyond its end.

    Args:
        topic: The topic concerned.
        partition: The partition that stops.
        position: The stored position (the next offset to read).
        beginning: The earliest offset that the log still has.
        end: The offset after the log's last record.
    """

    def __init__(self, topic: str, partition: int, position: int, beginning: int, end: int) -> None:
        self.topic = topic
        self.position = position
        self.beginning = beginning
        self.end = end
        super().__init__(
            partition,
            f"the stored position {position} of {topic} is outside of the log's {beginning} to {end}; "
            "restore the topic, or rebuild the tables from another source",
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
