"""Every error that the product raises on purpose, as one tree.

    TenureError                     not retriable, exit 1
    ├── ConfigurationError          a setting is wrong                              exit 2
    │   ├── UnknownSetting          a name that is no setting's
    │   └── TopicsUnfit             Kafka's topics are not what the settings need
    ├── UsageError                  a command was called wrongly                    exit 2
    ├── InputError                  a file cannot be read as what it claims to be   exit 2
    ├── CheckFailed                 a check ran to its end and found fault          exit 1
    ├── Undelivered                 Kafka did not take everything that was sent     exit 1
    ├── Unavailable                 Kafka or Redis does not answer                  retriable
    │   ├── LogUnavailable          Kafka
    │   └── TablesUnavailable       Redis
    ├── Conflict                    another writer moved the positions              retriable, after a reload
    └── Halt                        a partition must stop, and somebody must look
        ├── PositionOutOfRange      the stored position is not in the log
        ├── Misplaced               a forwarded record lies on the wrong partition again
        └── StateUnreadable         Redis holds a state that this version cannot read

`retriable` decides the policy: the same step, tried again, may succeed. `exit_status` is what a command ends with.
These are the world's faults; our own are assertions. Facts stand in attributes, so that nobody parses a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


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
    """A service does not answer; the same step may succeed later.

    Args:
        service: "Kafka" or "Redis", with its address where it is known.
        reason: What the client said, without credentials.
    """

    retriable = True

    def __init__(self, service: str, reason: str) -> None:
        self.service = service
        self.reason = reason
        super().__init__(f"{service} does not answer: {reason}")


class LogUnavailable(Unavailable):
    """Kafka does not answer."""


class TablesUnavailable(Unavailable):
    """Redis does not answer, is loading, or is moving slots."""


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


class Misplaced(Halt):
    """A record that was forwarded once lies on the wrong partition again: workers disagree on the partition count.

    Args:
        topic: The topic of the forwarded record.
        partition: The partition that stops.
        offset: The record's offset.
        belongs_to: The partition of its customer, as this worker computes it.
    """

    def __init__(self, topic: str, partition: int, offset: int, belongs_to: int) -> None:
        self.topic = topic
        self.offset = offset
        self.belongs_to = belongs_to
        super().__init__(
            partition,
            f"the forwarded record {topic}/{partition}/{offset} belongs to partition {belongs_to}; "
            "stop all workers, and start them again with one partition count",
        )


class StateUnreadable(Halt):
    """Redis holds bytes that this version cannot read."""


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, str):
        return repr(value) if len(value) <= 100 else repr(value[:100]) + "…"
    if isinstance(value, Mapping | Sequence):
        return _shown(str(value))
    return str(value)
