"""Errors of Kafka's client as the product's own: Kafka is away, or refuses us."""

from __future__ import annotations

from typing import Final

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from streams.errors import Cause, LogUnavailable

REFUSALS: Final = (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
"""What is over when somebody gives us the right: a worker that runs waits for it."""


def unavailable(error: Exception, what: str) -> LogUnavailable:
    """Return an error of Kafka's client as ours.

    Args:
        error: Of aiokafka, or of the network.
        what: What was to be done, with the topic or group that it was about.
    """
    cause: Cause = "refused" if isinstance(error, REFUSALS) else "unreachable"
    said = str(error)
    name = type(error).__name__
    return LogUnavailable("Kafka", f"{what} ({name}{f': {said}' if said else ''})", cause=cause)
