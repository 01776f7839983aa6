"""What whoever is on call reads, and that a page neither comes nor goes for reasons of the machine."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.monitoring import score_cases
from tests.monitoring.kpi_cases import put_outcomes, put_targets
from tests.monitoring.scenario import (
    KPIS,
    ROOT,
    STREAM,
    Scenario,
    healthy,
    put_counts,
    put_partition,
    put_worker,
    rising,
)

PAGE = """\
Customer churn, standard lens: 6% in 7 days (60 of 1000), target 1.19%
Last 7 days: 60 lost of 1000 customers at the start: 6%, target 1.19% (from 5% in 30 days). \
Chance allowed for, it is at least 4.115% (99.87 % sure).
Last day: 16 lost of 1000 customers at the start: 1.6%, target 0.1708% (from 5% in 30 days). \
Chance allowed for, it is at least 0.7705% (99.87 % sure).
Above the company's average: plan pro by 32 lost. Most frequent reasons in 7d, known of 100 of 130 \
cancellations: too expensive 30; card_expired (payment failed) 20; bugs 6. The target is owned by Ada.
First: Look which segment and which reason the cancellations have in common; stop a failed payment run or release."""


def bad_week(minutes: int = 60) -> Scenario:
    """Return a stream with churn far beyond its target, most of it in one plan."""
    scenario = healthy(KPIS, minutes=minutes)
    put_outcomes(scenario, "churn_standard", "1d", 16, 1000)
    put_outcomes(scenario, "churn_standard", "7d", 60, 1000)
    for dimension, value, lost, start in (
        ("plan", "pro", 50, 300),
        ("plan", "basic", 8, 700),
        ("country", "DE", 36, 600),
        ("channel", "none", 50, 500),
    ):
        counts = {"customers_lost": lost, "customers_at_start": start}
        put_counts(scenario, dict(counts), window="7d", dimension=dimension, value=value)
    return put_targets(scenario, "churn_standard")


def with_reasons_and_owner(scenario: Scenario) -> Scenario:
    """Add what a worker says of reasons once it has looked at all customers, and the owner of the target.

    It looked a while ago: 30 cancellations have come since, and whoever is called is told.
    """
    put_counts(scenario, {"cancellations": 130}, window="7d")
    for reason, involuntary, count in (
        ("none", "false", 40),
        ("too expensive", "false", 30),
        ("card_expired", "true", 20),
        ("card_expired", "false", 0),
        ("bugs", "false", 6),
        ("other", "false", 4),
    ):
        labels = {"instance": "a", "window": "7d", "reason": reason, "involuntary": involuntary}
        scenario.put("tenure_cancellations_by_reason", count, **labels)
    labels = {"instance": "a", "kpi": "churn_standard", "window": "30d", "owner": "Ada"}
    return scenario.put("tenure_target_review_timestamp_seconds", 4e9, **labels)


def test_page_says_value_customers_target_certainty_segments_and_the_first_step() -> None:
    """It is read at three in the morning, on a telephone, by someone who was asleep."""
    found = with_reasons_and_owner(bad_week()).firing("ChurnAboveTarget", 20)
    (page,) = [alert for alert in found if alert.severity == "page"]
    assert page.text == PAGE
    assert page.annotations["runbook_url"] == "https://runbooks.example/ChurnAboveTarget.md"
    assert page.annotations["dashboard_url"] == "https://grafana.example/d/tenure-retention?var-window=7d"
    expected = {"service": "tenure", "area": "kpi", "kpi": "churn_standard", "dimension": "all", "window": "7d"}
    assert expected.items() <= page.labels.items()


def test_page_without_reasons_owner_or_segments_has_no_empty_sentences() -> None:
    """A worker that has not looked at all customers yet knows no reasons; a number of nothing would mislead."""
    scenario = bad_week().drop("tenure_customers_lost", dimension="plan")
    put_targets(scenario, "churn_standard", {"7d": 0.0119, "1d": 0.0017})
    (page,) = [alert for alert in scenario.firing("ChurnAboveTarget", 20) if alert.severity == "page"]
    lines = page.annotations["description"].splitlines()
    assert lines[0].startswith("Last 7 days: 60 lost of 1000 customers at the start: 6%, target 1.19%. Chance")
    assert lines[2] == "Above the company's average: no segment stands out."


def test_page_of_a_spike_says_what_is_usual_and_how_days_vary_only_if_they_do() -> None:
    """Fractions of a customer and a factor of 1.00 are no help at three in the morning."""
    (steady,) = [found for found in score_cases.days(60).firing("ChurnSpike", 5) if found.severity == "page"]
    assert steady.annotations["summary"] == "60 cancellations in the last 24 hours, usually 20"
    assert "days vary" not in steady.text
    noisy = score_cases.days(90, [20, 10, 35, 12, 28, 20, 15] * 3 + [5, 40, 12, 30, 8, 35, 10])
    (found,) = [found for found in noisy.firing("ChurnSpike", 5) if found.severity == "page"]
    assert re.search(r"days vary \d\.\d\d times as much as pure chance would", found.text)


def test_nps_is_written_as_people_know_it() -> None:
    """Boards and commands say +40.0: who reads 0.40 on a page looks for another number."""
    (warning,) = score_cases.nps((60, 20, 20), (20, 20, 60)).firing("NpsFalling", 180)
    assert warning.annotations["summary"] == "NPS fell to -40.0 in the window 7d, from 100 answers"
    assert "NPS is -40.0 (from −100 to 100) in the window 7d" in warning.text
    scenario = put_counts(
        healthy(minutes=20), {"nps_promoters": 50, "nps_passives": 24, "nps_detractors": 26}, window="30d"
    )
    put_counts(
        scenario,
        {"nps_promoters": 10, "nps_passives": 5, "nps_detractors": 15},
        window="30d",
        dimension="plan",
        value="pro",
    )
    put_targets(scenario, "nps", {"30d": 0.3})
    (warning,) = scenario.firing("NpsBelowTarget", 18)
    assert warning.annotations["summary"] == "Net promoter score: +24.0 in the window 30d, target +30.0"
    assert "+24.0 over 100 answers in the window 30d; the target is +30.0." in warning.text
    assert "Furthest off: plan pro -16.7." in warning.text
    # Of a review the target is said, too, and other KPIs stay as they are counted.
    for kpi, target in (("nps", 0.3), ("csat", 0.8)):
        labels = {"instance": "a", "kpi": kpi, "window": "30d"}
        scenario.put("tenure_target_ratio", target, **labels)
        scenario.put("tenure_target_review_timestamp_seconds", -1, owner="Ada", **labels)
    scenario.minutes = 90
    said = {found.labels["kpi"]: found.text for found in scenario.firing("TargetReviewOverdue", 80)}
    assert "The target (30) still holds." in said["nps"]
    assert "The target (0.8) still holds." in said["csat"]


def test_page_of_missing_data_says_until_when_prometheus_sees_old_workers() -> None:
    """Whoever is called can only wait, and wants to know for how long."""
    scenario = healthy(STREAM, minutes=30).put("process_start_time_seconds", 570, job="prometheus", instance="p")
    for name in ("tenure_partition_owned", "tenure_partition_counted"):
        scenario.drop(name, partition=0)
        scenario.put(name, "1x9 _x21", instance="b", partition=0).put(name, "_x10 1x20", instance="a", partition=0)
    (found,) = [each for each in scenario.firing("TenureIncomplete", 12) if each.severity == "info"]
    expected = "Prometheus was started, and still sees old workers of partitions: 1; that ends at 01-01 00:14 UTC"
    assert found.annotations["summary"] == f"KPIs are incomplete: {expected}"


def test_page_of_missing_data_says_that_churn_has_not_fallen() -> None:
    """Numbers that stop look like the best day ever."""
    (page,) = [found for found in Scenario(STREAM, 20).firing("TenureIncomplete", 15) if found.severity == "page"]
    expected = "Data is missing: no worker is at work; churn and all KPIs are unknown, not falling, for 10m"
    assert page.annotations["summary"] == expected


def test_what_is_over_is_told_in_the_past_and_asks_for_nothing(tmp_path: Path) -> None:
    """Old numbers in the present tense, and a first step, read as a new alarm."""
    alert = {
        "labels": {"alertname": "ChurnSpike", "severity": "page"},
        "annotations": {
            "summary": "60 left",
            "description": "60 leave.\nFirst: get up.",
            "runbook_url": "R",
            "dashboard_url": "D",
            "lasting": "5m",
        },
        "startsAt": "2026-03-01T03:00:00Z",
        "endsAt": "2026-03-01T04:30:00Z",
    }
    texts = {}
    for status in ("firing", "resolved"):
        data = {"status": status, "alerts": [{**alert, "status": status}], "commonLabels": alert["labels"]}
        (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")
        command = ["amtool", "template", "render", f"--template.glob={ROOT}/alertmanager/templates/*.tmpl"]
        text = '{{template "tenure.title" .}}|{{template "tenure.text" .}}'
        command += [f"--template.data={tmp_path}/data.json", f"--template.text={text}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        texts[status] = done.stdout.strip()
    links = "Runbook: R\nDashboard: D?from=1772330400000&to="
    assert texts == {
        "firing": "PAGE: 60 left|60 left\nFiring since 2026-03-01 03:00 UTC; it had begun 5m earlier.\n"
        f"60 leave.\nFirst: get up.\n{links}now",
        "resolved": "Over: ChurnSpike|Over since 2026-03-01 04:30 UTC, it fired from 2026-03-01 03:00 UTC on.\n"
        f"The last that was said: 60 left\n{links}1772343000000",
    }


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


def test_backfill_pages_nobody_and_is_judged_ten_minutes_after_it() -> None:
    """While history is loaded the last day looks like a disaster; if it still does afterwards, it is one."""
    scenario = bad_week(100)
    scenario.put("tenure_events_late_total", "0+1000x30 30000+0x70", instance="a")
    assert [scenario.severities("ChurnAboveTarget", at) for at in (15, 34, 40)] == [set(), set(), {"page"}]
    waits = [scenario.values("stream:waits:bool", at) for at in (15, 31, 32, 33, 40)]
    assert (waits[0], waits[-1]) == ({"load": 1}, {})
    assert {"after_load": 1} in waits


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
