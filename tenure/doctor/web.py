"""Questions to a service that answers JSON over HTTP."""

from __future__ import annotations

from typing import Any, Final

import aiohttp

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


class NoAnswer(Exception):
    """A service does not answer, or answers with something else; says which and what."""


class Web:
    """One service.

    Args:
        session: Of all questions.
        url: Its address, as the user gave it.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url.rstrip("/")

    async def get(self, path: str, **parameters: str) -> Any:
        """Return the JSON that a path answers with.

        Raises:
            NoAnswer: There is none.
        """
        return await self._ask("GET", path, params=parameters)

    async def post(self, path: str, body: object) -> None:
        """Send JSON.

        Raises:
            NoAnswer: It was not taken.
        """
        await self._ask("POST", path, json=body)

    async def _ask(self, method: str, path: str, **options: Any) -> Any:
        try:
            async with self._session.request(method, f"{self.url}{path}", timeout=_TIMEOUT, **options) as answer:
                if answer.status >= 300:
                    raise NoAnswer(f"{self.url}{path} answers {answer.status} {answer.reason}")
                return await answer.json(content_type=None) if method == "GET" else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise NoAnswer(f"{self.url}{path}: {str(error) or type(error).__name__}") from error
