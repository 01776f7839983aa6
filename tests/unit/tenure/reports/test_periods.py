"""Months and years read back: what a number was before each late event, and what the commands print of it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from kpis.fold.restatements import Restatement, decode, encode
from schemas.documents.document import plain
from schemas.documents.periods import PeriodChange, PeriodReport, PeriodTotals
from streams.errors import UsageError
from streams.settings.settings import Settings
from streams.tables import Restated, Stored
from tenure.cli import app
from tenure.reports.periods import checked_periods, list_of, loaded_first, reports_of, revisions_of
from tenure.reports.periods_text import period_heading, period_list, period_restated
from tests.unit.kpis.fold.test_restatements import batch_of, cancel, ms, signup
from tests.unit.streams.partitions import ALSO_MINE, Surroundings, on_virtual_time

NOW_MS = ms("2026-03-10T09:30:00")
SETTINGS = Settings()


def entry(arrived_at_ms: int, **changes: int) -> bytes:
    """Return a restatement as it is stored; all of one commit."""
    return encode(Restatement(1, 1, arrived_at_ms, 0, {"t": (0, 0)}, "e", "cancel", changes))


def values_of(by_partition: list[Restated | None], **now: int) -> list[tuple[int, int, dict[str, tuple[int, int]]]]:
    """Return revision, partition and values of all that can be told, latest first."""
    return [(row.revision, row.partition, row.values) for row in revisions_of(now, by_partition).rows]


def test_old_and_new_values_are_found_by_going_back_from_now() -> None:
    """Only differences are stored; partitions know nothing of each other, and arrival alone orders them."""
    first = Restated(2, {"mrr": 5, "cancellations": 1}, [entry(10, mrr=-2, cancellations=1), entry(30, mrr=7)])
    second = Restated(1, {"mrr": 100}, [entry(20, mrr=100)])
    revisions = revisions_of({"mrr": 1_000, "cancellations": 4}, [first, None, second])
    assert revisions.revision == 3
    assert revisions.moved == {"mrr": (895, 1_000), "cancellations": (3, 4)}
    assert [(row.revision, row.partition, row.values) for row in revisions.rows] == [
        (3, 0, {"mrr": (993, 1_000)}),
        (2, 2, {"mrr": (893, 993)}),
        (1, 0, {"mrr": (895, 893), "cancellations": (3, 4)}),
    ]


def test_a_partition_keeps_its_own_order_where_timestamps_fall() -> None:
    """Producers' clocks differ; values chain in the order in which the partition applied them."""
    found = Restated(2, {"mrr": 3}, [entry(30, mrr=1), entry(20, mrr=2)])
    assert values_of([found], mrr=10) == [(2, 0, {"mrr": (8, 10)}), (1, 0, {"mrr": (7, 8)})]


def test_what_lies_before_forgotten_restatements_is_not_told() -> None:
    """A value that would leave out what was forgotten is wrong; the sum since the end is exact all the same."""
    forgetful = Restated(1_002, {"mrr": 1_005}, [entry(20, mrr=1), entry(40, mrr=4)])
    other = Restated(2, {"mrr": 30}, [entry(10, mrr=10), entry(30, mrr=20)])
    assert values_of([forgetful, other], mrr=2_000) == [
        (1_004, 0, {"mrr": (1_996, 2_000)}),
        (1_003, 1, {"mrr": (1_976, 1_996)}),
        (1_002, 0, {"mrr": (1_975, 1_976)}),
    ]
    assert revisions_of({"mrr": 2_000}, [forgetful, other]).moved == {"mrr": (965, 2_000)}


def test_counts_that_came_back_to_their_value_are_not_moved() -> None:
    """A late signup and its revoke leave two revisions and no difference."""
    revisions = revisions_of({"mrr": 5}, [Restated(2, {"mrr": 0}, [entry(1, mrr=5), entry(2, mrr=-5)])])
    assert (revisions.revision, revisions.moved) == (2, {})


@pytest.mark.parametrize("name", ["2026-13", "2026-4", "26", "month", "", "2026-04", "2027", "1999-12"])
def test_a_period_that_is_none_or_has_not_begun_is_refused(name: str) -> None:
    """A misspelt month would otherwise be a table of zeros."""
    with pytest.raises(UsageError, match="--period"):
        checked_periods([name], SETTINGS, now_ms=NOW_MS)


def test_a_period_is_asked_for_once() -> None:
    """The list has one object for each, in the order given."""
    found = checked_periods(["2026", "2026-03", "2026"], SETTINGS, now_ms=NOW_MS)
    assert [period.name for period in found] == ["2026", "2026-03"]


LATE_CANCEL = batch_of(cancel("c1", "2026-01-31T00:00:00", "2026-03-02T00:00:00"), start=4, topic="customer.cancel")


