"""The past for Prometheus: which instants, the counts that workers would have exported, and how they are written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from kpis.counting.rolling import ALL, Block, Snapshot
from kpis.instants import instant_of
from kpis.rows import KINDS_WITHOUT_EFFECT
from schemas.catalogue.counts import COUNTS
from schemas.catalogue.ratios import RATIOS
from streams.errors import UsageError
from tenure.reports.history import Past, midnights, past_in
from tenure.reports.openmetrics import openmetrics_of
from tests.chaos.crowd import crowd_of
from tests.unit.streams.snapshots import BOUNDARY, live_counts, snapshot_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
#: 2026-11-22T12:00:00Z
NOW_MS = 1_795_348_800_000
SHOWN = {"plan": ["pro"], "country": ["DE", "BR"], "channel": []}


def days_of(found: Sequence[int], zone: str = "UTC") -> list[str]:
    """Return instants as local days and times."""
    return [instant_of(at_ms).astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M") for at_ms in found]


def test_history_is_a_year_of_midnights_that_ends_three_hours_ago() -> None:
    """What is younger lies in the part of Prometheus' data that blocks must not overlap."""
    found = midnights(None, None, time_zone="UTC", now_ms=NOW_MS)
    assert days_of([found[0], found[-1]]) == ["11-22 00:00", "11-22 00:00"]
    assert len(found) == 366
    just_after_midnight = NOW_MS - 11 * HOUR_MS
    assert days_of(midnights(None, None, time_zone="UTC", now_ms=just_after_midnight))[-1] == "11-21 00:00"


def test_days_are_those_of_the_business_time_zone_over_a_change_of_its_clocks() -> None:
    """Months end at local midnights; a sample an hour beside them shows a month that had hardly begun."""
    begin, end = (int(dt.datetime(2026, 10, day, 12, tzinfo=dt.UTC).timestamp()) * 1000 for day in (24, 26))
    found = midnights(begin, end, time_zone="Europe/Berlin", now_ms=NOW_MS)
    assert days_of(found, "Europe/Berlin") == ["10-25 00:00", "10-26 00:00"]
    assert days_of(found) == ["10-24 22:00", "10-25 23:00"]


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        (None, NOW_MS - 2 * HOUR_MS, "history ends at least 3 h ago, by 2026-11-22T09:00:00Z"),
        (NOW_MS - 7 * HOUR_MS, None, "no midnight from 2026-11-22T05:00:00Z"),
        (
            NOW_MS - 10 * DAY_MS,
            NOW_MS - 20 * DAY_MS,
            "^--from 2026-11-12T.* and --to 2026-11-02T.*: --from must be before",
        ),
        (NOW_MS + DAY_MS, None, "^--from 2026-11-23T12:00:00Z: history ends at least 3 h ago, by 2026-11-22T09:00:00Z"),
    ],
)
def test_stretches_of_time_that_cannot_be_are_refused(begin: int | None, end: int | None, said: str) -> None:
    """An empty file would be loaded without a word."""
    with pytest.raises(UsageError, match=said):
        midnights(begin, end, time_zone="UTC", now_ms=NOW_MS)


def past_and_snapshots(days: Sequence[int]) -> tuple[Past, list[Snapshot]]:
    """Return the past of a log, and what a worker shows of it as of the same instants."""
    folded, live = live_counts(crowd_of(2_000), partitions=3)
    boundaries = [BOUNDARY + 24 * day for day in days]
    past = past_in(
        list(folded.tables()),
        folded.windows,
        at_ms=[boundary * HOUR_MS for boundary in boundaries],
        shown=SHOWN,
        segment_windows=["7d", "30d"],
    )
    return past, [snapshot_of(live, SHOWN, at=boundary) for boundary in boundaries]


def numbers_of(block: Block) -> dict[str, Any]:
    """Return a block as plain lists."""
    named = {"stock": block.stock, **block.windows}
    return {name: {count: array.tolist() for count, array in counts.items()} for name, counts in named.items()}


