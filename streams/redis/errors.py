"""Errors of Redis and its Sentinels as the product's own: certificates, passwords, rights, wrong kind of server.

The client says of all of them that there is no connection, and waiting seems right; these do not mend by waiting.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Final

from redis.asyncio.connection import SSLConnection
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from streams.errors import ConfigurationError, TablesUnavailable
from streams.settings.redis_address import RedisAddress
from streams.settings.rules import without_password
from streams.tls import is_about_ours, load_identity, wants_certificate

_SETTING: Final = "TENURE_REDIS_URL"


def refusal_of(url: str, error: BaseException) -> ConfigurationError | None:
    """Return what to say of a first call that failed; None where waiting may mend it.

    Args:
        url: How the address was set; its password is not shown.
        error: Of redis-py, or what we made of one; what it came from is looked at too.
    """
    address = without_password(url)
    if isinstance(error, TablesUnavailable):
        error = error.__cause__ or error
    if isinstance(error, AuthenticationError):
        return ConfigurationError(_SETTING, address, f"Redis refuses its name or password ({error}); correct them")
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        advice = (
            f"the certificate of Redis is not trusted ({cause.verify_message}); name the file of the authority that "
            "signed it, as rediss://…?ssl_ca_certs=FILE, and Redis as the certificate does"
        )
        return ConfigurationError(_SETTING, address, advice)
    if isinstance(cause, FileNotFoundError | PermissionError) and url.startswith("rediss"):
        return ConfigurationError(_SETTING, address, "a file of certificates that it names cannot be read; correct it")
    if isinstance(cause, ssl.SSLError) and is_about_ours(cause):
        return _certificate_wanted(url)
    if isinstance(cause, ssl.SSLError):
        return ConfigurationError(_SETTING, address, f"TLS does not work with it ({cause.reason or cause}); correct it")
    if isinstance(error, ResponseError):
        return ConfigurationError(
            _SETTING,
            address,
            f"Redis refuses it ({error}); correct it, or give its user the rights that docs/rights.md lists",
        )
    return None


def no_redis(address: str, error: TablesUnavailable) -> TablesUnavailable:
    """Return what to say of a command that reached no Redis.

    Args:
        address: Where it should be, without its password.
        error: What the client said.
    """
    return TablesUnavailable(f"Redis at {address}", f"{error.reason.rstrip('.')}; start it, or set {_SETTING}")


def cluster_refusal(url: str, *, is_one: bool) -> ConfigurationError:
    """Return what to say of a Redis that is a cluster where the address does not allow one, or none where it must be.

    Args:
        url: How the address was set; its password is not shown.
        is_one: Whether it is one.
    """
    advice = "Redis there is no cluster; name one server, or its Sentinels as redis+sentinel://HOST:PORT,…/NAME"
    if is_one:
        advice = "Redis there is a cluster, which has no Sentinels; name its nodes as redis://HOST:PORT,…"
    return ConfigurationError(_SETTING, without_password(url), advice)


def check_certificate(url: str, address: RedisAddress) -> None:
    """Find out whether the certificate that an address names can be shown at all.

    Raises:
        ConfigurationError: Its file, its key's, or the key's password is wrong.
    """
    certificate, key = address.options.get("ssl_certfile"), address.options.get("ssl_keyfile")
    if certificate is None:
        return
    fault = load_identity(
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        Path(certificate),
        None if key is None else Path(key),
        address.options.get("ssl_password"),
        password_setting="ssl_password",  # noqa: S106 - its name
    )
    if fault is not None:
        which = "ssl_keyfile" if fault.of_key else "ssl_certfile"
        raise ConfigurationError(_SETTING, without_password(url), f"{which}: {fault.advice}")


async def certificate_refusal(url: str, address: RedisAddress, node: tuple[str, int]) -> ConfigurationError | None:
    """Return what to say where a server wants a certificate of ours, or another one; None where it does not."""
    if not address.tls or not await wants_certificate(*node, _context(address)):
        return None
    return _certificate_wanted(url)


def _certificate_wanted(url: str) -> ConfigurationError:
    advice = "Redis wants a certificate from us; name one, as rediss://…?ssl_certfile=FILE&ssl_keyfile=FILE"
    if "ssl_certfile=" in url:
        advice = "Redis does not take the certificate of ssl_certfile; name one of an authority that it trusts"
    return ConfigurationError(_SETTING, without_password(url), advice)


def _context(address: RedisAddress) -> ssl.SSLContext:
    """Return what redis-py connects with."""
    options = {name: value for name, value in address.options.items() if name.startswith("ssl_")}
    return SSLConnection(host="", **options).ssl_context.get()


async def sentinel_refusal(url: str, address: RedisAddress, sentinel: Any) -> ConfigurationError | None:
    """Return why Sentinels lead to no primary; None where waiting may mend it.

    Args:
        url: How the address was set; its password is not shown.
        address: What it says.
        sentinel: Of redis-py.
    """
    known: set[str] = set()
    service = address.service
    for each in sentinel.sentinels:
        node = (each.connection_pool.connection_kwargs["host"], each.connection_pool.connection_kwargs["port"])
        try:
            known |= set(await each.sentinel_masters())
        except AuthenticationError as error:
            advice = (
                f"a Sentinel refuses its name or password ({error}); correct sentinel_username and sentinel_password"
            )
            return ConfigurationError(_SETTING, without_password(url), advice)
        except (RedisError, OSError) as error:
            refusal = refusal_of(url, error) or await certificate_refusal(url, address, node)
            if refusal is not None:
                return refusal
    if not known or service in known:
        return None
    advice = (
        f"its Sentinels know no primary {service!r} but {', '.join(sorted(known))}; correct the name behind the hosts"
    )
    return ConfigurationError(_SETTING, without_password(url), advice)
