"""Errors of listening on an address: the port is taken, or the host is none of this machine's."""

from __future__ import annotations

import errno
import socket
from typing import Final, NamedTuple

from streams.errors import ConfigurationError

_PORT_ERRORS: Final = {
    errno.EADDRINUSE: "another program listens there; choose a free one",
    errno.EACCES: "only an administrator may listen there; choose one from 1024 on",
}


class Listening(NamedTuple):
    """The settings that say where something listens."""

    host: str
    port: str


METRICS: Final = Listening("TENURE_METRICS_HOST", "TENURE_METRICS_PORT")


def refusal_of(host: str, port: int, error: OSError | ValueError, settings: Listening = METRICS) -> ConfigurationError:
    """Return what to say where listening failed.

    Args:
        host: As it was set.
        port: As it was set; 0 is any.
        error: What the operating system, or the name of the host, was answered with.
        settings: That say so.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in _PORT_ERRORS and not isinstance(error, socket.gaierror):
        advice = f"cannot listen on {host}:{port}: {_PORT_ERRORS[number]}"
        return ConfigurationError(settings.port, port, advice)
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    advice = f"it is no address of this machine ({reason}); write 127.0.0.1 for this machine alone, or 0.0.0.0 for all"
    return ConfigurationError(settings.host, host, advice)