def test_the_past_is_what_a_worker_would_have_shown() -> None:
    """Its lines join those that Prometheus reads from now on; hidden values are one, `other`, in both."""
    past, snapshots = past_and_snapshots(range(0, 80, 2))
    assert len(past.at_ms) == len(snapshots) == 40
    for dimension, blocks in past.blocks.items():
        shown = [snapshot.blocks[dimension] for snapshot in snapshots]
        assert [block.values for block in blocks] == [block.values for block in shown]
        assert [numbers_of(block) for block in blocks] == [numbers_of(block) for block in shown]
    assert np.array([block.stock["customers_active"] for block in past.blocks["plan"]]).sum(axis=0).all()


def test_days_before_the_first_event_are_left_out() -> None:
    """A company that is a month old has no flat line of zeros for the eleven months before."""
    past, _ = past_and_snapshots([-400, -399, 0, 1])
    assert past.at_ms == [BOUNDARY * HOUR_MS, (BOUNDARY + 24) * HOUR_MS]


def test_the_past_of_a_stream_without_events_is_an_empty_file() -> None:
    """A valid one: promtool must not fail on the first day."""
    folded, _ = live_counts([])
    past = past_in(
        list(folded.tables()), folded.windows, at_ms=[BOUNDARY * HOUR_MS], shown=SHOWN, segment_windows=["7d"]
    )
    assert past.at_ms == []
    lines = list(openmetrics_of(past, job="tenure", instance="here"))
    assert lines[-1] == "# EOF\n"
    assert [line for line in lines if not line.startswith("#")] == []


def test_every_family_is_written_once_with_ascending_samples() -> None:
    """Prometheus refuses a sample that is older than the one before it in its series."""
    past, _ = past_and_snapshots([0, 10, 20])
    lines = "".join(openmetrics_of(past, job="tenure", instance='a"b')).splitlines()
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families)) == 2 * (len(COUNTS) + 1) + len(RATIOS) + 1
    samples = [line.rsplit(" ", 2) for line in lines if not line.startswith("#")]
    by_series: dict[str, list[int]] = {}
    for series, _, at in samples:
        by_series.setdefault(series, []).append(int(at))
    assert {tuple(sorted(set(at))) == tuple(at) for at in by_series.values()} == {True}
    assert 'tenure_customers_active{dimension="all",value="",instance="a\\"b",job="tenure"}' in by_series
    assert 'segment:churn_standard:ratio{dimension="plan",value="other",window="30d"}' in by_series
    assert 'segment:arpa:ratio{dimension="all",value=""}' in by_series
    labels = 'dimension="all",kind="cancel",value="",window="365d"'
    assert f'tenure_facts_without_effect{{{labels},instance="a\\"b",job="tenure"}}' in by_series
    assert f"segment:tenure_facts_without_effect:sum{{{labels}}}" in by_series


def test_a_ratio_of_stocks_is_written_once_and_not_once_a_window() -> None:
    """Rules record it without a window: its line would break where history ends."""
    past, _ = past_and_snapshots([10])
    lines = [line.rsplit(" ", 2)[0] for line in openmetrics_of(past, job="tenure", instance="here")]
    written = [line for line in lines if line.startswith("segment:cross_sell:ratio{")]
    assert 'segment:cross_sell:ratio{dimension="all",value=""}' in written
    assert [line for line in written if "window=" in line] == []


def test_a_ratio_without_a_denominator_has_no_sample() -> None:
    """No data is neither zero nor one."""
    zeros = {count.name: np.zeros(1, np.int64) for count in COUNTS}
    stock = {count.name: zeros.pop(count.name) for count in COUNTS if count.kind == "stock"}
    surveys = {
        f"survey/{kind}/{way}/{status}": np.zeros(1, np.int64)
        for kind in ("nps", "csat")
        for way in ("in_app", "email", "outreach", "other")
        for status in ("sent", "answered", "dismissed")
    }
    without_effect = {f"facts_without_effect/{kind}": np.zeros(1, np.int64) for kind in KINDS_WITHOUT_EFFECT}
    past = Past([NOW_MS], {ALL: [Block([""], stock, {"30d": {**zeros, **surveys, **without_effect}}, {"30d": stock})]})
    lines = list(openmetrics_of(past, job="tenure", instance="here"))
    assert [line for line in lines if line.startswith("segment:") and ":ratio" in line] == []
    assert f'segment:tenure_mrr:sum{{dimension="all",value=""}} 0 {NOW_MS // 1000}\n' in lines
