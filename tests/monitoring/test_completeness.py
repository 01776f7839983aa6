"""Sums, ratios, bounds and targets as rules make them, and the guard that shows none of them while one is missing."""

from __future__ import annotations

import math

import pytest

from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import RATIO_BY_NAME, WINDOW_RATIOS, has_windows
from tests.monitoring.kpi_cases import PLAIN_COUNTS, outcomes
from tests.monitoring.scenario import Scenario, healthy, put_counts, put_partition, put_worker

RECORDING = ("recording.yml",)
COUNTS = {"customers_at_start": 1000, "customers_lost": 60, "customers_retained": 940}
CHURN = 'segment:churn_standard:ratio{window="7d"}'


def _stream() -> Scenario:
    return put_counts(healthy(RECORDING, minutes=30), dict(COUNTS), window="7d")


def _counts_of(ratio: Ratio) -> dict[str, int]:
    counts = dict(PLAIN_COUNTS.get(ratio.name) or outcomes(ratio.name, 60, 300))
    return {**counts, "customers_active": 300}


@pytest.mark.parametrize("ratio", WINDOW_RATIOS, ids=lambda ratio: ratio.name)
def test_ratio_of_sums_over_workers_is_that_of_the_catalogue(ratio: Ratio) -> None:
    """A mean of two workers' ratios would be another number."""
    counts = _counts_of(ratio)
    scenario = healthy(RECORDING, minutes=2)
    for name, count in counts.items():
        put_counts(scenario, {name: count}, window="stock" if COUNT_BY_NAME[name].kind == "stock" else "7d")
    found = scenario.values(f"segment:{ratio.name}:ratio", 2)
    assert found == {"all 7d" if has_windows(ratio) else "all": pytest.approx(ratio.evaluate(counts))}


def test_a_ratio_of_stocks_is_recorded_once_and_not_once_a_window() -> None:
    """A board that adds up or lists windows would show one number six times."""
    scenario = healthy(RECORDING, minutes=2)
    put_counts(scenario, {"customers_with_several": 60, "customers_active": 300}, window="stock")
    for window in ("1d", "7d"):
        put_counts(scenario, {"customers_at_start": 300, "customers_retained": 300}, window=window)
    assert scenario.values("count(segment:cross_sell:ratio)", 2) == {"": 1}
    assert scenario.values('segment:cross_sell:sample{window=""}', 2) == {"all": 300}


def test_facts_without_effect_are_summed_over_workers_and_keep_their_kind() -> None:
    """Cancels and changes want different people."""
    scenario = healthy(RECORDING, minutes=2)
    for worker, kind, amount in (("a", "cancel", 3), ("b", "cancel", 4), ("b", "change", 5)):
        labels = {"instance": worker, "window": "1d", "dimension": "all", "value": "", "kind": kind}
        scenario.put("tenure_facts_without_effect", amount, **labels)
    found = scenario.values("segment:tenure_facts_without_effect:sum", 2)
    assert found == {"all cancel 1d": 7, "all change 1d": 5}


def test_ratio_without_a_denominator_is_absent() -> None:
    """No customers is neither 0 % nor 100 % churn."""
    scenario = put_counts(healthy(RECORDING, minutes=2), {"customers_at_start": 0, "customers_lost": 0}, window="7d")
    assert scenario.values("count(stream:complete:bool)", 2) == {"": 1}
    assert scenario.values(CHURN, 2) == {}


def test_bounds_are_those_of_wilson() -> None:
    """12 of 200 at z = 1.96, by the formula of 1927; at z = 3 only the side that pages."""
    scenario = put_counts(healthy(RECORDING, minutes=2), {"customers_at_start": 200, "customers_lost": 12}, window="7d")
    for name, z, sign in (("low", 1.96, -1), ("high", 1.96, 1), ("page", 3.0, -1)):
        p, n = 12 / 200, 200
        centre, root = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        expected = (centre + sign * root) / (1 + z * z / n)
        found = scenario.values(f"segment:churn_standard:wilson_{name}", 2)
        assert found == {"all 7d": pytest.approx(expected)}


