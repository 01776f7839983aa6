"""The application that the gateway serves: paths, who may send, limits, and answers as JSON.

Order of the checks: path, token, content type, rate, room, body; of a webhook, whose body is signed, the signature
follows the body and the rate the signature, so that nobody who does not sign uses up another's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from schemas.adapters.adapter import Adapter
from streams.metrics.exposition import CONTENT_TYPE
from tenure.gateway.answers import ErrorAnswer
from tenure.gateway.bodies import BodyError, content_type_of
from tenure.gateway.intake import Intake, RequestRefused, come_again
from tenure.gateway.meters import EVENTS, WEBHOOKS
from tenure.gateway.openapi import openapi
from tenure.gateway.room import HeldRoom, IntakeRoom, NoRoom
from tenure.gateway.senders import Rates, Tokens, token_fault
from tenure.gateway.signatures import BEARER, Signature

if TYPE_CHECKING:
    from streams.settings.settings import Settings

log = structlog.get_logger(__name__)

EVENTS_PATH: Final = "/v1/events"
WEBHOOKS_PATH: Final = "/v1/webhooks/{adapter}"
_ROOM_SECONDS: Final = 1
_JSON: Final = "application/json"
_LOG_SECONDS: Final = 1.0
_DIGITS: Final = 18
_FAULT: Final = 500
_TRUE: Final = frozenset({"true", "1"})
_FALSE: Final = frozenset({"false", "0"})


@dataclass(frozen=True)
class Endpoint:
    """The receiver of one adapter's webhooks."""

    adapter: Adapter
    signature: Signature


