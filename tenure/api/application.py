"""The application that the API serves: paths, who may ask, limits, and answers as JSON.

Order of the checks: path, token or, without tokens, the host that was asked and the page that asks; parameters, room.
Nothing can be changed by a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from streams.errors import CheckFailed, InputError, TenureError, Unavailable, UsageError
from tenure.api.openapi import ApiFault, api_document
from tenure.api.reports import REPORTS, ApiReport
from tenure.api.running import ReportRunner, ReportsBusy, ReportTooSlow, said
from tenure.gateway.senders import Tokens
from tenure.reports.scan_thread import NotScannedYet

log = structlog.get_logger(__name__)

PREFIX: Final = "/v1/"
_JSON: Final = "application/json"
_AGAIN: Final = {"Retry-After": "1"}
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)
#: What a browser says of the page that asks: of this API itself, or none, as where somebody typed the address.
_OWN_SITES: Final = frozenset({"same-origin", "none"})
#: Answers are about people and money: no proxy and no browser keeps them.
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Api:
    """The paths of the API.

    Args:
        runner: Makes the reports.
        tokens: Of those who may ask; None: everybody who reaches it.
        host: The address that it listens on.
    """

    def __init__(self, runner: ReportRunner, tokens: Tokens | None, host: str) -> None:
        self._runner = runner
        self._tokens = tokens
        self._hosts = _LOCAL | {host.lower().strip("[]")}
        self._openapi = msgspec.json.encode(api_document())
        self.application = Starlette(
            routes=[
                *(Route(f"{PREFIX}{each.name}", partial(self._report, report=each)) for each in REPORTS),
                Route("/healthz", self._health),
                Route("/openapi.json", self._document),
            ],
            exception_handlers={HTTPException: _no_such_path, Exception: _fault_of_ours},
        )

    async def _report(self, request: Request, report: ApiReport) -> Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        given: dict[str, list[str]] = {}
        for name, text in request.query_params.multi_items():
            given.setdefault(name, []).append(text)
        try:
            answer = await self._runner.answer(report, given)
        except ReportsBusy as error:
            return _fault(503, f"{error}; ask again", _AGAIN)
        except TenureError as error:
            status = _status_of(error)
            if status >= 500:
                log.warning("report_failed", report=report.name, reason=str(error))
            return _fault(status, said(error), _AGAIN if status == 503 else {})
        return Response(answer, media_type=_JSON, headers=_HEADERS)

    def _refused(self, request: Request) -> Response | None:
        """Return the answer to who may not ask."""
        if self._tokens is None:
            return self._refused_without_token(request)
        if self._tokens.sender_of(request.headers.get("authorization", "")) is None:
            advice = "no token that api_tokens has; send the header Authorization: Bearer TOKEN"
            return _fault(401, advice, {"WWW-Authenticate": "Bearer"})
        return None

    def _refused_without_token(self, request: Request) -> Response | None:
        """Return the answer to a page in a browser on this machine, which might ask for a stranger."""
        asked = request.headers.get("host", "").lower()
        found = _HOST.fullmatch(asked)
        # A page that has a name of its own point here would be believed otherwise.
        if found is None or found[1].strip("[]") not in self._hosts:
            return _fault(421, f"it is asked as {asked[:200]!r}; ask it as 127.0.0.1, or set api_tokens")
        site, origin = request.headers.get("sec-fetch-site", "none"), request.headers.get("origin", "")
        if site not in _OWN_SITES or (origin and origin.partition("://")[2].lower() != asked):
            return _fault(403, "a page of another site asks; ask it directly, or set api_tokens and send one")
        return None

    async def _health(self, _request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _document(self, _request: Request) -> Response:
        return Response(self._openapi, media_type=_JSON)


def _status_of(error: TenureError) -> int:
    """Return the status of an error: who asked wrongly, what is not there, what does not answer."""
    if isinstance(error, UsageError | InputError):
        return 400
    if isinstance(error, CheckFailed):
        return 404
    return 503 if isinstance(error, Unavailable | ReportTooSlow | NotScannedYet) else 500


def _fault(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    content = msgspec.json.encode(ApiFault(text))
    return Response(content, status_code=status, media_type=_JSON, headers={**_HEADERS, **(headers or {})})


async def _fault_of_ours(_request: Request, _error: Exception) -> Response:
    return _fault(500, "a fault of the API, which its log tells of")  # the server logs it


async def _no_such_path(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    advice = f"{request.method} {request.url.path[:200]}: {error.detail}; /openapi.json lists what there is"
    return _fault(error.status_code, advice, error.headers)
