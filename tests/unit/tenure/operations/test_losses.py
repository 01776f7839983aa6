"""Giving up what is lost: who may, what is kept of it, and how it is told."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from kpis.counting.windows import Windows
from schemas.documents.document import plain
from streams.embedded.tables import MemoryTables
from streams.errors import CheckFailed, UsageError
from streams.partition.losses import AcceptedLoss, Loss, LossStore, LostRange
from streams.settings.settings import Settings
from streams.tables import StreamMark
from tenure.cli import app
from tenure.commands.printing import print_report
from tenure.operations.losses import accept, accepted_document, losses_as_of, range_words, wanted_loss
from tenure.reports import kpi
from tenure.stored import opening
from tests.unit.tenure.reports.fake_report import fake_report, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from click.testing import Result

DAY_MS = 86_400_000
NOW_MS = 1_780_000_000_000
LOSS = Loss(1, [LostRange("customer.signup", "records", 500, 900)], NOW_MS - 3 * DAY_MS, NOW_MS - 2 * DAY_MS)


async def test_loss_is_accepted_once_and_kept_with_name_time_and_reason() -> None:
    """Whoever reads the number next year asks who let it stand, and why."""
    store = LossStore(MemoryTables())
    await store.put_waiting(1, LOSS)
    loss = await wanted_loss(store, 1, partitions=4)
    first = await accept(store, loss, by=" ada ", reason="no backup", now_ms=NOW_MS)
    assert first == (AcceptedLoss(LOSS, "ada", NOW_MS, "no backup"), True)
    again = await accept(store, loss, by="bob", reason="", now_ms=NOW_MS + 1)
    assert again == (first[0], False)
    assert await store.losses(4) == ([], [first[0]])


async def test_partition_that_has_lost_nothing_is_refused() -> None:
    """A consent that is given ahead would cover what nobody has seen."""
    store = LossStore(MemoryTables())
    with pytest.raises(CheckFailed, match="partition 2 is not halted by a loss"):
        await wanted_loss(store, 2, partitions=4)
    with pytest.raises(UsageError, match="partition 4: there are only 0 to 3"):
        await wanted_loss(store, 4, partitions=4)


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("ada\x1b[2J", ""), ("ada", "two\nlines"), ("ada", "x" * 501)])
async def test_names_and_reasons_are_text_on_one_line(by: str, reason: str) -> None:
    """They are printed into terminals and logs of others."""
    with pytest.raises(UsageError):
        await accept(LossStore(MemoryTables()), LOSS, by=by, reason=reason, now_ms=NOW_MS)


def test_report_names_losses_that_began_before_its_instant() -> None:
    """A number of last year is as whole as it was."""
    losses = [AcceptedLoss(LOSS, "ada", NOW_MS)]
    windows = Windows((1, 7))
    (now,) = losses_as_of(losses, windows, NOW_MS)
    assert [window for window in now.windows if window != "month"] == ["7d"]
    assert plain(now) == {**plain(accepted_document(losses[0])), "windows": now.windows}
    (later,) = losses_as_of(losses, windows, NOW_MS + 40 * DAY_MS)
    assert later.windows == []
    assert losses_as_of(losses, windows, NOW_MS - 4 * DAY_MS) == []


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (LostRange("t", "records", 500, 900), "400 offsets, 500 to 899, were deleted before they were counted"),
        (LostRange("t", "records", 900, 500), "counted up to 900"),
        (LostRange("t", "state", 0, 900), "Kafka has deleted 900 of these offsets"),
        (LostRange("t", "state", -1, 900), "Kafka does not have all of it"),
        (LostRange("t", "topic", 500, 0), "what the old one held from offset 500 on was not counted"),
    ],
)
def test_what_is_lost_is_said_in_words(lost: LostRange, said: str) -> None:
    """Somebody decides on it at three in the morning."""
    assert said in range_words(lost)
    assert f"reading goes on at {lost.goes_on_at}" in range_words(lost)


def test_tables_of_the_terminal_name_losses(capsys: pytest.CaptureFixture[str]) -> None:
    """Most people never look at JSON."""
    losses = losses_as_of([AcceptedLoss(LOSS, "ada", NOW_MS, "no backup")], Windows((1, 7)), NOW_MS)
    entry = replace(told(fake_report()), losses=losses)
    print_report([entry], Settings(), windows=(), lenses=(), as_json=False)
    text = " ".join(capsys.readouterr().out.split())
    assert "Events of partition 1 may be missing" in text
    assert "by ada (no backup)" in text


async def test_report_says_which_partitions_are_halted_and_missing(
    tables: MemoryTables, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads a total that lacks a partition would believe it."""
    _wait(tables)
    (entry,) = await kpi.read_report(Settings(), at_ms=[NOW_MS // 3_600_000 * 3_600_000])
    assert [loss["partition"] for loss in plain(entry)["waiting"]] == [1]
    said = capsys.readouterr()
    assert "numbers_incomplete" in said.out + said.err
    print_report([entry], Settings(), windows=(), lenses=(), as_json=False)
    assert "Partition 1 is halted" in " ".join(capsys.readouterr().out.split())
    await LossStore(tables).put_waiting(1, None)
    (entry,) = await kpi.read_report(Settings(), at_ms=[NOW_MS // 3_600_000 * 3_600_000])
    assert "waiting" not in plain(entry)
    assert "numbers_incomplete" not in capsys.readouterr().out


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MemoryTables:
    """Tables that the command finds instead of those in Redis."""
    found = MemoryTables()

    @asynccontextmanager
    async def running_tables(settings: Settings) -> AsyncIterator[tuple[MemoryTables, StreamMark]]:
        del settings
        yield found, StreamMark("group", 4, "")

    monkeypatch.setattr(opening, "running_tables", running_tables)
    monkeypatch.chdir(tmp_path)
    return found


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, ["resume", *arguments])  # type: ignore[return-value]


def _wait(tables: MemoryTables) -> None:
    tables._shared.notes["loss:1"] = json.dumps(
        {
            "partition": 1,
            "ranges": [{"topic": "t", "lost": "records", "first": 5, "goes_on_at": 9}],
            "since_ms": None,
            "until_ms": NOW_MS,
        }
    ).encode()


def test_command_lists_what_waits_and_accepts_it(tables: MemoryTables) -> None:
    """What is shown is what is given up."""
    _wait(tables)
    assert "Partition 1 is halted" in run().stdout
    waiting: dict[str, Any] = json.loads(run("--list", "--json").stdout)
    assert [loss["topics"][0]["records"] for loss in waiting["waiting"]] == [4]
    done = run("1", "--accept-loss", "--as", "ada", "--reason", "why not", "--json")
    assert (done.exit_code, json.loads(done.stdout)["accepted_by"]) == (0, "ada")
    after = json.loads(run("--json").stdout)
    assert (after["waiting"], [loss["reason"] for loss in after["accepted"]]) == ([], ["why not"])
    assert "It was accepted before" in run("1", "--accept-loss", "--as", "bob").stdout


COUNTING = (
    ("kpi",), ("kpi", "--period", "2026-01"), ("periods",), ("explain", "customers_active"), ("lenses",), ("reasons",),
    ("features",), ("cohorts",), ("lifetime",),
)  # fmt: skip


@pytest.mark.parametrize("command", COUNTING, ids=" ".join)
def test_every_command_that_counts_says_what_its_numbers_go_without(
    tables: MemoryTables, command: tuple[str, ...]
) -> None:
    """A number that lacks a partition, or events that somebody gave up, looks like any other."""

    def printed(*options: str) -> str:
        return CliRunner().invoke(app, [*command, *options]).stdout

    def document() -> dict[str, Any]:
        found = json.loads(printed("--json"))
        only: dict[str, Any] = found[0] if isinstance(found, list) else found
        return only

    assert {"losses", "waiting"} & document().keys() == set()
    _wait(tables)
    assert [loss["partition"] for loss in document()["waiting"]] == [1]
    assert "Partition 1 is halted" in printed()
    run("1", "--accept-loss", "--as", "ada", "--reason", "why not")
    now = document()
    assert ([loss["accepted_by"] for loss in now["losses"]], "waiting" in now) == (["ada"], False)
    assert "Accepted" in printed()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("1",), 2, "add --accept-loss"),
        (("0", "--accept-loss", "--as", "ada"), 1, "partition 0 is not halted by a loss"),
        (("9", "--accept-loss", "--as", "ada"), 2, "there are only 0 to 3"),
        (("--accept-loss",), 2, "name the partition"),
        (("1", "--list"), 2, "--list"),
    ],
)
def test_command_accepts_nothing_that_was_not_meant(
    tables: MemoryTables, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """There is no way back."""
    _wait(tables)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr
    assert tables._shared.logs["losses"] == []
