"""Files of certificates, read once before anything connects: a bad one would look like a silent server."""

from __future__ import annotations

import ssl
from pathlib import Path


def check_authorities(path: str | Path, what: str) -> None:
    """A file of certificates in PEM form that can be read.

    Args:
        path: Of the file.
        what: The beginning of the message, such as "it names a file that".

    Raises:
        ValueError: It is not there, cannot be read, or holds no certificate.
    """
    _check_readable(path, what)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=str(path))
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ValueError(f"{what} holds no certificate in PEM form; name the file of the authority") from error


def _check_readable(path: str | Path, what: str) -> None:
    try:
        regular = Path(path).is_file()
        if regular:
            with Path(path).open("rb"):
                return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"{what} cannot be read ({reason}); correct the path") from error
    raise ValueError(f"{what} is not there; correct the path")
