"""A schema registry on the loopback interface that speaks as much of Confluent's API as serializers need."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class FakeRegistry:
    """Schemas by id, and what is asked for them.

    Attributes:
        schemas: What was registered; its place, from 1, is its id.
        asked: The paths that were asked for, in their order.
        authorizations: Of each request, its header; empty where there is none.
        wants: The header that is let in; empty lets everybody in.
        answers: If set, the status and text of every answer.
        url: Its address.
    """

    def __init__(self) -> None:
        self.schemas: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.authorizations: list[str] = []
        self.wants = ""
        self.answers: tuple[int, str] | None = None
        self.url = ""
        self._versions: dict[tuple[str, int], int] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeRegistry]:
        """Serve until the end of the block."""
        app = web.Application()
        app.router.add_post("/subjects/{subject}/versions", self._register)
        app.router.add_post("/subjects/{subject}", self._register)
        app.router.add_get("/subjects/{subject}/versions/{version}", self._version)
        app.router.add_get("/schemas/ids/{id}", self._schema)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        """Return the id of a schema, which is the next version of its subject if it is new."""
        if schema not in self.schemas:
            self.schemas.append(schema)
        number = self.schemas.index(schema) + 1
        version = sum(1 for known, _ in self._versions if known == subject) + 1
        self._versions[subject, version] = number
        return number

    async def _register(self, request: web.Request) -> web.Response:
        body = await request.json()
        kept = {name: body[name] for name in ("schema", "schemaType", "references") if body.get(name)}
        number = self.register(request.match_info["subject"], kept)
        return web.json_response({"id": number, "version": 1, "subject": request.match_info["subject"], **kept})

    async def _schema(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        return self._answer(request, self.schemas[number - 1] if 0 < number <= len(self.schemas) else None, 40403)

    async def _version(self, request: web.Request) -> web.Response:
        key = (request.match_info["subject"], int(request.match_info["version"]))
        number = self._versions.get(key)
        return self._answer(request, None if number is None else self.schemas[number - 1], 40402)

    def _answer(self, request: web.Request, found: dict[str, Any] | None, code: int) -> web.Response:
        self.asked.append(request.path)
        self.authorizations.append(request.headers.get("Authorization", ""))
        if self.answers is not None:
            status, text = self.answers
            return web.Response(status=status, text=text)
        if self.wants and self.authorizations[-1] != self.wants:
            return web.json_response({"error_code": 40101, "message": "Unauthorized"}, status=401)
        if found is None:
            return web.json_response({"error_code": code, "message": "not found"}, status=404)
        return web.json_response(found)
