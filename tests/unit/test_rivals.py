"""The rivals' job: its rules against the recount, and its page against its figures."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.rivals.chart import chart
from bench.rivals.figures import table
from bench.rivals.rules import LOST, MRR, NEW, SURVEYS, netted_totals, recount, totals_of
from bench.traffic import LIFECYCLE, Traffic
from tests.recount.report import recount as recount_by_definitions

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "bench" / "rivals" / "figures.json"
END = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 90


def lines(seed: int, *, customers: int) -> list[bytes]:
    """Return a log of the job."""
    end_ms = int(END.timestamp()) * 1000
    traffic = Traffic(
        LIFECYCLE, events=4000, customers=customers, end_ms=end_ms, seed=seed, days=DAYS, orderly=True
    )  # fmt: skip
    return [message.value for message in traffic.day()]


@pytest.mark.parametrize("customers", [3, 50, 2000])
def test_totals_that_the_worker_is_held_to_are_those_of_the_definitions(customers: int) -> None:
    """A wrong measure would call a worker right that counts wrong; few customers do much within one hour."""
    log = lines(customers, customers=customers)
    (report,) = recount_by_definitions(log, [END])
    assert netted_totals(log) == totals_of(report, f"{DAYS}d")


def test_cells_that_the_rivals_are_held_to_sum_up_to_the_same_stocks() -> None:
    """Within an hour they count each event; what is left at the end is the same."""
    log = lines(1, customers=3)
    rivals = [sum(column) for column in zip(*recount(log).values(), strict=True)]
    ours = netted_totals(log)
    assert (rivals[NEW] - rivals[LOST], rivals[SURVEYS], rivals[MRR]) == (
        ours[NEW] - ours[LOST],
        ours[SURVEYS],
        ours[MRR],
    )
    assert rivals[NEW] > ours[NEW]


def test_page_shows_the_table_and_the_chart_of_the_figures() -> None:
    """A figure that was typed is believed as long as one that was measured."""
    found = json.loads(FIGURES.read_text(encoding="utf-8"))
    assert found["differing"] == {}
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "\n".join(table(found)) in page
    assert (ROOT / "docs" / "images" / "rivals.svg").read_text(encoding="utf-8") == chart(found["medians"])
