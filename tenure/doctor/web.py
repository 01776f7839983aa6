"""Questions to a service that answers JSON over HTTP."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import aiohttp
import msgspec

from streams.settings.rules import without_password

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_Answer = TypeVar("_Answer")


class NoAnswer(Exception):
    """A service does not answer, or answers with something else; says which and what."""


class Web:
    """One service.

    Args:
        session: Of all questions.
        url: Its address, as the user gave it.

    Attributes:
        url: The same to be shown, without a password.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self.url = without_password(self._url)

    async def get(self, path: str, shape: type[_Answer], **parameters: str) -> _Answer:
        """Return what a path answers with; members that its shape does not name are left out.

        Raises:
            NoAnswer: There is none, or it is no JSON of this shape.
        """
        body = await self._ask("GET", path, params=parameters)
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NoAnswer(f"{self.url}{path} answers with something else than expected ({error})") from error

    async def post(self, path: str, body: object) -> None:
        """Send JSON.

        Raises:
            NoAnswer: It was not taken.
        """
        await self._ask("POST", path, json=body)

    async def _ask(self, method: str, path: str, **options: Any) -> bytes:
        try:
            async with self._session.request(method, f"{self._url}{path}", timeout=_TIMEOUT, **options) as answer:
                if answer.status >= 300:
                    raise NoAnswer(f"{self.url}{path} answers {answer.status} {answer.reason}")
                return await answer.read()
        except aiohttp.InvalidURL as error:
            raise NoAnswer(f"{self.url} is no address of a service; write for example http://127.0.0.1:9090") from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            said = str(error).replace(self._url, self.url) or type(error).__name__
            raise NoAnswer(f"{self.url}{path}: {said}") from error
