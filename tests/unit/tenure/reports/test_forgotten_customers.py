"""What commands say of forgotten customers: what they add to numbers, in one row, and never who they were."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from streams.embedded.tables import MemoryTables
from streams.forgetting.forgotten import Forgotten
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.cli import app
from tenure.reports import customer
from tenure.stored import opening
from tests.unit.streams.forgetting_partitions import PSEUDONYM, SECRET, Forgetting
from tests.unit.streams.partitions import ALSO_MINE, MINE, batch, on_virtual_time, signup

AT: Final = ("--at", "2025-02-01")


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch, nothing_set: None) -> Forgetting:
    """A running stream that has forgotten both of its customers."""
    del nothing_set
    found: list[Forgetting] = []

    async def fill() -> None:
        around = Forgetting()
        partition = await around.partition()
        partition.put(batch(signup(MINE, 0, subscription_id="sub-1"), signup(ALSO_MINE, 1)))
        await asyncio.sleep(1)
        await around.ask(MINE)
        await around.ask(ALSO_MINE)
        await asyncio.sleep(5)
        await partition.close()
        found.append(around)

    on_virtual_time(fill)

    @asynccontextmanager
    async def running_tables(settings: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark]]:
        del settings
        yield found[0].tables, StreamMark("group", 2, "")

    @asynccontextmanager
    async def known_forgotten(settings: Settings) -> AsyncIterator[Forgotten]:
        del settings
        yield found[0].context.forgotten

    monkeypatch.setattr(opening, "running_tables", running_tables)
    monkeypatch.setattr(customer, "known_forgotten", known_forgotten)
    return found[0]


def run(*arguments: str, status: int = 0, key: str | None = SECRET) -> str:
    """Return what a command prints and says."""
    done = CliRunner().invoke(app, list(arguments), env={"TENURE_FORGET_KEY": key, "COLUMNS": "150"})
    assert done.exit_code == status, done.output
    for named in (MINE, ALSO_MINE, "sub-1", "forgotten-"):
        assert named not in done.stdout
    return done.output


def test_explanations_tell_the_forgotten_in_one_row() -> None:
    """The number must add up, and nobody may be found behind it."""
    (part,) = json.loads(run("explain", "customers_active", *AT, "--json"))["parts"]
    assert (part["sum"], part["counted"], part["agrees"], part["members"]) == (2, 2, True, [])
    assert part["forgotten"] == {"customers": 2, "amount": 2, "near": 0}
    text = run("explain", "customers_active", *AT)
    assert "+2  2 forgotten customers\n" in text
    assert "--limit" not in text
    (part,) = json.loads(run("explain", "customers_lost", *AT, "--window", "7d", "--json"))["parts"]
    assert "forgotten" not in part


def test_near_misses_who_are_forgotten_are_in_one_row_too() -> None:
    """They were named one by one as the others are, and are no less to be forgotten."""
    asked = ("explain", "customers_reactivated", "--at", "2025-01-05", "--window", "7d")
    (part,) = json.loads(run(*asked, "--json"))["parts"]
    assert (part["near"], part["near_misses"]) == (2, [])
    assert part["forgotten"] == {"customers": 0, "amount": 0, "near": 2}
    assert "not counted, though close: 2 customers\n  not  2 forgotten customers\n" in run(*asked)


def test_one_who_is_forgotten_is_said_to_be_and_nothing_else() -> None:
    """Whoever answers the customer must know that it was done; without the key nobody can know."""
    said = run("customer", MINE, status=1)
    assert f"customer '{MINE}' is forgotten, as of 1970-01-01T00:00:05Z; nothing is told" in said
    assert "there is no customer" in run("customer", MINE, status=1, key=None)


def test_a_pseudonym_leads_to_nobody(around: Forgetting) -> None:
    """Whoever reads keys in Redis could otherwise read the history that was to be nobody's."""
    assert PSEUDONYM in around.tables.states(0)
    done = CliRunner().invoke(app, ["customer", PSEUDONYM], env={"TENURE_FORGET_KEY": SECRET})
    assert done.exit_code == 1
    assert "there is no customer" in done.output


def test_the_forgotten_are_compared_with_nothing_in_an_export() -> None:
    """The export still has them; that is no difference, and no reason to name them."""
    rows = [{"customer": each, "plan": "pro", "start": "2025-01-01", "mrr": 1.5} for each in (MINE, "other")]
    Path("export.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    call = ("reconcile", "export.ndjson", "--as", "table", *AT)
    found: dict[str, Any] = json.JSONDecoder().raw_decode(run(*call, "--json", status=1))[0]
    assert (found["compared"], [each["customer_id"] for each in found["differences"]]) == (1, ["other"])
    assert found["forgotten"] == 2
    assert "2 forgotten customers of the stream" in run(*call, status=1)


def test_events_of_the_forgotten_are_told_apart_from_those_that_count() -> None:
    """All records add up, and somebody may wonder where some are."""
    (report,) = json.loads(run("kpi", *AT, "--json"))
    assert (report["events"]["applied"], report["events"]["forgotten"]) == (2, 0)
    assert report["totals"]["customers_active"] == 2


def test_events_that_were_left_out_stand_among_the_outcomes_for_people_too(around: Forgetting) -> None:
    """Whoever adds the outcomes up finds all records; where nobody is forgotten there is no word of it."""

    async def come_late() -> None:
        partition = await around.partition()
        partition.put(batch(signup(MINE, 2), start=2, timestamp_ms=6_000))
        await asyncio.sleep(1)
        await partition.close()

    assert "of forgotten customers" not in run("kpi", *AT)
    on_virtual_time(come_late)
    assert "1 of forgotten customers" in run("kpi", *AT)
    assert json.loads(run("kpi", *AT, "--json"))[0]["events"]["forgotten"] == 1
