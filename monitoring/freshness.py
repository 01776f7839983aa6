"""Recording rules of the freshness objective: what Kafka has had for a minute is in the numbers that are shown.

An instant is stale where numbers are withheld, where a record waits for longer than the limit, or where more than a
hundredth of what was counted in the last minute had waited for longer. Loads of history are not judged.
Source: docs/alerting.md, section The freshness objective.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from monitoring.alerts import thresholds
from monitoring.alerts.rule import Recording
from monitoring.promql import number
from schemas.instruments import AGES_MS, OLDER

STALE: Final = "stream:stale:bool"
LATE: Final = "stream:records_late:ratio"
SPENT: Final = "stream:freshness_budget_spent:ratio"
LEFT: Final = "stream:freshness_budget_left:ratio"
_COUNTED: Final = "tenure_records_counted_total"
_STEP: Final = timedelta(minutes=5)


def rules() -> Iterator[Recording]:
    """Yield whether this instant is stale."""
    span, limit = thresholds.FRESH_SPAN, thresholds.FRESH_LIMIT_SECONDS
    # The classes of a record's age that lie beyond the limit all the same: each is named by its upper end.
    late_classes = "|".join([*(name for name, most in AGES_MS.items() if most > limit * 1_000), OLDER])
    late = f'sum(increase({_COUNTED}{{within=~"{late_classes}"}}[{span}]))'
    yield Recording(LATE, f"{late} / (sum(increase({_COUNTED}[{span}])) > 0)")
    reasons = (
        f"({LATE} > bool {thresholds.FRESH_LATE_SHARE})",
        f"(max(stream:lag_seconds:max) > bool {limit})",
        "stream:incomplete:bool",
    )
    either = "\n  or ".join(f'label_replace({reason}, "cause", "{n}", "", "")' for n, reason in enumerate(reasons))
    yield Recording(STALE, f"max(\n  {either}\n) * (1 - (stream:backfill:bool or vector(0)))")


def budget() -> Iterator[Recording]:
    """Yield how much of the objective's budget is spent in its window, and how much is left; 0 is all of it.

    Times at which Prometheus was not there count as fresh: nothing is known of them.
    """
    window = timedelta(days=thresholds.FRESH_WINDOW_DAYS)
    points = int(window / _STEP)
    allowed = number(points * (1 - thresholds.FRESH_OBJECTIVE))
    step = f"{int(_STEP.total_seconds() // 60)}m"
    recent = f"avg_over_time({STALE}[{step}])"
    yield Recording("stream:stale:mean5m", recent)
    looked = f"sum_over_time(stream:stale:mean5m[{thresholds.FRESH_WINDOW_DAYS}d:{step}])"
    yield Recording(SPENT, f"{looked} / {allowed}")
    yield Recording(LEFT, f"1 - {SPENT}")
