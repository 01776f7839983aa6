"""Secrets out of files, as Docker and Kubernetes hand them over: a setting that is a secret can be named by a file.

A secret in the environment is seen by whoever may look at a process or a pod; one in a file by whoever may read it.
The file is read once, at the start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import SecretStr

from streams.errors import ConfigurationError

FILE_SUFFIX: Final = "_file"
"""What follows the name of a setting that is a secret, where a file is named instead."""
MAX_BYTES: Final = 65_536


def read_secret(setting: str, path: object) -> SecretStr:
    """Return what a file holds, without the line's end that editors and `echo` leave.

    Args:
        setting: Where the file is named, for messages.
        path: How it is named there.

    Raises:
        ConfigurationError: It is missing, cannot be read, or holds no secret; nothing of it is in the message.
    """
    if not isinstance(path, str) or not path:
        raise ConfigurationError(setting, path, "it names no file; write the path of one, or leave the setting out")
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigurationError(setting, path, "there is no such file; correct the path") from error
    except (OSError, ValueError) as error:  # a path with a zero byte is the latter
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(setting, path, f"the file cannot be read ({reason}); let this user read it") from error
    if len(content) > MAX_BYTES:
        raise ConfigurationError(setting, path, f"the file is larger than {MAX_BYTES:,} bytes; is it another one?")
    try:
        secret = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        reason = f"the file is no text in UTF-8 (byte {error.start:,}); write the secret as text"
        raise ConfigurationError(setting, path, reason) from None  # the original holds the content
    if not secret:
        raise ConfigurationError(setting, path, "the file is empty; write the secret into it")
    return SecretStr(secret)
