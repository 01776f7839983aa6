"""The options that may stand behind the `?` of `redis_url`, checked before anything connects.

redis-py takes most of them as they come, and fails, or waits for ever, when it connects. Every rule raises ValueError
with a sentence that says what is wrong and what to do; no value of an option is in it.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from streams.settings.did_you_mean import did_you_mean
from streams.tls import check_authorities

MAX_SECONDS: Final = 300.0


def check_options(query: str, *, tls: bool) -> None:
    """Options that are known, each once, with values that a connection takes.

    Args:
        query: What follows the `?`.
        tls: Whether connections are encrypted.

    Raises:
        ValueError: One cannot work; no value is in the message.
    """
    options: dict[str, str] = {}
    for name, content in parse_qsl(query, keep_blank_values=True):
        rule = OPTIONS.get(name)
        if rule is None:
            raise ValueError(f"its option {name!r} is none of {', '.join(OPTIONS)}; {did_you_mean(name, OPTIONS)}")
        if name in options:
            raise ValueError(f"its option {name} stands in it twice; keep one")
        if name.startswith("ssl_") and not tls:
            raise ValueError(f"its option {name} has no effect without TLS; write rediss://, or leave it out")
        wanted = rule(content)
        if wanted:
            raise ValueError(f"its option {name} must be {wanted}; correct it, or leave it out")
        options[name] = content
    _check_tls(options)


def _check_tls(options: Mapping[str, str]) -> None:
    """Files that can be read, and no check of names without a check of certificates."""
    if "ssl_ca_certs" in options:
        check_authorities(options["ssl_ca_certs"], "its option ssl_ca_certs names a file that")
    if options.get("ssl_cert_reqs") == "none" and _is_true(options.get("ssl_check_hostname", "true")):
        raise ValueError("its option ssl_cert_reqs=none checks nothing; add ssl_check_hostname=false, or leave it out")


def _is_true(text: str) -> bool:
    return text.lower() in {"true", "yes", "1"}


# Each returns what a value must be, in words, where it is something else; "" where it is fine.


def _text(text: str) -> str:
    return "" if text and text.isprintable() else "text without control characters"


def _name(text: str) -> str:
    return "" if text and all("!" <= character <= "~" for character in text) else "a name without spaces"


def _number(text: str) -> str:
    return "" if text.isascii() and text.isdecimal() and len(text) <= 9 else "a whole number"


def _seconds(text: str) -> str:
    wanted = f"seconds, above 0 and at most {MAX_SECONDS:g}"
    try:
        seconds = float(text)
    except ValueError:
        return wanted
    return "" if math.isfinite(seconds) and 0 < seconds <= MAX_SECONDS else wanted


def _choice(*choices: str) -> Callable[[str], str]:
    def rule(text: str) -> str:
        return "" if text in choices else f"one of {', '.join(choices)}"

    return rule


_YES_OR_NO: Final = _choice("true", "false", "yes", "no", "1", "0")

OPTIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "db": _number,
    "username": _text,
    "password": _text,
    "client_name": _name,
    "socket_timeout": _seconds,
    "socket_connect_timeout": _seconds,
    "socket_keepalive": _YES_OR_NO,
    "health_check_interval": _number,
    "sentinel_username": _text,
    "sentinel_password": _text,
    "ssl_ca_certs": _text,
    "ssl_ca_path": _text,
    "ssl_ciphers": _text,
    "ssl_certfile": _text,
    "ssl_keyfile": _text,
    "ssl_password": _text,
    "ssl_cert_reqs": _choice(*(mode.name.removeprefix("CERT_").lower() for mode in ssl.VerifyMode)),
    "ssl_check_hostname": _YES_OR_NO,
}
"""What each option must be."""

SECRET_OPTIONS: Final = frozenset({"password", "sentinel_password", "ssl_password"})
SHOWN_OPTIONS: Final = OPTIONS.keys() - SECRET_OPTIONS
"""Those whose values are no secrets; a misspelt password is still one, so all others are hidden."""