def test_bounds_of_what_should_be_high_are_mirrored() -> None:
    """Retention is 1 − churn; so are its bounds."""
    scenario = put_counts(healthy(RECORDING, minutes=2), dict(COUNTS), window="7d")
    low = scenario.values("1 - segment:churn_standard:wilson_high", 2)
    assert scenario.values("segment:retention:wilson_low", 2) == pytest.approx(low)


def test_target_of_thirty_days_is_converted_where_a_window_has_none_of_its_own() -> None:
    """5 % a month are 1.19 % a week; a share of a cohort is the same for any window; engagement has none."""
    scenario = healthy(RECORDING, minutes=2)
    own = {("churn_standard", "30d"): 0.05, ("churn_standard", "1d"): 0.004, ("dropoff_7d", "30d"): 0.1}
    own |= {("engagement", "30d"): 0.8, ("retention", "30d"): 0.95, ("nps", "30d"): -0.1}
    for (kpi, window), value in own.items():
        scenario.put("tenure_target_ratio", value, instance="a", kpi=kpi, window=window)
    found = scenario.values('kpi:target:ratio{window=~"1d|7d|30d"}', 2)
    assert found == pytest.approx(
        {
            "churn_standard 1d": 0.004,
            "churn_standard 7d": 1 - 0.95 ** (7 / 30),
            "churn_standard 30d": 0.05,
            "retention 1d": 0.95 ** (1 / 30),
            "retention 7d": 0.95 ** (7 / 30),
            "retention 30d": 0.95,
            "dropoff_7d 1d": 0.1,
            "dropoff_7d 7d": 0.1,
            "dropoff_7d 30d": 0.1,
            "engagement 30d": 0.8,
            "nps 30d": -0.1,
        }
    )


def test_numbers_are_absent_while_a_worker_is_away_and_back_when_its_partitions_are_counted() -> None:
    """Three quarters of the customers are no company's number, though a query would gladly sum them."""
    scenario = put_counts(healthy(RECORDING, minutes=30), {"customers_at_start": 1000}, window="7d")
    put_counts(scenario, {"customers_lost": [(0, 60)]}, window="7d")
    gone = [(0, 1.0), (10, None), (15, 1.0)]
    put_worker(scenario, "b", gone)
    for number in (2, 3):
        put_partition(scenario, "b", number, gone)
    for name, value in (("customers_at_start", 250.0), ("customers_lost", 15.0)):
        scenario.put(
            f"tenure_{name}", [(0, value), (10, None), (15, value)], instance="b", window="7d", dimension="all"
        )
    assert scenario.values(CHURN, 9) == {"all 7d": pytest.approx(0.06)}
    assert scenario.values(CHURN, 11) == {}
    assert scenario.values("stream:incomplete:partitions", 11) == {"not_counted": 2, "unowned": 2}
    assert scenario.values(CHURN, 15) == {"all 7d": pytest.approx(0.06)}


