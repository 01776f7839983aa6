"""The tools of an assistant: the official client finds them, calls them, and reads what the commands print."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from mcp import Client

from streams.embedded.tables import MemoryTables
from streams.settings.settings import Settings
from tenure.api.mcp_server import given_of, mcp_server
from tenure.api.reports import REPORTS
from tenure.api.running import ReportRunner
from tests.unit.streams.partitions import on_virtual_time
from tests.unit.tenure.api.asking import AT, SAME, command, put_tables
from tests.unit.tenure.reports.test_periods import late_tables


@pytest.fixture(scope="module")
def late() -> MemoryTables:
    """Tables of a stream with late events."""
    found: list[MemoryTables] = []

    async def fill() -> None:
        found.append((await late_tables()).tables)

    on_virtual_time(fill)
    return found[0]


@pytest.fixture(autouse=True)
def _running(monkeypatch: pytest.MonkeyPatch, late: MemoryTables, nothing_set: None) -> None:
    del nothing_set
    put_tables(monkeypatch, late)


def _client() -> Client:
    return Client(mcp_server(ReportRunner(Settings(), most=2, seconds=60)))


async def test_every_report_is_a_tool_that_only_reads() -> None:
    """An assistant may call them without asking."""
    async with _client() as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [report.name for report in REPORTS]
    for tool in tools:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        assert tool.input_schema["additionalProperties"] is False


@pytest.mark.parametrize("name", [name for name, calls in SAME.items() if calls])
def test_tool_answers_what_the_command_prints(name: str) -> None:
    """An assistant that explains a number explains the right one."""
    many = {each.name for report in REPORTS if report.name == name for each in report.parameters if each.many}
    for parameters, arguments in SAME[name]:
        asked: dict[str, Any] = {}
        for key, value in parameters:
            asked[key] = [*asked.get(key, []), value] if key in many else value
        found = asyncio.run(_called(name, asked))
        assert not found.is_error, found.content
        assert json.loads(found.content[0].text) == command(*arguments)


async def _called(name: str, asked: dict[str, Any]) -> Any:
    async with _client() as client:
        return await client.call_tool(name, asked)


async def test_tool_that_is_called_wrongly_says_what_is_right() -> None:
    """It can mend its call."""
    async with _client() as client:
        found: Any = await client.call_tool("explain", {"kpi": "churm", "as_of": AT})
        assert found.is_error
        assert "did you mean" in found.content[0].text
        missing: Any = await client.call_tool("customer", {"customer_id": "nobody"})
        assert missing.is_error
        assert "there is no customer" in missing.content[0].text


def test_arguments_are_the_texts_of_parameters() -> None:
    """Numbers and truth values come as such."""
    assert given_of({"a": "x", "b": 7, "c": ["1", 2], "d": None, "e": True}) == {
        "a": ["x"],
        "b": ["7"],
        "c": ["1", "2"],
        "e": ["true"],
    }
