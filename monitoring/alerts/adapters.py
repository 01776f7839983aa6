"""The alert of other systems' topics: their records wait to be translated.

Source: docs/adapters.md, section Topics. Without `adapter_topics` there is no series, and it does not fire.
"""

from collections.abc import Iterator
from typing import Final

from monitoring.alerts import thresholds
from monitoring.alerts.feeds import STREAM_BOARD
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, looked_up, own

LAG: Final = "max by (topic) (tenure_adapter_lag_seconds)"
WAITING: Final = "sum by (topic) (tenure_adapter_lag_records)"
_DURATION: Final = "humanizeDuration"


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield it: a backlog that becomes smaller is being worked off, and nobody is told."""
    limit, before = thresholds.ADAPTER_LAG_LIMIT_SECONDS, thresholds.LAG_NOT_FALLING
    earlier = f"sum by (topic) (tenure_adapter_lag_records offset {before})"
    waiting = looked_up(f"{WAITING[:-1]}{{topic=%q}})", COUNT, label="topic")
    yield Alert(
        "TranslationLagging",
        "warn",
        "stream",
        f"{LAG} > {limit}\nunless on (topic) {WAITING} < {earlier}",
        pace.patient,
        f"Records of {{{{ $labels.topic }}}} wait {own(_DURATION)} to be translated, and do not become fewer",
        f"{waiting} records of another system wait in {{{{ $labels.topic }}}} (limit {limit} s), at least as many as"
        f" {before} ago. What they say is missing from all KPIs, which are shown all the same. Nothing is lost as long"
        " as Kafka keeps them.\n"
        "First: the log lines translator_waiting and translated_not_sent say whether Kafka or the schema registry is"
        " away, or refuses.",
        STREAM_BOARD,
    )
