"""Why Redis does not let us in: a certificate that is not trusted, a password that is wrong.

The client says of all of them that there is no connection, and waiting seems right; these do not mend by waiting.
"""

from __future__ import annotations

import ssl
from typing import Final

from redis.exceptions import AuthenticationError, ResponseError

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