async def late_tables(*, cancelled: bool = True) -> Surroundings:
    """Return tables with a signup on time, one of January that came in March, one of March; and then a late cancel."""
    around = Surroundings()
    partition = await around.partition()
    partition.put(
        batch_of(
            signup("s1", "2026-01-05T00:00:00", "2026-01-05T00:00:01", mrr=1_000),
            signup("s2", "2026-01-09T00:00:00", "2026-03-01T06:00:00", mrr=500, customer=ALSO_MINE),
            signup("s3", "2026-03-09T00:00:00", "2026-03-09T00:00:00", mrr=70, customer="c9"),
        )
    )
    await asyncio.sleep(1)
    if cancelled:
        partition.put(LATE_CANCEL)
        await asyncio.sleep(1)
    await partition.close()
    return around


async def _report(around: Surroundings, *names: str) -> list[PeriodReport]:
    periods = checked_periods(names, SETTINGS, now_ms=NOW_MS)
    return await reports_of(SETTINGS, around.tables, periods, partitions=2, now_ms=NOW_MS, by=["plan"])


def test_a_period_is_reported_as_of_its_end_with_all_that_moved_it() -> None:
    """The page that somebody opens who closed January on the first of February and finds another number now."""

    async def test() -> None:
        january, year, march = await _report(await late_tables(), "2026-01", "2026", "2026-03")
        assert (january.as_of, january.ends_at, january.closed) == (*["2026-02-01T00:00:00Z"] * 2, True)
        assert (january.period, january.revision, january.watched_until) == (
            "2026-01",
            2,
            "2029-02-01T00:00:00Z",
        )
        assert list(january.windows) == ["month"]
        assert january.windows["month"].count("customers_new") == 2
        assert plain(january.segments)["plan"]["p"]["totals"]["mrr"] == 500
        assert january.restated["mrr"] == PeriodChange(at_end=1_000, now=500)
        assert "customers_active" not in january.restated  # one came, one went
        assert [row.revision for row in january.restatements] == [2, 1]
        latest = plain(january.restatements[0])
        assert (
            latest.pop("counts").items()
            >= {"mrr": {"old": 1_500, "new": 500}, "cancellations": {"old": 0, "new": 1}}.items()
        )
        assert latest == {
            "period": "2026-01",
            "revision": 2,
            "kind": "event",
            "events": 1,
            "event": {"id": "c1", "source": "customer.cancel", "type": "cancel"},
            "offsets": [{"topic": "customer.cancel", "partition": 0, "first": 4, "last": 4}],
            "occurred_at": "2026-01-31T00:00:00Z",
            "arrived_at": "2026-03-02T00:00:00Z",
            "late_seconds": 30 * 86_400,
            "after_end_seconds": 29 * 86_400,
        }
        assert (year.as_of, year.closed, year.revision) == ("2026-03-10T10:00:00Z", False, 0)
        assert (list(year.windows), year.windows["year"].count("customers_new")) == (["year"], 3)
        assert (march.closed, march.restatements, march.windows["month"].count("customers_at_start")) == (
            False,
            [],
            1,
        )

    on_virtual_time(test)


def test_the_list_has_what_is_running_what_is_over_and_what_came_last() -> None:
    """Months in which nobody was a customer yet are left out; nobody asks for them."""

    async def test() -> None:
        around = await late_tables()
        found = await list_of(SETTINGS, around.tables, partitions=2, now_ms=NOW_MS, limit=3)
        assert [(row.period, row.closed, row.revision) for row in found.periods] == [
            ("2026-03", False, 0),
            ("2026-02", True, 2),
            ("2026-01", True, 2),
            ("2026", False, 0),
        ]
        january = found.periods[2]
        assert (january.restated_at, plain(january.totals)) == (
            "2026-03-02T00:00:00Z",
            {"customers_active": 1, "mrr": 500},
        )
        assert [(row.period, row.revision) for row in found.restatements] == [
            ("2026-02", 2), ("2026-01", 2), ("2026-02", 1),
        ]  # fmt: skip

    on_virtual_time(test)


def test_a_restatement_that_comes_while_a_report_is_read_is_in_none_of_it() -> None:
    """Values of before it and differences of after it would make a number that never was."""

    async def test() -> None:
        around = await late_tables(cancelled=False)
        (before,) = await _report(around, "2026-01")
        snapshot = around.tables.snapshot

        async def overtaken(partition: int, groups: Sequence[int], since: Stored | None = None) -> Any:
            found = await snapshot(partition, groups, since)
            if partition == 0:
                writer = await around.partition()
                writer.put(LATE_CANCEL)
                await asyncio.sleep(1)
                await writer.close()
            return found

        around.tables.snapshot = overtaken  # type: ignore[method-assign]
        assert await _report(around, "2026-01") == [before]
        around.tables.snapshot = snapshot  # type: ignore[method-assign]
        (after,) = await _report(around, "2026-01")
        assert (before.revision, after.revision) == (1, 2)

    on_virtual_time(test)


