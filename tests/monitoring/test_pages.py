"""What whoever is on call reads, and that a page neither comes nor goes for reasons of the machine."""

from __future__ import annotations

from tests.monitoring.kpi_cases import put_outcomes, put_targets
from tests.monitoring.scenario import KPIS, Scenario, healthy, put_counts, put_partition, put_worker, rising

PAGE = """\
Customer churn, standard lens: 6% in 7 days (60 of 1000), target 1.19%
Last 7 days: 60 lost of 1000 customers at the start; Customer churn, standard lens: 6%, target 1.19%. \
Chance allowed for, it is at least 4.115% (99.87 % sure).
Last day: 16 lost of 1000 customers at the start; Customer churn, standard lens: 1.6%, target 0.1708%. \
Chance allowed for, it is at least 0.7705% (99.87 % sure).
Beyond what the target allows: plan pro by 46 lost; country DE by 23 lost.
First: Look which segment and which reason the cancellations have in common; stop a failed payment run or release."""


def bad_week(minutes: int = 60) -> Scenario:
    """Return a stream with churn far beyond its target, most of it in one plan."""
    scenario = healthy(KPIS, minutes=minutes)
    put_outcomes(scenario, "churn_standard", "1d", 16, 1000)
    put_outcomes(scenario, "churn_standard", "7d", 60, 1000)
    for dimension, value, lost, start in (
        ("plan", "pro", 50, 300),
        ("plan", "basic", 8, 700),
        ("country", "DE", 30, 600),
    ):
        counts = {"customers_lost": lost, "customers_at_start": start}
        put_counts(scenario, dict(counts), window="7d", dimension=dimension, value=value)
    return put_targets(scenario, "churn_standard")


def test_page_says_value_customers_target_certainty_segments_and_the_first_step() -> None:
    """It is read at three in the morning, on a telephone, by someone who was asleep."""
    (page,) = [alert for alert in bad_week().firing("ChurnAboveTarget", 20) if alert.severity == "page"]
    assert page.text == PAGE
    assert page.annotations["runbook_url"] == "https://runbooks.example/ChurnAboveTarget.md"
    assert page.annotations["dashboard_url"] == "https://grafana.example/d/tenure-retention?var-window=7d"
    expected = {"service": "tenure", "area": "kpi", "kpi": "churn_standard", "dimension": "all", "window": "7d"}
    assert expected.items() <= page.labels.items()


def test_page_survives_the_restart_of_a_worker() -> None:
    """A deployment must not resolve a page: whoever is on call would lie down again."""
    scenario = bad_week()
    away = [(0, 1.0), (20, None), (25, 1.0)]
    put_worker(scenario, "b", away)
    for number in (2, 3):
        put_partition(scenario, "b", number, away)
    assert [scenario.severities("ChurnAboveTarget", at) for at in (19, 22, 30)] == [{"page", "warn"}] * 3


def test_page_resolves_when_churn_is_back_and_not_before() -> None:
    """An alert that stays for ever is silenced for ever."""
    scenario = bad_week()
    halved = [(0, 60.0), (20, 2.0)]
    put_counts(scenario, {"customers_lost": halved}, window="7d")
    put_counts(scenario, {"customers_lost": [(0, 16.0), (20, 0.0)]}, window="1d")
    assert [scenario.severities("ChurnAboveTarget", at) for at in (19, 21, 40)] == [{"page", "warn"}] * 2 + [set()]


def test_partition_that_nobody_counts_makes_no_kpi_alert() -> None:
    """Three quarters of the customers seem to be gone: they are only not counted."""
    scenario = bad_week().drop("tenure_partition_counted", partition=3)
    assert scenario.firing("ChurnAboveTarget", 40) == []


def test_partition_that_two_workers_count_makes_no_kpi_alert() -> None:
    """Its customers are counted twice, and so are its losses."""
    scenario = bad_week()
    put_partition(scenario, "b", 0)
    assert scenario.firing("ChurnAboveTarget", 40) == []


def test_backfill_pages_nobody_and_is_judged_half_an_hour_after_it() -> None:
    """While history is loaded the last day looks like a disaster; if it still does afterwards, it is one."""
    scenario = bad_week(100)
    scenario.put("tenure_events_late_total", "0+1000x30 30000+0x70", instance="a")
    assert [scenario.severities("ChurnAboveTarget", at) for at in (15, 45, 95)] == [set(), set(), {"page", "warn"}]


def test_gap_of_a_scrape_delays_a_page_and_does_not_lose_it() -> None:
    """Prometheus misses a scrape now and then."""
    scenario = bad_week()
    scenario.put("tenure_partition_counted", [(0, 1), (3, None), (4, 1)], instance="b", partition=3)
    assert [scenario.severities("ChurnAboveTarget", at) for at in (6, 10)] == [set(), {"page"}]


def test_worker_that_took_over_and_restarted_counters_change_no_kpi() -> None:
    """KPIs are gauges of state: counters of events may begin anew as often as they like."""
    scenario = bad_week()
    for kind in ("signup", "cancel"):
        scenario.put("tenure_events_applied_total", "500+60x10 0+60x50", instance="a", type=kind)
    scenario.put("tenure_events_late_total", rising(2, 60), instance="a")
    assert scenario.severities("ChurnAboveTarget", 40) == {"page", "warn"}
