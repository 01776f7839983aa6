"""Tokens for SASL OAUTHBEARER: out of a file that somebody keeps fresh, or from an endpoint of OpenID Connect.

aiokafka asks for one at each connection that it makes. Kafka closes a connection whose token has expired, and the next
one is made with a new token.
"""

from __future__ import annotations

import base64
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

import aiohttp
import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from streams.kafka.http_bodies import BodyTooLarge, whole_body

_TIMEOUT_SECONDS: Final = 10.0
_MAX_BYTES: Final = 256 * 1024
#: What RFC 6750 lets a token consist of; anything else would be cut or read as something else on the way.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_ERROR_CODE: Final = re.compile(r"[a-z_]{1,64}")
_SHARE: Final = 0.8
"""A token is renewed when so much of its life is over."""


class TokenUnavailable(KafkaConnectionError):  # type: ignore[misc]  # aiokafka has no types
    """There is no token: aiokafka takes it for a connection that did not come about, and tries again later.

    Args:
        setting: What to change.
        value: Its value; never a secret.
        advice: What is wrong and what to do.
        may_mend: Whether waiting may be enough.
    """

    def __init__(self, setting: str, value: str, advice: str, *, may_mend: bool) -> None:
        self.setting, self.value, self.advice, self.may_mend = setting, value, advice, may_mend
        super().__init__(f"no token for Kafka: {setting} is {value!r}: {advice}")


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Reads the token anew each time: whoever writes the file may replace it at any time."""

    def __init__(self, file: Path) -> None:
        self.file = file

    async def token(self) -> str:
        """Return what the file holds, without spaces at its ends.

        Raises:
            TokenUnavailable: It cannot be read, or holds no token.
        """
        try:
            text = self.file.read_text(encoding="ascii", errors="replace").strip()
        except OSError as error:
            raise self._unavailable(f"it cannot be read ({error.strerror}); correct the path") from error
        if not _TOKEN.fullmatch(text):
            raise self._unavailable("it holds no token, which is one line of letters, digits and -._~+/=; write one")
        return text

    def _unavailable(self, advice: str) -> TokenUnavailable:
        return TokenUnavailable("TENURE_KAFKA_TOKEN_FILE", str(self.file), advice, may_mend=False)


class TokenEndpoint(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Asks an endpoint for tokens by client credentials (RFC 6749, 4.4), and keeps each for most of its life."""

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        client_secret: str,
        scope: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nothing yet.

        Args:
            url: The token endpoint.
            client_id: Who we are there.
            client_secret: The secret that goes with it.
            scope: What the token is asked for; None leaves that to the endpoint.
            clock: Seconds, from any instant on.
        """
        self.url = url
        self._clock = clock
        # As RFC 6749, 2.3.1 has it: each is encoded as a form's value first.
        login = f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()
        self._headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}"}
        self._form = {"grant_type": "client_credentials", **({} if scope is None else {"scope": scope})}
        #: the token, and when it is renewed, on the clock
        self._kept: tuple[str, float] = ("", 0.0)

    async def token(self) -> str:
        """Return a token that is fresh.

        Raises:
            TokenUnavailable: The endpoint does not answer, or refuses.
        """
        # Consumer and producer ask from threads of their own: two may then fetch one each, which does no harm.
        token, renew_at = self._kept
        if self._clock() < renew_at:
            return token
        asked_at = self._clock()
        answer = await self._ask()
        fresh, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(fresh, str) or not _TOKEN.fullmatch(fresh):
            raise self._unavailable("its answer holds no access_token; is it a token endpoint?", may_mend=False)
        # One that does not say how long it lives is used once.
        self._kept = (fresh, asked_at + (_SHARE * seconds if isinstance(seconds, int | float) else 0.0))
        return fresh

    async def _ask(self) -> dict[str, Any]:
        # A session of its own: each belongs to the event loop that it was made in. No redirect is followed, for the
        # secret would go along.
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)) as session,
                session.post(self.url, data=self._form, headers=self._headers, allow_redirects=False) as response,
            ):
                body = await whole_body(response, _MAX_BYTES)
                status = response.status
        except aiohttp.ClientConnectorCertificateError as error:
            cause = error.certificate_error
            reason = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else type(cause).__name__
            advice = f"its certificate is not trusted ({reason}); name the authority's file in SSL_CERT_FILE"
            raise self._unavailable(advice, may_mend=False) from error
        except BodyTooLarge as error:
            raise self._unavailable(f"{error}; is it a token endpoint?", may_mend=False) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise self._unavailable(f"it does not answer ({reason}); start it, or correct it", may_mend=True) from error
        answer = _as_object(body)
        if status != 200:
            code = answer.get("error")
            said = f" {code}" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
            advice = f"it answers {status}{said}; correct it, TENURE_KAFKA_USERNAME or TENURE_KAFKA_PASSWORD"
            raise self._unavailable(advice, may_mend=status == 429 or status >= 500)
        return answer

    def _unavailable(self, advice: str, *, may_mend: bool) -> TokenUnavailable:
        return TokenUnavailable("TENURE_KAFKA_TOKEN_URL", self.url, advice, may_mend=may_mend)


def _as_object(body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
