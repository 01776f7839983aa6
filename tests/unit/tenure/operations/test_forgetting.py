"""Where the id of a customer still stands, and what `tenure forget` says before anything is done."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from schemas.documents.forgetting import Forgetting
from schemas.tombstones import ForgetRequest, Tombstone, decode_request, encode_request
from streams.embedded.tables import MemoryTables
from streams.forgetting.forgotten import Forgotten
from streams.kafka.retention import Retention
from streams.records import Record
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.cli import app
from tenure.operations import forgetting, topics
from tenure.operations.forgetting import mentions
from tests.unit.streams.forgetting_partitions import KEY, SECRET
from tests.unit.streams.forgetting_partitions import Forgetting as ForgettingPartition
from tests.unit.streams.partitions import MINE, batch, on_virtual_time, signup
from tests.unit.tenure.operations.test_dead_letters import letter


def record(value: bytes | None, *, key: bytes | None = None, header: bytes | None = None) -> Record:
    """Return a record with a value, a key and a header."""
    return Record("t", 0, 0, 0, key, value, [("h", header)] if header is not None else [])


@pytest.mark.parametrize(
    ("customer_id", "found", "holds"),
    [
        ("c1", record(b'{"customer_id":"c1"}'), True),
        ("c1", record(b'{"customer_id": "c11"}'), False),
        ("c1", record(None, key=b"c1"), True),
        ("c1", record(None), False),
        ("c1", record(b"{", header=b"c1"), True),
        ("771", record(b'{"customer_id":771}'), True),
        ("771", record(b'{"customer_id":7710,"x":-771,"y":771.5,"z":"a771"}'), False),
        ("ü", record(b'{"customer_id":"\\u00fc"}'), True),
        ("ü", record('{"customer_id":"ü"}'.encode()), True),
        ("a.c", record(b'{"customer_id":"abc"}'), False),
    ],
)
def test_records_that_hold_an_id_are_found(customer_id: str, found: Record, *, holds: bool) -> None:
    """Whoever answers the customer must not say that nothing is left; nor read a thousand records of others."""
    assert mentions(customer_id)(found) is holds


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> MemoryTables:
    """A running stream with a customer who has an open subscription, and nobody who carries requests out."""
    del nothing_set
    around = ForgettingPartition()

    async def fill() -> None:
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0, subscription_id="sub-1")))
        await asyncio.sleep(1)
        await partition.close()

    on_virtual_time(fill)

    @asynccontextmanager
    async def running_tables(settings: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark]]:
        del settings
        yield around.tables, StreamMark("group", 2, "")

    @asynccontextmanager
    async def known_forgotten(settings: Settings) -> AsyncIterator[Forgotten]:
        del settings
        yield around.context.forgotten

    async def look(settings: Settings) -> list[topics.Topic]:
        kept = Retention(-1, -1, True)
        own = [topics.Topic(settings.forgotten_topic, "forgotten_topic", 1, 1, topics.State.EXISTS, kept)]
        return [*own, topics.Topic(settings.dead_letter_topic, "dead_letter_topic", 1, 1, topics.State.EXISTS)]

    async def letters(settings: Settings, tell: Callable[[str], None]) -> AsyncIterator[Record]:
        del settings, tell
        for found, key in ((letter(7), MINE), (letter(7), MINE), (letter(8), "another")):
            yield Record(found.topic, 0, found.offset, 0, key.encode(), found.value, found.headers)

    functions: dict[str, Any] = {
        "running_tables": running_tables, "known_forgotten": known_forgotten, "look": look,
        "dead_letter_records": letters,
    }  # fmt: skip
    for name, function in functions.items():
        monkeypatch.setattr(forgetting, name, function)
    return around.tables


def run(*arguments: str, key: str | None = SECRET) -> tuple[int, str, str]:
    """Return status, output and what is said of `tenure forget`."""
    done = CliRunner().invoke(app, ["forget", *arguments], env={"TENURE_FORGET_KEY": key})
    return done.exit_code, done.stdout, done.stderr


def test_an_open_subscription_is_refused_and_nothing_is_asked_for(tables: MemoryTables) -> None:
    """Under a pseudonym it would count for ever: no cancel reaches it any more."""
    for arguments in ((), ("--yes",)):
        status, _, said = run(MINE, *arguments)
        assert status == 1
        assert "cancel it first, or add --still-active" in said
    assert tables.states(0).keys() == {MINE}
    on_virtual_time(lambda: _asked(tables, {}))


async def _asked(tables: MemoryTables, expected: dict[str, str]) -> None:
    found = await tables.forget_requests(0)
    assert {customer: decode_request(request).check for customer, request in found.items()} == expected


def test_a_dry_run_says_what_would_go_and_where_the_id_stands() -> None:
    """It cannot be undone: whoever does it sees first what it is."""
    status, text, _ = run(MINE, "--still-active")
    assert status == 0
    assert text.startswith(f"customer {MINE}, partition 0: nothing is done; add --yes")
    assert "to go: the id, 1 subscription id," in text
    assert "dead letters that hold the id: 1\n    customer.signup/3/7\n" in text
    found = json.loads(run(MINE, "--still-active", "--json")[1])
    assert (found["outcome"], found["open"], found["events"]) == ("to_confirm", True, 1)


def test_a_request_that_nobody_carries_out_stays_and_the_line_says_so(tables: MemoryTables) -> None:
    """The worker may be stopped for the night; the customer was told that it will be done."""
    status, text, said = run(MINE, "--still-active", "--yes", "--wait", "0")
    assert status == 1
    assert "asked for, and not done yet" in text
    assert "once partition 0 has an owner with the same forget_key" in said
    on_virtual_time(lambda: _asked(tables, {MINE: KEY.check}))


def test_asking_again_replaces_a_request_that_was_made_with_another_key(tables: MemoryTables) -> None:
    """Nobody could carry it out, and it would stay for ever; one that is half carried out is somebody else's."""
    begun = ForgetRequest(2, "another", Tombstone(2, [], "another", "stream", 0))
    for there, expected in ((ForgetRequest(1, "wrong"), KEY.check), (begun, "another")):
        asyncio.run(tables.ask_to_forget(0, MINE, encode_request(there), _request_in(tables)))
        assert run(MINE, "--still-active", "--yes", "--wait", "0")[0] == 1
        on_virtual_time(lambda check=expected: _asked(tables, {MINE: check}))  # type: ignore[misc]  # bound early


