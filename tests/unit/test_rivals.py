"""The rivals' job: its rules against the recount, and its page against its figures."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.rivals import counts
from bench.rivals.chart import chart
from bench.rivals.figures import table
from bench.rivals.recount_job import count_file
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


@pytest.mark.parametrize("customers", [3, 50, 2000])
def test_one_query_over_a_file_counts_the_same(tmp_path: Path, customers: int) -> None:
    """The query follows plans by windows, where the recount keeps a state a customer."""
    log = lines(customers, customers=customers)
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(log) + b"\n")
    assert count_file(path) == recount(log)


def test_cells_of_all_counts_make_a_report_of_their_windows() -> None:
    """What Flink's second job leaves by hour is compared with a report: the sums must be those of the definitions."""
    log = [
        b'{"id":"a","type":"signup","customer_id":"c","time":"2026-10-20T05:10:00Z","plan":"pro","mrr_minor":900}',
        b'{"id":"b","type":"cancel","customer_id":"c","time":"2026-10-31T22:10:00Z"}',
    ]
    (report,) = recount_by_definitions(log, [END])
    end_hour = int(END.timestamp()) // 3600
    begun, ended = end_hour - 11 * 24 - 19, end_hour - 2
    cells: dict[int, dict[str, int]] = {
        begun: {"customers_active": 1, "mrr": 900, "signups": 1, "customers_new": 1, "mrr_new": 900},
        begun + 7 * 24: {"dropoff_matured": 1},
        ended: {"customers_active": -1, "mrr": -900, "cancellations": 1, "mrr_churned": 900},
    }
    names = (*counts.LEVELS, *counts.HAPPENED)
    sliding = [0] * (len(counts.DAYS) * len(counts.SLIDING))
    of_new = dict.fromkeys(
        [len(counts.SLIDING) * n + counts.SLIDING.index("cancellations_of_new") for n in (2, 3, 4)], 1
    )
    rows = {hour: [said.get(name, 0) for name in names] + sliding for hour, said in cells.items()}
    rows[ended][len(names) :] = [of_new.get(place, 0) for place in range(len(sliding))]
    windows = counts.windows_of(rows, end_hour)
    assert counts.differing(report, windows) == []
    assert windows["7d"]["customers_lost"] == 1
    assert counts.differing(report, {"7d": {**windows["7d"], "customers_lost": 0}}) == [
        "customers_lost of 7d: 0 instead of 1"
    ]


def test_page_shows_the_table_and_the_chart_of_the_figures() -> None:
    """A figure that was typed is believed as long as one that was measured."""
    found = json.loads(FIGURES.read_text(encoding="utf-8"))
    assert found["differing"] == {}
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert "\n".join(table(found)) in page
    assert (ROOT / "docs" / "images" / "rivals.svg").read_text(encoding="utf-8") == chart(found["medians"])
