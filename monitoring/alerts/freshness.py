"""Alerts of the freshness objective, by how fast its budget goes, and the alert that always fires.

Source: docs/alerting.md, section The freshness objective.
"""

from collections.abc import Iterator

from monitoring import freshness
from monitoring.alerts import thresholds
from monitoring.alerts.feeds import NOT_LOADING, STREAM_BOARD
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import SHARE, looked_up, own
from monitoring.promql import number, seen


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield them."""
    allowed = 1 - thresholds.FRESH_OBJECTIVE
    for severity, rates, lasting in (
        ("page", thresholds.BURN_PAGES, pace.glance),
        ("warn", thresholds.BURN_WARNINGS, pace.patient),
    ):
        either = "\nor ".join(
            f"(avg_over_time({freshness.STALE}[{long}]) > {number(rate * allowed)}"
            f" and avg_over_time({freshness.STALE}[{short}]) > {number(rate * allowed)}"
            f" and {seen(freshness.STALE, long)})"
            for rate, long, short in rates
        )
        yield Alert(
            "FreshnessBudgetBurning",
            severity,
            "stream",
            f"({either}){NOT_LOADING}",
            lasting,
            f"Numbers were stale for {own(SHARE)} of the last hours; {allowed:.1%} is allowed",
            f"What Kafka has had for {thresholds.FRESH_LIMIT_SECONDS} s is to be in the numbers,"
            f" {thresholds.FRESH_OBJECTIVE:.1%} of the time. It was not for {own(SHARE)} of the window that was"
            f" exceeded ({' or '.join(each[1] for each in rates)}). Of {thresholds.FRESH_WINDOW_DAYS} days' budget"
            f" {looked_up(freshness.LEFT, SHARE)} is left. Late in the last minute:"
            f" {looked_up(freshness.LATE, SHARE, 'none')} of the records.\n"
            "First: see on the board whether records wait (lag), workers start again and again, or commits are slow.",
            STREAM_BOARD,
        )
    yield Alert(
        "Watchdog",
        "none",
        "watchdog",
        "vector(1)",
        "0s",
        "Prometheus evaluates rules, and Alertmanager sends",
        "This alert always fires. Its receiver is outside, and calls when it has not heard of it for some minutes: then"
        " nobody would hear of any other alert either.\nFirst: nothing, as long as it comes.",
        STREAM_BOARD,
    )
