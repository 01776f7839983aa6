"""The address in `redis_url`: one server, nodes of a cluster, or Sentinels of a primary.

Only the text is read, and the names of its files are looked up; connections are made in `streams.redis.connection`.
No message quotes the URL: a part of a malformed one may be a part of the password.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from streams.paths import is_file
from streams.settings.hosts import is_host
from streams.settings.redis_options import check_options

SENTINEL: Final = "+sentinel"
SCHEMES: Final = ("redis", "rediss", "unix", f"redis{SENTINEL}", f"rediss{SENTINEL}")
_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379
_NODE: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::(\d{1,5}))?")
_FILES: Final = ("ssl_certfile", "ssl_keyfile")
_OF_SENTINELS: Final = ("sentinel_username", "sentinel_password")
_ENCODE: Final = "write /, ?, # and @ in a name or a password as %2F, %3F, %23 and %40"


class RedisAddress(NamedTuple):
    """An address of Redis, as the setting says it.

    Attributes:
        nodes: Host and port of each server, node or Sentinel; empty for a socket.
        service: The name by which Sentinels know the primary; empty where none is asked.
        tls: Whether connections are encrypted.
        options: Of each connection to Redis, as redis-py takes them; the database, `db`, among them if it is not 0.
        sentinel_options: Of each connection to a Sentinel.
    """

    nodes: tuple[tuple[str, int], ...]
    service: str
    tls: bool
    options: dict[str, Any]
    sentinel_options: dict[str, Any]


def read_address(url: str) -> RedisAddress:
    """Return what a URL says.

    Args:
        url: `redis://` or `rediss://` (TLS), name and password, one server or several nodes of a cluster, and the
            number of a database; the same with `+sentinel`, Sentinels and the name of their primary; or `unix://` and
            a path.

    Raises:
        ValueError: It cannot work; the message says why and what to do, and quotes nothing of it.
    """
    scheme, parts = _split(url)
    if scheme not in SCHEMES:
        raise ValueError("it must begin with redis://, rediss:// (TLS) or unix://, or redis+sentinel:// for Sentinels")
    if scheme == "unix":
        if not parts.path.startswith("/"):
            raise ValueError("a socket is written unix:///path/to/redis.sock")
        return RedisAddress((), "", tls=False, options=_options(url, tls=False), sentinel_options={})
    sentinel = scheme.endswith(SENTINEL)
    user, at, servers = parts.netloc.rpartition("@")
    nodes = _nodes(servers, _SENTINEL_PORT if sentinel else _PORT)
    path = parts.path.strip("/").split("/")
    service = path.pop(0) if sentinel else ""
    if sentinel and not service:
        raise ValueError("it does not name the primary; write redis+sentinel://sentinel-1:26379,sentinel-2:26379/NAME")
    database = path[0] if path else ""
    if len(path) > 1 or (database and not database.isdecimal()):
        raise ValueError("what follows the host is the number of a database, for example /0")
    tls = scheme.startswith("rediss")
    alone = f"{'rediss' if tls else 'redis'}://{user}{at}host/{database}?{parts.query}"
    options = _options(alone, tls=tls)
    of_sentinels = {name: options.pop(name) for name in _OF_SENTINELS if name in options}
    if of_sentinels and not sentinel:
        raise ValueError("sentinel_username and sentinel_password have no effect without redis+sentinel://; drop them")
    options.pop("host")
    shared = {name: value for name, value in options.items() if name.startswith("ssl_")}
    sentinel_options = {name.removeprefix("sentinel_"): value for name, value in of_sentinels.items()} | shared
    return RedisAddress(nodes, service, tls, options, sentinel_options if sentinel else {})


def _split(url: str) -> tuple[str, SplitResult]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"its host cannot be read; {_ENCODE}") from error
    if parts.fragment or "@" in parts.query:
        raise ValueError(f"it is cut at a character that has a meaning in a URL; {_ENCODE}")
    return parts.scheme, parts


def _nodes(servers: str, port: int) -> tuple[tuple[str, int], ...]:
    if not servers:
        raise ValueError("it names no host; write for example redis://redis:6379/0")
    found: list[tuple[str, int]] = []
    for server in servers.split(","):
        match = _NODE.fullmatch(server)
        if match is None or not 0 < int(match[2] or port) < 65536 or not is_host(match[1].strip("[]")):
            raise ValueError(f"a server in it is not host:port; write for example redis://redis:6379/0, and {_ENCODE}")
        found.append((match[1].strip("[]"), int(match[2] or port)))
    return tuple(dict.fromkeys(found))


def _options(url: str, *, tls: bool) -> dict[str, Any]:
    """Return what redis-py makes of a URL of one server, without the class of its connections."""
    from redis.asyncio.connection import parse_url  # noqa: PLC0415 - slow, and no file's numbers need Redis

    check_options(urlsplit(url).query, tls=tls)
    try:
        found: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        raise ValueError(
            f"a parameter has a value that is none ({str(error).partition(' in ')[0]}); correct it"
        ) from error
    found.pop("connection_class", None)
    if "ssl_keyfile" in found and "ssl_certfile" not in found:
        raise ValueError("ssl_keyfile needs the certificate that goes with it; name its file as ssl_certfile")
    for name in _FILES:
        if name in found and not is_file(found[name]):
            raise ValueError(f"there is no such file as its {name} names; correct the path")
    if "ssl_certfile" in found:
        # Without one, OpenSSL would ask whoever sits at the terminal for the password of an encrypted key.
        found.setdefault("ssl_password", "")
    if not found.get("db", 1):
        del found["db"]
    return found
