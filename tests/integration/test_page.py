"""A churn spike, from the event to whoever is on call: real Kafka, Redis, worker, Prometheus and Alertmanager.

What is shipped decides; `paging` says which durations are shortened, so that it can be watched.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.installation import Installation, WorkerProcess, until
from services.paging import FACTOR, RULES, Paging, hurried, hurried_rules
from services.subscribers import Event, Subscribers, hour_end, records, taken_back
from tests.recount.statistics import SPIKE_WEEKS, churn_spike_z

pytestmark = pytest.mark.alone

SESSION_SECONDS = 2
LEAVING = 60
TARGET = 0.2
"""Of all customers in thirty days; the company loses less."""
#: Both are about the same cancellations; none may call twice.
CHURN = ("ChurnSpike", "ChurnAboveTarget")


class Situation:
    """A healthy company, counted by one worker and watched."""

    def __init__(self, installation: Installation, worker: WorkerProcess, company: Subscribers, paging: Paging) -> None:
        self.installation, self.worker, self.company, self.paging = installation, worker, company, paging

    def publish(self, events: list[Event]) -> None:
        """Send events as a producer would."""
        self.installation.publish(self.installation.file_of(records(events)))

    def lose_customers(self) -> list[Event]:
        """Let a tenth of the customers leave now; return what says so."""
        gone = self.company.leave(LEAVING, now())
        self.publish(gone)
        return gone

    def calls(self, *alerts: str) -> list[tuple[str, str]]:
        """Return what the one on call has heard of some alerts so far, as name and status."""
        return [call for call in self.paging.story() if call[0] in alerts]


def now() -> dt.datetime:
    """Return the present instant."""
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def situation(installation: Installation, tmp_path: Path) -> Iterator[Situation]:
    """All parts run, and have counted the healthy past of a company."""
    installation.environment["TENURE_SESSION_TIMEOUT_SECONDS"] = str(SESSION_SECONDS)
    installation.create_topics()
    worker = installation.worker()
    company = Subscribers(now())
    installation.publish(installation.file_of(company.past()))
    target = installation.run("target", "set", "churn_standard", "30d", str(TARGET), "--owner", "retention-team")
    assert target.returncode == 0, target.stderr
    installation.until_applied()
    until(lambda: worker.total("tenure_target_ratio") == TARGET, "the target")
    until(lambda: worker.total("tenure_customers_active", dimension="all") > 0, "counts")
    # It is read from then on: events that were there before Prometheus are no backfill.
    with Paging(tmp_path / "paging", worker.port) as paging:
        yield Situation(installation, worker, company, paging)


def test_shortened_rules_are_the_shipped_ones_but_for_how_long_an_alert_lasts() -> None:
    """A test of other thresholds would say nothing of those that people are called by."""

    def without_durations(text: str) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in rule.items() if key not in {"for", "keep_firing_for"}}
            for group in yaml.safe_load(text)["groups"]
            for rule in group["rules"]
        ]

    for file in RULES:
        shipped = file.read_text(encoding="utf-8")
        assert without_durations(hurried_rules(shipped, FACTOR)) == without_durations(shipped)
    assert [hurried(duration, FACTOR) for duration in ("0s", "5m", "1h30m")] == ["0ms", "2000ms", "36000ms"]


def test_churn_spike_calls_with_the_numbers_of_the_report_and_a_dead_feed_calls_as_missing_data(
    situation: Situation,
) -> None:
    """It is what the product is for: a call that can be believed, and no relief because the numbers stopped coming."""
    paging = situation.paging
    until(lambda: paging.value("stream:churn_spike:zscore") is not None, "a score, on a Prometheus without a past")
    assert paging.alerts('area="kpi"') == []
    gone = situation.lose_customers()
    page = paging.next_page("ChurnSpike").body
    assert [alert["labels"]["alertname"] for alert in page["alerts"]] == ["ChurnSpike"]
    check_numbers(situation, page["alerts"][0]["annotations"])
    check_rendering(paging, page["alerts"][0]["annotations"])

    situation.publish(taken_back(gone, now()))
    paging.next_page("ChurnSpike", "resolved")
    until(lambda: paging.alerts('area="kpi",severity="page"') == [], "no churn any more")
    # The target's page is about the same cancellations, and is held back.
    assert paging.story() == [("ChurnSpike", "firing"), ("ChurnSpike", "resolved")]

    situation.lose_customers()
    paging.next_page("ChurnSpike", seen=1)
    until(lambda: paging.states("ChurnAboveTarget") != set(), "both alerts")
    kill_the_feed(situation)
    bring_the_feed_back(situation)


def check_numbers(situation: Situation, spike: dict[str, str]) -> None:
    """Compare a page with what `tenure kpi` says of the same instant, and its score with the definition."""
    paging = situation.paging
    days = [hour_end(now()) - dt.timedelta(days=n) for n in range(SPIKE_WEEKS * 7 + 1)]
    reports = situation.installation.kpi("--by", "plan", *(word for day in days for word in ("--at", day.isoformat())))
    by_day: list[dict[str, Any]] = [report["windows"]["1d"] for report in reports]
    day, week = by_day[0], reports[0]["windows"]["7d"]
    cancellations = [report["cancellations"] for report in by_day]
    z = churn_spike_z(
        cancellations=cancellations, customers_at_start=[report["customers_at_start"] for report in by_day[::7]]
    )
    assert day["cancellations"] == LEAVING + situation.company.cancellations(days_ago=0)
    assert paging.value("stream:churn_spike:zscore") == pytest.approx(z, rel=1e-12)
    assert {day["cancellations"]} <= numbers(spike["summary"])
    told = {day["cancellations"], day["customers_at_start"], day["cancellations_involuntary"], round(z or 0, 2)}
    assert told <= numbers(spike["description"])
    until(lambda: ("ChurnAboveTarget", "firing") in paging.alerts('severity="page"'), "churn above its target")
    above = paging.annotations("ChurnAboveTarget")
    pro = reports[0]["segments"]["plan"]["pro"]["windows"]["7d"]
    shown = float(f"{100 * week['ratios']['churn']['standard']:.4g}")
    assert {shown, week["customers_lost"], week["customers_at_start"]} <= numbers(above["summary"])
    average = week["customers_lost"] / week["customers_at_start"]
    beyond = round(pro["customers_lost"] - pro["customers_at_start"] * average)
    told = {
        week["customers_lost"],
        week["customers_at_start"],
        day["customers_lost"],
        day["customers_at_start"],
        beyond,
    }
    assert told <= numbers(above["description"])


def numbers(text: str) -> set[float]:
    """Return all numbers that a text has."""
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}


def check_rendering(paging: Paging, annotations: dict[str, str]) -> None:
    """See that what rings says what was found and where to go on."""
    until(lambda: any(annotations["summary"] in text for text in paging.texts()), "a page to PagerDuty")
    (text,) = [text for text in paging.texts() if annotations["summary"] in text]
    assert text.startswith(f"PAGE: {annotations['summary']}\n")
    assert [annotations[name] in text for name in ("description", "runbook_url", "dashboard_url")] == [True] * 3


def kill_the_feed(situation: Situation) -> None:
    """Kill the worker while churn pages; the call is about missing data, and churn is neither over nor new."""
    paging = situation.paging
    calls = situation.calls(*CHURN)
    situation.worker.process.kill()
    until(lambda: paging.states("ChurnSpike") == {"suppressed"}, "churn is judged no longer")
    page = paging.next_page("TenureIncomplete").body
    assert "missing" in page["commonAnnotations"]["summary"]
    assert paging.value("stream:complete:bool") is None
    assert paging.value('segment:churn_standard:ratio{dimension="all",window="7d"}') is None
    # For longer than a KPI's alert outlives its numbers.
    until(lambda: paging.alerts('area="kpi"') == [], "the end of keep_firing_for")
    until(lambda: paging.states("ChurnSpike") == set(), "Alertmanager hears of it")
    assert situation.calls(*CHURN) == calls


def bring_the_feed_back(situation: Situation) -> None:
    """Start the worker again; the numbers are back, and nobody is called about what is known already."""
    paging = situation.paging
    calls = situation.calls(*CHURN)
    situation.worker.process.start()
    paging.next_page("TenureIncomplete", "resolved")
    until(lambda: paging.states("ChurnSpike") == {"active"}, "churn is judged again")
    assert situation.calls(*CHURN) == calls
    assert situation.calls("TenureIncomplete") == [("TenureIncomplete", "firing"), ("TenureIncomplete", "resolved")]
