"""The API as a process of its own: on a port with a token, and as the server of an assistant that asks and explains."""

from __future__ import annotations

import asyncio
import json
import os
import urllib.error
import urllib.request
from typing import Any, Final

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from services.installation import TENURE, Installation
from services.process import Process, StartProcess, free_port, listens
from tests.recount.short_events import cancel, signup

TOKEN: Final = "dashboard-token-0123456789"
EVENTS: Final = [
    *(signup(f"c-{n}", "2026-01-05", "pro", 4900) for n in range(10)),
    cancel("c-3", "2026-02-20", reason="price"),
]


@pytest.fixture
def running(installation: Installation) -> Installation:
    """A stream that has counted these events."""
    installation.create_topics()
    installation.worker()
    installation.publish(installation.file_of(json.dumps(event).encode() for event in EVENTS))
    installation.until_applied()
    return installation


def get(port: int, path: str, token: str = TOKEN) -> tuple[int, Any]:
    """Return status and document of a path."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - an address of ours
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_api_answers_as_the_command_and_ends_when_it_is_told_to(
    running: Installation, start_process: StartProcess
) -> None:
    """A page of a company asks it; and its log tells nothing of the token."""
    port = free_port()
    settings = {"TENURE_API_TOKENS": f"dashboard={TOKEN}", "TENURE_LOG_LEVEL": "debug"}
    process: Process = start_process([TENURE, "api", "--port", str(port)], {**running.environment, **settings})
    process.wait_until(lambda: listens(port), what="the API")
    status, found = get(port, "/v1/kpi?as_of=2026-03-01&by=plan")
    assert (status, found) == (200, running.kpi("--at", "2026-03-01", "--by", "plan"))
    assert get(port, "/v1/kpi", "wrong")[0] == 401
    status, explained = get(port, "/v1/explain?kpi=cancellations&as_of=2026-03-01")
    (member,) = explained["parts"][0]["members"]
    assert (status, member["customer_id"], explained["agrees"]) == (200, "c-3", True)
    assert process.stop() == 0
    assert "api_stopped" in process.output
    assert TOKEN not in process.output


def test_assistant_asks_and_has_a_number_explained(running: Installation) -> None:
    """By the official client, over standard input and output, as desktop assistants start it."""

    async def ask() -> tuple[Any, Any]:
        environment = {**os.environ, **running.environment}
        server = StdioServerParameters(command=TENURE, args=["api", "--mcp"], env=environment)
        async with Client(server) as client:
            asked = {"as_of": ["2026-03-01"], "window": ["30d"]}
            numbers: Any = await client.call_tool("kpi", asked)
            explained: Any = await client.call_tool("explain", {"kpi": "churn", "as_of": "2026-03-01"})
            return json.loads(numbers.content[0].text), json.loads(explained.content[0].text)

    numbers, explained = asyncio.run(ask())
    assert numbers == running.kpi("--at", "2026-03-01", "--window", "30d")
    assert numbers[0]["windows"]["30d"]["customers_lost"] == 1
    lost = explained["parts"][0]
    assert [member["customer_id"] for member in lost["members"]] == ["c-3"]
    assert "cancel" in json.dumps(lost["members"][0]["reasons"])
