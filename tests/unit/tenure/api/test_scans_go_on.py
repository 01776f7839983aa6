"""Scans that take longer than a report may: they go on, once, and answer whoever asks again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Collection, Iterator

import pytest

from streams.embedded.tables import MemoryTables
from tenure.api import reports
from tenure.reports.kept import MOST_KEPT
from tests.unit.streams.partitions import on_virtual_time
from tests.unit.tenure.api.asking import AT, asked, client_of, command, get, put_tables
from tests.unit.tenure.reports.test_periods import late_tables

Slices = AsyncIterator[tuple[int, list[tuple[str, bytes]]]]
ASKED = [
    ("feedback", [("where", "plan != none"), ("limit", "4")], ("--where", "plan != none", "--limit", "4")),
    ("lifetime", [("where", "plan != none")], ("--where", "plan != none")),
    ("kpi", [("where", "plan != none")], ("--where", "plan != none")),
]


class Gate:
    """Lets scans take one slice, and go on when it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.ended = 0, threading.Event()
        self._open = threading.Event()
        scan_states = MemoryTables.scan_states

        async def held(tables: MemoryTables, partitions: Collection[int]) -> Slices:
            self.begun += 1
            try:
                async for part in scan_states(tables, partitions):
                    yield part
                    while not self._open.is_set():
                        await asyncio.sleep(0)
            finally:
                self.ended.set()

        monkeypatch.setattr(MemoryTables, "scan_states", held)

    def open(self) -> None:
        """Let them go on."""
        self._open.set()


@pytest.fixture(autouse=True)
def _stream(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> Iterator[None]:
    del nothing_set

    async def fill() -> None:
        put_tables(monkeypatch, (await late_tables()).tables)

    on_virtual_time(fill)
    reports._passes.cache_clear()
    yield
    reports.stop_scans()


@pytest.mark.parametrize(("name", "parameters", "options"), ASKED)
def test_scan_of_a_report_that_was_given_up_goes_on_and_answers_the_next(
    name: str, parameters: list[tuple[str, str]], options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each request would begin anew, and be given up again."""
    expected = command(name, "--at", AT, *options)
    gate, path, parameters = Gate(monkeypatch), f"/v1/{name}", [("as_of", AT), *parameters]

    async def ask_often() -> None:
        async with client_of(seconds=0.2) as client:
            for _ in range(2):
                early = await get(client, path, parameters)
                assert early.status_code == 503
                assert early.headers["retry-after"] == "1"
                assert "customers are being looked through, " in early.json()["error"]
                assert "looked through, 0 so far" not in early.json()["error"]
        gate.open()

    asyncio.run(ask_often())
    found = asked(path, parameters)
    assert (found.status_code, found.json()) == (200, expected)
    assert gate.begun == 1


def test_scan_ends_with_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops a program wants its processor back."""
    gate = Gate(monkeypatch)

    async def ask() -> None:
        async with client_of(seconds=0.2) as client:
            assert (await get(client, "/v1/usage", [("as_of", AT)])).status_code == 503

    asyncio.run(ask())
    assert not gate.ended.is_set()
    reports.stop_scans()
    assert gate.ended.is_set()
    gate.open()
    assert asked("/v1/usage", [("as_of", AT)]).status_code == 200


def test_scan_of_the_oldest_question_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many questions are asked, the scans that go on are few."""
    gate = Gate(monkeypatch)

    async def ask() -> None:
        async with client_of(seconds=0.1) as client:
            for limit in range(MOST_KEPT + 1):
                assert not gate.ended.is_set()
                assert (await get(client, "/v1/feedback", [("as_of", AT), ("limit", str(limit))])).status_code == 503
        assert await asyncio.to_thread(gate.ended.wait, 10)

    asyncio.run(ask())
