"""The API and its tools over tables in memory, and the commands that answer the same."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

from streams.embedded.tables import MemoryTables
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.api.application import Api
from tenure.api.running import ReportRunner
from tenure.cli import app
from tenure.gateway.senders import Tokens
from tenure.operations import targets
from tenure.stored import opening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

AT = "2026-03-10"
#: Every report, with parameters and the command that prints the same.
SAME: dict[str, list[tuple[list[tuple[str, str]], tuple[str, ...]]]] = {
    "kpi": [
        ([("as_of", AT)], ("kpi", "--at", AT)),
        ([("as_of", AT), ("where", "country = none")], ("kpi", "--at", AT, "--where", "country = none")),
        (
            [("as_of", AT), ("as_of", "2026-02-01"), ("by", "plan"), ("window", "30d"), ("lens", "stripe")],
            ("kpi", "--at", AT, "--at", "2026-02-01", "--by", "plan", "--window", "30d", "--lens", "stripe"),
        ),
    ],
    "period": [([("period", "2026-01"), ("by", "plan")], ("kpi", "--period", "2026-01", "--by", "plan"))],
    "periods": [([], ("periods",)), ([("limit", "1")], ("periods", "--limit", "1"))],
    "explain": [
        ([("kpi", "churn"), ("as_of", AT)], ("explain", "churn", "--at", AT)),
        (
            [("kpi", "churn"), ("as_of", AT), ("lens", "stripe"), ("by", "plan"), ("window", "7d"), ("limit", "1")],
            ("explain", "churn", "--at", AT, "--lens", "stripe", "--by", "plan", "--window", "7d", "--limit", "1"),
        ),
    ],
    "lenses": [([("as_of", AT)], ("lenses", "--at", AT))],
    "customer": [],  # asked of a customer that the test finds
    "cohorts": [([("as_of", AT), ("period", "week")], ("cohorts", "--at", AT, "--period", "week"))],
    "lifetime": [([("as_of", AT), ("by", "plan")], ("lifetime", "--at", AT, "--by", "plan"))],
    "feedback": [([("as_of", AT), ("limit", "3")], ("feedback", "--at", AT, "--limit", "3"))],
    "drivers": [([("as_of", AT), ("where", "plan != none")], ("drivers", "--at", AT, "--where", "plan != none"))],
    "risk": [([("as_of", AT)], ("risk", "--at", AT))],
    "forecast": [([("as_of", "2027-01-01")], ("forecast", "--at", "2027-01-01"))],
    **{
        name: [([("as_of", AT)], (name, "--at", AT))]
        for name in ("experiments", "marks", "support", "referrals", "usage")
    },
    "value": [([("as_of", AT), ("where", "plan != none")], ("value", "--at", AT, "--where", "plan != none"))],
    "reasons": [([("as_of", AT), ("window", "7d")], ("reasons", "--at", AT, "--window", "7d"))],
    "features": [([("as_of", AT)], ("features", "--at", AT))],
    "digest": [([("week", "2026-W09")], ("digest", "--week", "2026-W09"))],
    "targets": [([], ("target", "list"))],
    "sql": [
        (
            [("statement", "SELECT * FROM movements ORDER BY ALL"), ("as_of", AT)],
            ("sql", "SELECT * FROM movements ORDER BY ALL", "--at", AT),
        )
    ],
}


def put_tables(monkeypatch: pytest.MonkeyPatch, tables: MemoryTables) -> None:
    """Have every reader find a copy of these tables."""

    @asynccontextmanager
    async def tables_of(settings: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark]]:
        del settings
        yield deepcopy(tables), StreamMark("group", 2, "")

    monkeypatch.setattr(opening, "tables_of", tables_of)
    monkeypatch.setattr(targets, "tables_of", tables_of)


def command(*arguments: str) -> Any:
    """Return what a command prints as JSON."""
    result = CliRunner().invoke(app, [*arguments, "--json"])
    # A document that scores nobody says so; the command ends with 1 besides.
    assert result.exit_code == (1 if arguments[0] == "risk" else 0), result.stderr
    return json.loads(result.stdout)


def client_of(*, tokens: Tokens | None = None, most: int = 2, seconds: float = 60.0, asked: str = "127.0.0.1") -> Any:
    """Return a client of an API that it is asked as a host."""
    runner = ReportRunner(Settings(), most=most, seconds=seconds)
    api = Api(runner, tokens, "127.0.0.1")
    transport = httpx.ASGITransport(api.application, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"http://{asked}:8465")


async def get(client: Any, path: str, parameters: Sequence[tuple[str, str]] = (), **headers: str) -> httpx.Response:
    """Ask for a path."""
    found: httpx.Response = await client.get(path, params=list(parameters), headers=headers)
    return found


def asked(path: str, parameters: Sequence[tuple[str, str]] = ()) -> httpx.Response:
    """Ask a new API, in an event loop of its own: commands need the main thread, and no loop that runs in it."""

    async def ask() -> httpx.Response:
        async with client_of() as client:
            return await get(client, path, parameters)

    return asyncio.run(ask())