@pytest.mark.parametrize(
    ("name", "labels", "value", "causes"),
    [
        ("tenure_partition_counted", {"instance": "b", "partition": 0}, 1, {"counted_twice": 1}),
        ("tenure_partition_owned", {"instance": "b", "partition": 0}, 1, {"owned_twice": 1}),
        ("tenure_partition_recovering", {"instance": "a", "partition": 0}, 1, {"recovering": 1}),
        ("tenure_partition_halted", {"instance": "a", "partition": 0, "cause": "position"}, 1, {"halted": 1}),
        ("tenure_kpis_withheld", {"instance": "a"}, 1, {"withheld": 1}),
        ("tenure_partitions_expected", {"instance": "b"}, 3, {"different_counts": 1}),
        ("tenure_partitions_expected", {"instance": "waits at its start"}, 0, {}),
        ("tenure_oldest_unapplied_age_seconds", {"instance": "a", "partition": 1}, 301, {"behind": 1}),
        ("tenure_lag_seconds", {"instance": "a", "topic": "customer.cancel", "partition": 1}, 301, {"behind": 1}),
        ("tenure_lag_seconds", {"instance": "a", "topic": "customer.cancel", "partition": 1}, 299, {}),
    ],
)
def test_each_cause_of_incompleteness_is_named(
    name: str, labels: dict[str, object], value: float, causes: dict[str, int]
) -> None:
    """Whoever is called should not have to find out which of ten things it is."""
    scenario = _stream().put(name, value, **labels)
    assert scenario.values("stream:incomplete:partitions or vector(0)", 5) == {**causes, "": 0}
    assert scenario.values("count(stream:complete:bool) or vector(0)", 5) == {"": 0 if causes else 1}


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [("a", "b", "seen_before"), ("gone", "a", "seen_before"), ("b", "a", "counted_twice")],
    ids=["moved", "gone", "still-there"],
)
def test_worker_of_before_the_start_of_prometheus_is_no_second_worker(before: str, after: str, cause: str) -> None:
    """Five minutes long it sees what it scraped before it was started, and nobody can mend that by a restart."""
    scenario = _stream().put("process_start_time_seconds", 9 * 60 + 30, job="prometheus", instance="p")
    for name in ("tenure_partition_owned", "tenure_partition_counted"):
        scenario.drop(name, partition=0)
        scenario.put(name, "1x30" if cause == "counted_twice" else "1x9 _x21", instance=before, partition=0)
        scenario.put(name, "_x10 1x20", instance=after, partition=0)
    found = scenario.values("stream:incomplete:partitions or vector(0)", 12)
    # It is said until when: five minutes after the last look of before, in the ninth minute.
    is_over = {"seen_before 01-01 00:14 UTC": 1}
    assert found == {"": 0, **(is_over if cause == "seen_before" else {cause: 1, "owned_twice": 1})}
    assert scenario.values("stream:incomplete:partitions or vector(0)", 9) == {"": 0}
    assert scenario.values("count(stream:complete:bool) or vector(0)", 12) == {"": 0}
    if cause == "seen_before":
        assert scenario.values("count(stream:complete:bool) or vector(0)", 15) == {"": 1}


def test_owned_is_not_counted() -> None:
    """After a rebalance a worker owns a partition some seconds before its counts hold its customers."""
    scenario = _stream().drop("tenure_partition_counted", partition=3)
    assert scenario.values("stream:incomplete:partitions", 5) == {"not_counted": 1}


def test_what_matures_is_judged_at_the_last_closed_boundary() -> None:
    """The running hour's customers have not had their seventh day yet."""
    scenario = put_counts(healthy(RECORDING, minutes=2), {"dropoff_matured": 100, "dropoff_cancelled": 10}, window="7d")
    for count, value in (("dropoff_matured", 90), ("dropoff_cancelled", 18)):
        scenario.put("tenure_matured_customers", value, instance="a", count=count, window="7d")
    assert scenario.values("segment:dropoff_7d:ratio", 2) == {"all 7d": pytest.approx(0.1)}
    assert scenario.values("closed:dropoff_7d:ratio", 2) == {"all 7d": pytest.approx(0.2)}
    assert RATIO_BY_NAME["dropoff_7d"].is_proportion


@pytest.mark.parametrize(
    ("late", "watermark", "expected"), [(1000, None, 1), (100, None, 0), (0, -200_000, 1), (0, None, 0)]
)
def test_backfill_is_seen_by_late_events_or_an_old_watermark(late: int, watermark: float | None, expected: int) -> None:
    """1,080 events a minute are applied: a tenth of them late is business, nine tenths are history."""
    scenario = healthy(RECORDING, minutes=30)
    scenario.put("tenure_events_late_total", f"0+{late}x30", instance="a")
    if watermark is not None:
        for key in [key for key in scenario.series if key.startswith("tenure_watermark")]:
            scenario.series[key] = watermark
    assert scenario.values("count(stream:backfill:bool) or vector(0)", 20) == {"": expected}
