"""Runbooks of the freshness objective, and of the alert that always fires."""

from typing import Final

from monitoring import freshness
from monitoring.alerts import thresholds
from monitoring.runbooks.runbook import Runbook

RUNBOOKS: Final = {
    "FreshnessBudgetBurning": Runbook(
        "Numbers are stale for longer than the objective allows.",
        f"What Kafka has had for {thresholds.FRESH_LIMIT_SECONDS} s is to be in the numbers that are shown,"
        f" {thresholds.FRESH_OBJECTIVE:.1%} of the time, over {thresholds.FRESH_WINDOW_DAYS} days. The budget of"
        " staleness goes so fast that it will not last. A page means hours, a warning days.",
        "A long and a short window must both be exceeded: it goes on. An outage that"
        " [TenureIncomplete](TenureIncomplete.md) or [TenureLagging](TenureLagging.md) calls about is not called about"
        " twice. Loads of history do not count.",
        (
            ("How much of the budget is left (1 is all of it)?", freshness.LEFT),
            ("How many of the records of the last minute were late?", freshness.LATE),
            ("How old are records when they are counted?", "sum by (within) (rate(tenure_records_counted_total[5m]))"),
            ("Does something wait?", "stream:lag_seconds:max"),
            (
                "How long does a commit take (seconds, 99 of 100)?",
                "histogram_quantile(0.99, sum by (le) (rate(tenure_commit_seconds_bucket[5m])))",
            ),
        ),
        (
            "Late without lag: records reach Kafka late under an old timestamp. Ask producers that send in batches, or"
            " set `message.timestamp.type=LogAppendTime` on the topics.",
            "Lag: [TenureLagging](TenureLagging.md). Gaps that come again: workers that start again and again, see"
            " their last log lines.",
            "The budget is spent: hold deployments back until it is not; or agree on another objective.",
        ),
    ),
    "Watchdog": Runbook(
        "Always fires: whoever does not hear of it any more must look.",
        "It proves that Prometheus evaluates rules and that Alertmanager sends. It goes to a receiver outside, a dead"
        " man's switch, which calls when it has not heard of it for some minutes.",
        "An outside service that calls because it has not heard of it: nobody hears of any alert now.",
        (("Does it fire?", 'ALERTS{alertname="Watchdog"}'), ("Does Alertmanager answer?", "up")),
        (
            "See whether Prometheus runs, and whether it reaches Alertmanager (its page Status, Alertmanagers).",
            "See in Alertmanager's log why it could not send.",
            "How it is set up: [alerting](../alerting.md#who-watches-the-watchers).",
        ),
    ),
}