class Gateway:
    """The paths of the gateway.

    Args:
        intake: Takes what they are sent.
        room: For requests.
        tokens: Of producers.
        endpoints: Of webhooks, by the adapter's name.
        not_ready: Says why the gateway is not ready; None: it is.
    """

    def __init__(
        self,
        intake: Intake,
        room: IntakeRoom,
        tokens: Tokens,
        endpoints: Mapping[str, Endpoint],
        not_ready: Callable[[], str | None],
    ) -> None:
        self._intake = intake
        self._settings: Settings = intake.settings
        self._room = room
        self._tokens = tokens
        self._endpoints = endpoints
        self._not_ready = not_ready
        self._rates = Rates(self._settings.gateway_requests_per_second, time.monotonic)
        self._logged_at: dict[tuple[str, str, int], float] = {}
        self.application = Starlette(
            routes=[
                *_with_or_without_slash(EVENTS_PATH, self._events),
                *_with_or_without_slash(WEBHOOKS_PATH, self._webhooks),
                Route("/healthz", self._serve_health),
                Route("/readyz", self._serve_readiness),
                Route("/metrics", self._serve_metrics),
                Route("/openapi.json", self._serve_openapi),
            ],
            exception_handlers={HTTPException: _no_such_path, Exception: _fault_of_ours},
        )
        # A redirect has no body, and clients drop the token or the body when they follow it.
        self.application.router.redirect_slashes = False
        self._openapi = msgspec.json.encode(openapi())

    # -- events

    async def _events(self, request: Request) -> Response:
        sender = self._tokens.sender_of(request.headers.get("authorization", ""))
        return await self._answered(EVENTS, sender or "", lambda: self._take_events(request, sender))

    async def _take_events(self, request: Request, sender: str | None) -> Response:
        if sender is None:
            raise RequestRefused(
                401,
                token_fault(request.headers.get("authorization")),
                headers={"WWW-Authenticate": BEARER},
            )
        partial = _flag(request, "partial")
        try:
            content_type = content_type_of(request.headers)
        except BodyError as error:
            raise RequestRefused(error.status, str(error)) from error
        self._check_rate(EVENTS, sender)
        with self._enter(verified=True) as lease:
            body = await self._body(request, lease)
            answer = await self._intake.take_events(
                body, content_type, request.headers, sender=sender, partial=partial, lease=lease
            )
        return _json(answer, 207 if answer.refused else 200)

    # -- webhooks

    async def _webhooks(self, request: Request) -> Response:
        name = request.path_params["adapter"]
        endpoint = self._endpoints.get(name)
        sender = name if endpoint is not None else ""
        return await self._answered(WEBHOOKS, sender, lambda: self._take_webhook(request, endpoint))

    async def _take_webhook(self, request: Request, endpoint: Endpoint | None) -> Response:
        if endpoint is None:
            known = ", ".join(sorted(self._endpoints)) or "none"
            raise RequestRefused(
                404, f"no adapter of this name has a secret in gateway_webhook_secrets; those that have: {known}"
            )
        with self._enter(verified=False) as lease:
            body = await self._body(request, lease)
            fault = endpoint.signature.fault(request.headers, body, time.time())
            if fault is not None:
                challenge = endpoint.signature.challenge
                raise RequestRefused(401, fault, headers={"WWW-Authenticate": challenge} if challenge else None)
            lease.verify()
            self._check_rate(WEBHOOKS, endpoint.adapter.name)
            return _json(await self._intake.take_webhook(endpoint.adapter, body, lease))

    # -- of both

    async def _answered(self, path: str, sender: str, take: Callable[[], Awaitable[Response]]) -> Response:
        """Return the answer of what takes a request, and count it."""
        began = time.monotonic()
        try:
            response = await take()
        except RequestRefused as refused:
            if self._is_logged(path, sender, refused.status):
                log.info("request_refused", path=path, sender=sender, status=refused.status, reason=str(refused))
            answer = ErrorAnswer(error=str(refused), refused=refused.refused)
            response = _json(answer, refused.status, refused.headers)
        except ClientDisconnect:
            response = Response(status_code=499)  # nobody reads it; the number is that of other servers' logs
        except Exception:
            if self._is_logged(path, sender, _FAULT):
                log.exception("request_failed", path=path, sender=sender)
            response = _failed()
        self._intake.meters.answered(path, sender, response.status_code, time.monotonic() - began)
        return response

    def _is_logged(self, path: str, sender: str, status: int) -> bool:
        """Tell whether an answer is logged: one a second of a kind, since anybody may send anything."""
        kind, now = (path, sender, status), time.monotonic()
        if now - self._logged_at.get(kind, -_LOG_SECONDS) < _LOG_SECONDS:
            return False
        self._logged_at[kind] = now
        return True

    def _check_rate(self, path: str, sender: str) -> None:
        seconds = self._rates.take(path, sender)
        if seconds:
            limit = self._settings.gateway_requests_per_second
            raise come_again(
                f"{sender} sends more than {limit:,} requests a second; send fewer, or batches", seconds, 429
            )

    def _enter(self, *, verified: bool) -> HeldRoom:
        try:
            return self._room.enter(verified=verified)
        except NoRoom as error:
            raise come_again(f"{error}; send it again", _ROOM_SECONDS) from error

    async def _body(self, request: Request, lease: HeldRoom) -> bytes:
        """Return the body of a request, which arrives in time and fits.

        Raises:
            RequestRefused: It does not.
            ClientDisconnect: The sender went away.
        """
        most, seconds = self._settings.gateway_max_body_bytes, self._settings.gateway_timeout_seconds
        too_large = RequestRefused(
            413, f"the body is larger than gateway_max_body_bytes, {most:,}; send smaller batches"
        )
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdecimal() and (len(announced) > _DIGITS or int(announced) > most):
            raise too_large
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(seconds):
                async for part in request.stream():
                    size += len(part)
                    if size > most:
                        raise too_large
                    lease.take(len(part))
                    parts.append(part)
        except TimeoutError as error:
            raise RequestRefused(
                408, f"the body has not arrived within {seconds} s; send it faster, or less of it"
            ) from error
        except NoRoom as error:
            raise come_again(f"{error}; send it again", _ROOM_SECONDS) from error
        return b"".join(parts)

    # -- about the gateway

    async def _serve_health(self, _request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _serve_readiness(self, _request: Request) -> Response:
        reason = self._not_ready()
        return PlainTextResponse(f"{reason or 'ready'}\n", status_code=503 if reason else 200)

    async def _serve_metrics(self, _request: Request) -> Response:
        return Response(self._intake.meters.exposition(), media_type=None, headers={"Content-Type": CONTENT_TYPE})

    async def _serve_openapi(self, _request: Request) -> Response:
        return Response(self._openapi, media_type=_JSON)


def _with_or_without_slash(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> list[Route]:
    return [
        Route(path, endpoint, methods=["POST"]),
        Route(f"{path}/", endpoint, methods=["POST"], include_in_schema=False),
    ]


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "false").lower()
    if text not in _TRUE | _FALSE:
        raise RequestRefused(400, f"{name} is {text[:32]!r}; write {name}=true, or leave it out")
    return text in _TRUE


def _json(answer: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(answer), status_code=status, headers=dict(headers or {}), media_type=_JSON)


def _failed() -> Response:
    """Return the answer to a request that we failed at."""
    return _json(ErrorAnswer(error="a fault of the gateway, which its log tells of; send it again"), _FAULT)


async def _fault_of_ours(_request: Request, _error: Exception) -> Response:
    return _failed()  # the server logs it


async def _no_such_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    advice = f"{request.method} {request.url.path[:200]}: {error.detail}; /openapi.json lists what there is"
    return _json(ErrorAnswer(error=advice), error.status_code, error.headers)
