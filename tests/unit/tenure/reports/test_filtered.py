"""Reports of a filter: how it is asked for, what is refused, and what need not be read twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kpis.filters import parse_filter
from kpis.population.episodes import Stretches
from schemas.dimensions import BUILT_IN_DIMENSIONS
from streams.embedded.tables import MemoryTables
from streams.errors import UsageError
from streams.settings.settings import Settings
from tenure.cli import app
from tenure.reports.customers import Source, stretch_passes, stretches_of
from tenure.reports.filtered import CombinedScans, filtered_report_of
from tests.unit.streams.partitions import on_virtual_time
from tests.unit.tenure.reports.test_periods import LATE_CANCEL, late_tables

GOLDEN = str(Path(__file__).parents[4] / "docs" / "examples" / "golden.ndjson")
AT_MS = 1_773_100_800_000  # 2026-03-10
SETTINGS = Settings()


@pytest.mark.parametrize("command", ["kpi", "replay", "cohorts", "lifetime", "explain", "feedback", "drivers", "risk"])
def test_every_command_refuses_a_condition_that_is_none_before_it_looks_at_anything(command: str) -> None:
    """One line says where, and what may have been meant."""
    arguments = {"replay": [GOLDEN], "explain": ["churn"]}.get(command, [])
    result = CliRunner().invoke(app, [command, *arguments, "--where", "plam = pro"])
    assert result.exit_code == 2
    assert result.stderr == (
        "tenure: --where: plam at character 1: there is only plan, country, channel; did you mean plan?\n"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["replay", GOLDEN, "--where", "plan = prp"], "no customer has the plan prp; did you mean pro?"),
        (["lifetime", "--file", GOLDEN, "--where", "plan = prp"], "no customer has the plan prp; did you mean pro?"),
        (["feedback", "--file", GOLDEN, "--where", "plan = prp"], "no customer has the plan prp; did you mean pro?"),
        (
            ["explain", "facts_without_effect", "--file", GOLDEN, "--where", "plan = pro"],
            "facts_without_effect is counted by kind, for all customers only; leave it out",
        ),
        (["kpi", "--period", "2026-01", "--where", "plan = pro"], "leave one out"),
    ],
)
def test_what_cannot_be_filtered_is_refused(call: list[str], message: str) -> None:
    """A value that nobody has would give a page of zeros."""
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 2
    assert message in result.stderr


def test_reports_say_of_whom_they_are() -> None:
    """A number that is copied without its condition is another number."""
    for command in (["replay", GOLDEN], ["cohorts", "--file", GOLDEN], ["lifetime", "--file", GOLDEN]):
        text = CliRunner().invoke(app, [*command, "--where", "plan = pro  and country = none"]).stdout
        assert "Only where plan = pro and country = none" in text


class _Watched(MemoryTables):
    """Tables that note which partitions are read as a whole."""

    def __init__(self, tables: MemoryTables) -> None:
        super().__init__()
        self.__dict__.update(tables.__dict__)
        self.scanned: list[list[int]] = []

    def scan_states(self, partitions: Collection[int]) -> AsyncIterator[tuple[int, list[tuple[str, bytes]]]]:
        """See `Tables`."""
        self.scanned.append(sorted(partitions))
        return super().scan_states(partitions)


def test_a_further_filter_reads_only_partitions_that_have_changed() -> None:
    """The pass over a million customers is what takes the time."""
    found: list[int] = []

    async def ask() -> None:
        around = await late_tables(cancelled=False)
        tables, scans = _Watched(around.tables), CombinedScans()
        for text in ("plan != none", "country = none", "not plan = none"):
            (report,) = await filtered_report_of(
                SETTINGS,
                tables,
                parse_filter(text, BUILT_IN_DIMENSIONS),
                partitions=2,
                at_ms=[AT_MS],
                scans=scans,
            )
            found.append(report.totals.count("customers_active"))
        assert tables.scanned[0] == [0, 1]
        assert not any(tables.scanned[1:])
        partition = await around.partition()
        partition.put(LATE_CANCEL)
        await asyncio.sleep(1)
        await partition.close()
        where = parse_filter("plan != none", BUILT_IN_DIMENSIONS)
        (report,) = await filtered_report_of(SETTINGS, tables, where, partitions=2, at_ms=[AT_MS], scans=scans)
        assert len(tables.scanned[-1]) == 1
        with pytest.raises(UsageError, match="no customer has the plan gold"):
            await filtered_report_of(
                SETTINGS, tables, parse_filter("plan = gold", BUILT_IN_DIMENSIONS), partitions=2, at_ms=[AT_MS]
            )
        found.append(report.totals.count("customers_active"))

    on_virtual_time(ask)
    assert found == [3, 3, 3, 2]


def test_cohorts_and_lifetimes_read_only_partitions_that_have_changed() -> None:
    """When customers were active is kept of a pass, whatever filter, period or instant is asked for next."""

    async def ask() -> None:
        around = await late_tables(cancelled=False)
        tables, passes = _Watched(around.tables), stretch_passes()
        source = Source(SETTINGS, tables, 2, AT_MS, stretches=passes)
        once = await stretches_of(source)
        where = parse_filter("plan = none", BUILT_IN_DIMENSIONS)
        few = await stretches_of(source._replace(where=where))
        assert tables.scanned == [[0, 1]]
        assert sum(len(part.first_ms) for part in once) == 3
        assert not any(len(part.first_ms) for part in few)
        partition = await around.partition()
        partition.put(LATE_CANCEL)
        await asyncio.sleep(1)
        await partition.close()
        again = await stretches_of(source)
        assert len(tables.scanned[-1]) == 1
        assert [_ends(part) for part in again] == [
            _ends(part) for part in await stretches_of(source._replace(stretches=None))
        ]
        assert [_ends(part) for part in again] != [_ends(part) for part in once]

    on_virtual_time(ask)


def _ends(part: Stretches) -> list[int]:
    return sorted(part.end_ms.tolist())
