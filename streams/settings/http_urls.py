"""The rule for every setting that is a URL of HTTP: with a host, and without a name or a password in it."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def checked_url(value: str, *, example: str, credentials: str) -> SplitResult:
    """Return the parts of a URL.

    Args:
        value: As it was given.
        example: One that would do.
        credentials: The settings that a name and a password belong in, in words.

    Raises:
        ValueError: It is none, or holds a name or a password.
    """
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError(f"it is no URL of HTTP; write for example {example}")
    if "@" in value:
        raise ValueError(f"it holds a name or a password; set them as {credentials}")
    return parts
