"""Why Redis, or a Sentinel, does not let us in, or is not what its address says: a certificate, a password, a name.

The client says of all of them that there is no connection, and waiting seems right; these do not mend by waiting.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from redis.exceptions import AuthenticationError, RedisError, ResponseError

from streams.errors import ConfigurationError
from streams.settings_rules import without_password

_SETTING: Final = "TENURE_REDIS_URL"


def refusal_of(url: str, error: BaseException) -> ConfigurationError | None:
    """Return what to say of a first call that failed; None where waiting may mend it.

    Args:
        url: How the address was set; its password is not shown.
        error: Of redis-py; what it came from is looked at too.
    """
    address = without_password(url)
    if isinstance(error, AuthenticationError):
        return ConfigurationError(_SETTING, address, f"Redis refuses its name or password ({error}); correct them")
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        advice = (
            f"the certificate of Redis is not trusted ({cause.verify_message}); name the file of the authority that "
            "signed it, as rediss://…?ssl_ca_certs=FILE, and Redis as the certificate does"
        )
        return ConfigurationError(_SETTING, address, advice)
    if isinstance(cause, FileNotFoundError | PermissionError) and url.startswith("rediss:"):
        return ConfigurationError(_SETTING, address, "a file of certificates that it names cannot be read; correct it")
    if isinstance(cause, ssl.SSLError):
        return ConfigurationError(_SETTING, address, f"TLS does not work with it ({cause.reason or cause}); correct it")
    if isinstance(error, ResponseError):
        return ConfigurationError(_SETTING, address, f"Redis refuses it ({error}); correct it, or what Redis allows")
    return None


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


async def sentinel_refusal(url: str, service: str, sentinel: Any) -> ConfigurationError | None:
    """Return why Sentinels lead to no primary; None where waiting may mend it.

    Args:
        url: How the address was set; its password is not shown.
        service: The name by which they should know the primary.
        sentinel: Of redis-py.
    """
    known: set[str] = set()
    for each in sentinel.sentinels:
        try:
            known |= set(await each.sentinel_masters())
        except (RedisError, OSError) as error:
            refusal = refusal_of(url, error)
            if refusal is not None:
                return refusal
    if not known or service in known:
        return None
    advice = (
        f"its Sentinels know no primary {service!r} but {', '.join(sorted(known))}; correct the name behind the hosts"
    )
    return ConfigurationError(_SETTING, without_password(url), advice)
