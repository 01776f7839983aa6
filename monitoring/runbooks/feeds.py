"""Runbooks of the alerts of feeds: one is silent, or has lost most of its events."""

from typing import Final

from monitoring import feeds
from monitoring.alerts import thresholds
from monitoring.runbooks.kpi import DOCTOR
from monitoring.runbooks.runbook import Runbook

WHAT_CAME: Final = (
    "What came of each feed, an event type from one source, in the last hour?",
    f"sum by ({feeds.FEED}) (increase(tenure_feed_events_total[1h]))",
)
_USUAL: Final = ("What is usual now, by span.", feeds.EXPECTED)
_REFUSED: Final = (
    "Do they come, but cannot be applied?",
    f"sum by ({feeds.FEED}) (increase(tenure_feed_dead_letters_total[1h])) > 0",
)
_FIRST_WEEK: Final = (
    f"Usual is the mean of the same hours of the last {thresholds.QUIET_WEEKS} weeks, of each the least within an hour"
    " around, so that neither a change of the clocks nor a late job shows. Where Prometheus is younger than a week it"
    " is that of the last days of the same kind, working days or weekend; on its first day, and on its first day of a"
    " weekend, nothing is usual yet. Days on which history was loaded do not count, nor spans of which Prometheus saw"
    " less than nine tenths. A public holiday may be real silence: then silence the alert for the day."
)
_LOST: Final = (
    "What the producer did not send is lost unless it sends it later; what it sends late restates the past by itself."
    " Ask for the missing hours, under their own ids: what came before does not count twice."
)
_GONE: Final = (
    "A source that is gone for good: silence the alert for its type and source for four weeks; then nothing is usual."
)

RUNBOOKS: Final = {
    "EventSourceQuiet": Runbook(
        "Events of one type from one source have stopped: data is missing.",
        f"No event of a feed has come for so long that at least {thresholds.QUIET_EXPECTED} would have been usual. The"
        " stream itself is well: they do not reach the numbers. A dead feed of cancels looks like the best day ever."
        " KPI alerts that depend on the type are held back.",
        _FIRST_WEEK,
        (WHAT_CAME, _USUAL, _REFUSED, DOCTOR),
        (
            "Call the team whose system sends this type; look at its deployments of the last hours.",
            "If dead letters rise instead, read [DeadLettersGrowing](DeadLettersGrowing.md).",
            _LOST,
            _GONE,
        ),
    ),
    "EventSourceSlow": Runbook(
        "Most events of one type from one source are missing.",
        f"Less than {thresholds.SLOW_SHARE:.0%} of what is usual in the same hours has come from a feed, in one of"
        f" {', '.join(thresholds.SLOW_SPANS)}, and chance does not explain it. One of several senders behind the source"
        " may stand still, or a region, or a tenant. KPIs that it feeds are wrong by as much.",
        f"It wants {thresholds.SLOW_EXPECTED} usual events in the span and z ≥ {thresholds.SLOW_Z:g}. {_FIRST_WEEK}",
        (WHAT_CAME, _USUAL, _REFUSED),
        (
            "Ask the team whose system sends it which of its parts was deployed, or stands still.",
            "Compare with that system's own count of the day.",
            "If dead letters rise instead, read [DeadLettersGrowing](DeadLettersGrowing.md).",
            _LOST,
            _GONE,
        ),
    ),
}