def printed(renderable: RenderableType) -> str:
    """Return what a terminal of 120 columns shows, without spaces that repeat."""
    console = Console(file=io.StringIO(), width=120, highlight=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(" ".join(line.split()) for line in console.file.getvalue().splitlines())


def test_the_terminal_says_what_moved_from_what_to_what_and_by_which_event() -> None:
    """Whoever has to explain the difference needs no JSON."""

    async def test() -> None:
        around = await late_tables()
        january, march = await _report(around, "2026-01", "2026-03")
        assert printed(period_heading(january)).strip() == "Period 2026-01 · over · revision 2"
        page = printed(period_restated(january, "USD"))
        assert "mrr 10.00 5.00 -5.00" in page
        assert "2 2026-03-02 00:00 30.0 d cancel c1 from" in page
        assert "customer.cancel " in page
        assert "(customer.cancel/0 at 4)" in page
        assert printed(period_heading(march)).strip() == "Period 2026-03 · running · revision 0"
        assert printed(period_restated(march, "USD")).strip() == ""
        listed = printed(
            period_list(await list_of(SETTINGS, around.tables, partitions=2, now_ms=NOW_MS, limit=1), "USD")
        )
        assert "2026-01 over 2 1 10.00 → 2026-03-02 00:00\n5.00" in listed
        assert "2026-03 running 0 2 5.70 –" in listed
        nothing = await list_of(SETTINGS, Surroundings().tables, partitions=2, now_ms=NOW_MS, limit=1)
        assert printed(period_list(nothing, "USD")) == "No event is counted yet."

    on_virtual_time(test)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--period", "2026-13"], "not a month or a year"),
        (["--period", "2099"], "has not begun"),
        (["--period", "2026-01", "--at", "2026-01-01"], "--period and --at: leave one out"),
        (["--period", "2026-01", "--window", "30d"], "--period and --window: leave one out"),
    ],
)
def test_wrong_periods_are_refused_in_one_line(arguments: list[str], said: str) -> None:
    """Nobody is there to be asked: the command must say what to change before it looks for Redis."""
    result = CliRunner().invoke(app, ["kpi", *arguments], env={"TENURE_REDIS_URL": "redis://127.0.0.1:1/0"})
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert said in result.stderr


HOUR_MS = 3_600_000


def loaded(*entries: bytes, forgotten: int = 0, **now: int) -> tuple[int, int] | None:
    """Return how many restatements were the first load of a period, and when it ended."""
    sums: dict[str, int] = {}
    for each in entries:
        for name, change in decode(each).changes.items():
            sums[name] = sums.get(name, 0) + change
    found = Restated(len(entries) + forgotten, {**sums, **now}, list(entries))
    return loaded_first({**sums, **now}, revisions_of({**sums, **now}, [found]))


def bulk(arrived_at_ms: int, **changes: int) -> bytes:
    """Return a restatement by many events."""
    return encode(Restatement(1, 200, arrived_at_ms, 0, {"t": (0, 199)}, "", "", changes))


def test_a_first_load_is_a_baseline_and_what_comes_later_restates_it() -> None:
    """Whoever plugs in two years of history was told nothing of them before: hundreds of revisions would say so."""
    load = [bulk(1_000, mrr=5), bulk(2_000, mrr=7), entry(3_000, mrr=1)]
    assert loaded(*load) == (3, 3_000)
    assert loaded(*load, bulk(3_000 + HOUR_MS + 1, mrr=9)) == (3, 3_000)
    assert loaded(*load, forgotten=900, mrr=13) == (903, 3_000)


def test_what_was_told_before_is_no_baseline() -> None:
    """A backfill of a month that had numbers is what somebody must hear of."""
    assert revisions_of({"mrr": 12}, [Restated(1, {"mrr": 5}, [bulk(1, mrr=5)])]).moved == {"mrr": (7, 12)}
    assert loaded_first({"mrr": 12}, revisions_of({"mrr": 12}, [Restated(1, {"mrr": 5}, [bulk(1, mrr=5)])])) is None
    assert (
        loaded_first({"mrr": 5, "x": 1}, revisions_of({"mrr": 5}, [Restated(1, {"mrr": 5}, [bulk(1, mrr=5)])])) is None
    )
    assert loaded(entry(1_000, mrr=5)) is None  # one late event


def test_the_list_fits_a_terminal_of_80_columns() -> None:
    """Lines that are cut hide what they are read for."""

    async def test() -> None:
        around = await late_tables()
        listed = await list_of(SETTINGS, around.tables, partitions=2, now_ms=NOW_MS, limit=5)
        rows = [
            replace(row, totals=PeriodTotals(customers_active=12_345_678, mrr=98_765_432_100)) for row in listed.periods
        ]
        out = io.StringIO()
        Console(file=out, width=80).print(period_list(replace(listed, periods=rows), "USD"))
        assert max(map(len, out.getvalue().splitlines())) <= 80
        assert "987,654,321.00" in out.getvalue()
        assert "2026-03-02 00:00" in out.getvalue()
        assert "…" not in out.getvalue()

    on_virtual_time(test)
