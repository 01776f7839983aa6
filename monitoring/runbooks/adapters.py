"""Runbooks of the alerts about other systems' topics."""

from typing import Final

from monitoring.alerts import thresholds
from monitoring.alerts.adapters import LAG, WAITING
from monitoring.runbooks.runbook import Runbook

RUNBOOKS: Final = {
    "TranslationLagging": Runbook(
        "Records of another system wait to be translated, and do not become fewer.",
        "Workers read the [topics of other systems](../adapters.md#topics) (`adapter_topics`), translate their records"
        f" and send the events. Records of one topic wait longer than {thresholds.ADAPTER_LAG_LIMIT_SECONDS} seconds,"
        f" and are no fewer than {thresholds.LAG_NOT_FALLING} ago. What they say is in no KPI yet: cancels that wait"
        " make churn look better than it is. Nothing is lost as long as Kafka keeps the records.",
        "A topic that is read for the first time, or from a set-back position, has old records: they become fewer, and"
        " the alert stays quiet. A source that stamps its records in the past makes them look older than they are.",
        (
            ("How long do they wait, by topic (seconds)?", LAG),
            ("How many wait?", WAITING),
            ("What becomes of them (records a second)?", "sum by (adapter, outcome) (rate(tenure_adapted_total[5m]))"),
            ("Which workers answer?", 'up{job="tenure"}'),
        ),
        (
            "The log lines `translator_waiting` and `translated_not_sent` say what is waited for (`reason`). The schema"
            " registry: start it, or correct `schema_registry_url`, its user or its password. Kafka: see"
            " [TenureKafkaUnreachable](TenureKafkaUnreachable.md). A right: [rights](../rights.md#worker).",
            "`translator_failed` has the traceback of a fault of ours: keep it and report it. The translation tries"
            " again by itself.",
            "None of these, and `tenure_adapted_total` rises: more comes than one worker translates. Add workers, up to"
            " the number of the topic's partitions.",
            "No worker shows the topic at all: `adapter_topics` names it at none that runs.",
        ),
    ),
}
