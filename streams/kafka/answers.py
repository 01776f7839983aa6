"""Meanings of Kafka's answers to records that we send: unavailable, too large, invalid, refused.

aiokafka raises one class an error code; which of them waiting mends, and which a smaller record does, stands here.
Source: org.apache.kafka.common.protocol.Errors (Apache Kafka 4.1).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from aiokafka.errors import (
    BrokerNotAvailableError,
    BrokerResponseError,
    CorruptRecordException,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RecordTooLargeError,
    ReplicaNotAvailableError,
    UnknownError,
    UnknownTopicOrPartitionError,
    UnsupportedCodecError,
    kafka_errors,
)


class InvalidRecordError(BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """A record that the topic does not take: without a key where it is compacted, or against the broker's schema."""

    errno = 87
    message = "INVALID_RECORD"
    description = "The broker does not take this record into this topic."


# aiokafka does not know this code, and would call it unknown.
kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)


class Answer(Enum):
    """The meaning of a producer's error for the record."""

    #: nothing: Kafka does not answer, and the same record may be taken later
    AWAY = auto()
    #: it is larger than the topic takes
    TOO_LARGE = auto()
    #: its timestamp is too far from the broker's time
    BAD_TIME = auto()
    #: it is damaged or incomplete; older brokers say so of a record without a key in a compacted topic
    BAD_RECORD = auto()
    #: it must not be written there: a policy, an access right, a topic that is not there
    REFUSED = auto()


_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)
_BAD_RECORD: Final = (CorruptRecordException, InvalidRecordError, UnknownError)
_AWAY: Final = (BrokerNotAvailableError, ReplicaNotAvailableError)


def meaning_of(error: Exception) -> Answer:
    """Return what an error means that sending a record has raised."""
    if isinstance(error, _TOO_LARGE):
        return Answer.TOO_LARGE
    if isinstance(error, InvalidTimestampError):
        return Answer.BAD_TIME
    if isinstance(error, _BAD_RECORD):
        return Answer.BAD_RECORD
    # A topic that is not there: aiokafka has looked for it again and again until its request timed out.
    if isinstance(error, UnsupportedCodecError | UnknownTopicOrPartitionError):
        return Answer.REFUSED
    if isinstance(error, BrokerResponseError) and not error.retriable and not isinstance(error, _AWAY):
        return Answer.REFUSED
    return Answer.AWAY