def _request_in(tables: MemoryTables) -> bytes | None:
    return asyncio.run(tables.forget_requests(0)).get(MINE)


def test_without_a_key_the_line_says_how_to_make_one() -> None:
    """It is the first thing that whoever tries the command sees."""
    status, text, said = run(MINE, "--yes", key=None)
    assert (status, text, said.count("\n")) == (2, "", 1)
    assert "TENURE_FORGET_KEY" in said
    assert "openssl rand -hex 32" in said
    short = run(MINE, key="short")
    assert short[0] == 2
    assert "short" not in short[2].replace("shorter", "")


def test_a_customer_whom_nobody_knows_is_not_forgotten() -> None:
    """A misspelt id would be said to be done."""
    assert run("nobody", "--yes")[0] == 1
    assert "there is no customer 'nobody'" in run("nobody", "--yes")[2]


def test_the_page_shows_what_the_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever answers a letter by the page must find there what they see."""
    page = (Path(__file__).parents[4] / "docs" / "forgetting.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    (_, dry), (_, done) = [each.split("\n", 1) for each in block.split("$ ")[1:]]
    document = Forgetting(
        customer_id="c-771", outcome="to_confirm", at=None, partition=2, open=False, events=14, subscriptions=2,
        dead_letters=["customer.survey/2/1841"], survey_requests=[], topics=[],
    )  # fmt: skip

    async def look_at_customer(settings: Settings, customer_id: str, tell: Callable[[str], None]) -> Forgetting:
        del settings, customer_id, tell
        return document

    async def forget_customer(settings: Settings, found: Forgetting, **_: object) -> Forgetting:
        del settings
        return replace(found, outcome="forgotten", at="2026-11-29T13:04:00.120Z")

    monkeypatch.setattr(forgetting, "look_at_customer", look_at_customer)
    monkeypatch.setattr(forgetting, "forget_customer", forget_customer)
    assert run("c-771") == (0, dry, "")
    assert run("c-771", "--yes")[1].startswith(done.removesuffix("...\n"))
