"""What `tenure lifetime` prints: JSON, a curve, and figures that do not pretend to know what nobody has seen."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from schemas.documents.document import plain
from schemas.documents.lifetime import LifetimeReport
from schemas.instants import milliseconds
from tenure.cli import app
from tenure.reports.lifetime import lifetime_report
from tenure.reports.lifetime_text import SHOWN_VALUES, lifetime_tables
from tests.recount.short_events import Event, cancel, signup
from tests.unit.kpis.stretches import HOUR_MS, stretches_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
EVENTS = [
    signup("a", "2026-01-01", "basic"),
    cancel("a", "2026-01-11"),
    signup("b", "2026-01-10", "pro"),
    signup("c", "2026-01-30", "pro"),
    cancel("c", "2026-02-19"),
    signup("d", "2026-02-25", "pro"),
]


def report_of(events: list[Event], *by: str) -> LifetimeReport:
    """Return a report of a few events."""
    return lifetime_report(stretches_of(events), at_ms=milliseconds(AT), bucket_ms=HOUR_MS, by=by)


def text_of(report: LifetimeReport, width: int = 80) -> str:
    """Return what a terminal without colours would show."""
    output = io.StringIO()
    Console(width=width, file=output, color_system=None).print(lifetime_tables(report, width))
    return output.getvalue()


def test_json_holds_counts_the_curve_and_the_figures_read_from_it() -> None:
    """Scripts hold on to its shape: deaths at 10 and 20 days, open after 4 and 50."""
    report = plain(report_of(EVENTS, "plan"))
    curve = report["all"]
    assert report["as_of"] == "2026-03-01T00:00:00Z"
    assert {name: curve[name] for name in ("episodes", "deaths", "censored")} == {
        "episodes": 4,
        "deaths": 2,
        "censored": 2,
    }
    assert (curve["median_days"], curve["longest_days"]) == (20, 50)
    assert curve["restricted_mean_days"] == pytest.approx(10 + 10 * 2 / 3 + 30 / 3)
    assert [(entry["days"], entry["share"]) for entry in curve["survival"]] == [
        (7, 1.0),
        (30, pytest.approx(1 / 3)),
        (90, None),
        (365, None),
    ]
    assert [(entry["low"] is None, entry["high"] is None) for entry in curve["survival"]] == [
        (True, True),
        (False, False),
        (True, True),
        (True, True),
    ]
    assert [point["days"] for point in curve["points"]] == [4, 10, 20, 50]
    counts = [(point["at_risk"], point["deaths"], point["censored"]) for point in curve["points"]]
    assert counts == [(4, 0, 1), (3, 1, 0), (2, 1, 0), (1, 0, 1)]
    assert {value: found["episodes"] for value, found in report["segments"]["plan"].items()} == {"basic": 1, "pro": 3}
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_nobody_has_no_lifetime_and_that_is_no_error() -> None:
    """Absent numbers are null, never 0: nobody stays no time at all."""
    report = report_of([], "plan")
    curve = report.all
    assert (curve.median_days, curve.restricted_mean_days, curve.longest_days) == (None, None, None)
    assert [entry.share for entry in curve.survival] == [None] * 4
    assert report.segments == {"plan": {}}
    shown = text_of(report)
    assert "Nobody has signed up so far." in shown
    assert "0.0 %" not in shown


@pytest.mark.parametrize("width", [80, 100, 140])
def test_curve_and_figures_fit_and_say_what_is_not_known(width: int) -> None:
    """What is cut off, or stands there as 0, is believed."""
    shown = text_of(report_of(EVENTS, "plan"), width)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in shown
    assert "365 days" in shown
    assert "No stay has been seen for 90 or 365 days yet." in shown
    assert "beyond the longest stay seen, 50 days" in shown
    assert "33.3 %" in shown
    (row,) = [line.split() for line in lines if line.startswith("all ")]
    assert row == ["all", "4", "20", "27", "100.0", "%", "33.3", "%", "–", "–"]


def test_the_curve_falls_from_left_to_right_and_ends_at_the_longest_stay() -> None:
    """It is drawn from 1 at day 0; a third of the stays is a third of its height."""
    lines = text_of(report_of(EVENTS)).splitlines()
    top = next(n for n, line in enumerate(lines) if line.startswith(" 100 % "))
    drawn = [line[7:] for line in lines[top : top + 12]]
    heights = ["".join(row[column : column + 1] for row in drawn).count("█") for column in range(72)]
    assert heights == sorted(heights, reverse=True)
    assert (heights[0], heights[20], heights[-1]) == (12, 8, 4)
    assert lines[top + 12].split() == ["0", "%", "0", "12", "25", "37", "50", "days"]


def test_a_curve_that_reached_0_is_the_whole_truth() -> None:
    """Everybody has left: then the mean is no lower bound, and nothing is unknown."""
    told = [event for event in EVENTS if event["customer_id"] in {"a", "c"}]
    report = report_of(told)
    assert [entry.share for entry in report.all.survival] == [1.0, 0.0, 0.0, 0.0]
    assert report.all.restricted_mean_days == pytest.approx(15)
    shown = text_of(report)
    assert "beyond" not in shown
    assert "0.0 %" in shown


def test_stays_of_less_than_a_day_have_figures_but_no_curve() -> None:
    """There is no width to draw it on."""
    shown = text_of(report_of([signup("a", "2026-02-28T12:00:00Z")]))
    assert "█" not in shown
    assert "There is no median yet" in shown


def test_only_the_largest_segments_have_rows_and_the_rest_is_mentioned() -> None:
    """A dimension may have thousands of values."""
    told = [signup(f"{plan} {n}", "2026-02-01", f"plan-{plan:02}") for plan in range(13) for n in range(20 - plan)]
    shown = text_of(report_of(told, "plan"))
    rows = [line.split()[:2] for line in shown.splitlines() if line.startswith("plan-")]
    assert rows == [[f"plan-{plan:02}", str(20 - plan)] for plan in range(SHOWN_VALUES)]
    assert "3 smaller values of plan are left out" in shown


def test_the_command_reads_a_file_without_a_running_stream(tmp_path: Path) -> None:
    """The agents of the stream fold it, so its curve is the one that the stream would have."""
    path = tmp_path / "some.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in EVENTS), encoding="utf-8")
    arguments = ["lifetime", "--file", str(path), "--at", "2026-03-01", "--by", "plan"]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, plain(report_of(EVENTS, "plan")))
    shown = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
    assert (shown.exit_code, shown.stdout) == (0, text_of(report_of(EVENTS, "plan")))
