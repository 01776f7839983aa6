"""Every number that decides whether somebody is called, with its reason. Rules hold none of their own.

Who changes one runs `python -m monitoring.rules` and reads what the tests in tests/monitoring say.
Source: docs/operating.md, section Alerts.
"""

from dataclasses import dataclass
from typing import Final

from schemas.catalogue import verdicts

# -- proportions of customers against their targets

Z_WARN: Final = verdicts.Z_WARN
Z_PAGE: Final = verdicts.Z_PAGE
LEAST_LOSSES: Final = verdicts.LEAST_LOSSES
LEAST_SAMPLE: Final = verdicts.LEAST_SAMPLE
PAGE_WINDOWS: Final = verdicts.PAGE_WINDOWS
TARGET_WINDOW: Final = verdicts.TARGET_WINDOW
FALSE_DISCOVERIES: Final = verdicts.FALSE_DISCOVERIES

SEGMENT_RANKS: Final = 20
"""Segments that may be told to miss their targets by the limit of their rank; more have that of the last (count)."""

# -- lines of a year's retention

RETENTION_STANDARD: Final = 0.80
"""What most SaaS companies keep of their customers in a year."""
RETENTION_BEST: Final = 0.90
"""What the best keep."""
RETENTION_WINDOW: Final = "365d"

# -- scores

SPIKE_Z_WARN: Final = 3.0
SPIKE_Z_PAGE: Final = 4.0
"""One healthy day in 30,000 exceeds it."""
SPIKE_LEAST: Final = 5
"""Cancellations of the last day (count)."""
ANSCOMBE: Final = 0.375
"""Added below the root, so that the variance of a Poisson count is 1/4 whatever its mean is."""
RISE_Z: Final = 3.0
"""Of the last seven days' cancellations against the 23 days before them."""
NPS_FALL_Z: Final = -3.0
NPS_FALL_WINDOWS: Final = ("7d", "30d")
DEPARTURE_Z: Final = 3.0
"""Of a segment's churn against all others'."""

# -- bands

BAND_WEEKS: Final = 12
"""Weeks whose same weekdays say what is expected: fewer make the expectation itself a matter of chance (count)."""
BAND_LEAST_DAYS: Final = 28
"""Days that must be known (count)."""
BAND_Z_WARN: Final = 3.2
"""Of three days together: finds nine of ten shifts of three deviations by the end of the third day."""
BAND_Z_PAGE: Final = 4.0
"""With all KPIs of a company together at most one false page a quarter, also where days vary in a heavy-tailed way."""
BAND_EACH_DAY: Final = 1.0
BAND_LEAST_BEYOND: Final = 2
"""Days of the three that must be beyond `BAND_EACH_DAY` by themselves: one odd day is no shift (count)."""
BAND_WIDTH: Final = 3.0
"""Deviations to both sides, where a band is shown."""

# -- completeness

LAG_LIMIT_SECONDS: Final = 300
"""Numbers that are five minutes behind are shown; older ones are not."""
LAG_SUSTAINED: Final = "1m"
"""A topic that slept all night is behind for the moment of one scrape when it wakes up: it must last."""
LAG_NOT_FALLING: Final = "10m"
"""A backlog that is smaller than so long ago is being worked off: nobody needs to get up."""
OBJECTIVE: Final = 0.995
"""The share of the time in which the KPIs are complete."""
BURN_PAGES: Final = ((14.4, "1h", "5m"), (6.0, "6h", "30m"))
"""How many times too fast the objective's budget goes, over a long and a short window: a page."""
BURN_WARNINGS: Final = ((3.0, "1d", "2h"), (1.0, "3d", "6h"))
BURN_LEAST_GAPS: Final = 3
"""Gaps in the long window. One, however long, is `TenureIncomplete`'s, which must not be called about twice (count)."""
FRESH_OBJECTIVE: Final = 0.995
"""The share of the time in which what Kafka had a minute ago is in the numbers."""
FRESH_LIMIT_SECONDS: Final = 60
FRESH_SPAN: Final = "1m"
FRESH_LATE_SHARE: Final = 0.01
"""Records of that span that may be older."""
FRESH_WINDOW_DAYS: Final = 30
"""Of the budget."""
LOOK_BACK_SECONDS: Final = 300
"""For so long Prometheus shows the last sample of a series that it does not read any more (`query.lookback-delta`)."""
SEEN_SAMPLES: Final = 60
"""Instants of a span that are looked at for whether Prometheus was there, and the workers (count)."""
SEEN_LEAST: Final = 54
"""Instants of them at which they must have been: what a few minutes show says nothing of hours (count)."""

# -- backfills

BACKFILL_SPAN: Final = "3m"
BACKFILL_LATE_SHARE: Final = 0.5
"""Of the events applied; in every-day business a few per cent arrive after their hour."""
BACKFILL_LATE_EVENTS: Final = 120
"""Fewer are a slow producer (count in `BACKFILL_SPAN`)."""
BACKFILL_WATERMARK_SECONDS: Final = 2 * 86_400
"""Events are applied, and the newest of them all is older than this: history is being read."""
BACKFILL_REST: Final = "1m"
"""So long after a backfill nothing is judged yet: its last events are still on their way. With `BACKFILL_SPAN`, and the
five minutes that a page must hold, KPI pages are back ten minutes after the last event of a load."""
BACKFILL_PAUSE: Final = "30m"
"""Only after so long without old events is it over for who asks whether it ever ends: a producer that is always late
may send in batches."""
BACKFILL_EXPLAINS: Final = ("behind", "recovering", "not_counted", "withheld")
"""Causes of missing numbers that a Redis or a Kafka busy with history may make. No other one waits for its end."""

# -- measures

MEASURE_P: Final = 0.05
"""The always-valid p-value from which on a variant differs from the control; that of `kpis.population.sequential`."""
MEASURE_RUNS: Final = "7d"
"""A measure that nobody saw for the first time in so long is over: there is nothing to stop."""

# -- sources

QUIET_EXPECTED: Final = 10
"""A silence in which so many events were usual has a chance of 1 in 20,000 (count)."""
QUIET_SPANS: Final = ("15m", "1h", "3h", "12h", "1d", "2d")
"""Silences that are looked for: short ones for busy sources, long ones for sleepy ones."""
QUIET_WEEKS: Final = 4
"""Weeks whose same hours say what is usual (count)."""
QUIET_DAYS: Final = 3
"""Days whose same hours say it where Prometheus is younger than a week: Friday says it of Monday (count)."""
TIME_ZONE_HOURS: Final = 0.0
"""Hours that the business is ahead of UTC, in quarters: when its weekend and its days begin."""
QUIET_SHIFT_HOURS: Final = 1
"""The least of the hours around is taken: when the clocks change, the same hours of business move by one."""

SLOW_SPANS: Final = ("1h", "3h", "12h", "1d")
"""Spans in which a loss of most events is looked for."""
SLOW_SHARE: Final = 0.5
"""Of the usual: days of most companies vary by less, and a feed that has lost 60 % is below it."""
SLOW_EXPECTED: Final = 30
"""Events that must be usual in a span: below, chance loses half of them now and then (count)."""
SLOW_Z: Final = 4.0
REFUSED_SPANS: Final = ("30m", "6h")
"""Spans in which refusals of one type are looked for: short for busy types, long for sleepy ones."""
REFUSED_SHARE: Final = 0.5
"""Of a type's events: it is broken, and not a producer among many."""
REFUSED_LEAST: Final = 10
"""Fewer are somebody's test (count)."""

# -- producers

WITHOUT_EFFECT_SHARE: Final = 0.02
"""Of the facts of a kind in the last day: churn is off by as much, where it is cancels."""
WITHOUT_EFFECT_LEAST: Final = 10
"""Fewer are a slip of somebody's hand (count)."""
MENDED_RISE: Final = 2.0
"""Times the mean day before: what is mended every day is known."""
MENDED_LEAST: Final = 50
"""Events of the last day (count)."""
MENDED_SPAN: Final = "7d"
"""Of the days before, which must have been seen."""

# -- the machine

ADAPTER_LAG_LIMIT_SECONDS: Final = 900
"""A system that sends its records to Kafka is minutes late itself; a quarter of an hour is not its doing."""

DEAD_LETTER_PAGE_SHARE: Final = 0.05
"""One event in twenty is missing from the numbers: they are wrong by more than most targets differ."""
DEAD_LETTER_PAGE_EVENTS: Final = 50
"""Count in half an hour."""
COMMIT_CONFLICTS: Final = 20
"""Commits refused in a quarter of an hour; a rebalance makes a few (count)."""
LOSS_CAUSES: Final = ("position", "topicrecreated")
"""Causes of a halt that say that events are lost already: they page at once, for Kafka may be deleting more."""
MEMORY_SHARE: Final = 0.9
GATEWAY_FAILED_SHARE: Final = 0.05
"""Requests that were told to come again: above what a broker that restarts makes."""
GATEWAY_NOT_LET_IN_SHARE: Final = 0.5
"""Requests of a sender that were not let in: anybody may send some."""
TWINS_LASTING: Final = "30s"
"""Longer than a worker that was replaced takes to end; short, for two of a kind are never right."""
FORWARDED_SHARE: Final = 0.01
"""Records that lay on another partition than their customer's, of all applied: a producer's keys are wrong."""

# -- targets

MAIN_TARGETS: Final = (
    "churn_standard",
    "dropoff_7d",
    "onboarding",
    "renewal",
    "engagement",
    "net_revenue_retention",
    "nps",
)
"""KPIs that should have a target in `TARGET_WINDOW`: what has none is watched by nobody."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations before an alert fires, as Prometheus writes them.

    Attributes:
        page: A KPI's page, and the symptoms of the machine that nobody can overlook.
        after: The same of churn and retention, which a spike's page holds back: that must have come before, also where
            both begin to hold at once. Longer than the page by more than an interval of evaluation.
        warn: A KPI's warning; no shorter than the page.
        keep: What a KPI's alert survives without data, so that a deployment does not resolve a page.
        outlast: The same of a spike's page: it holds the target's page back, which must not call when both are over.
        glance: Faults of the machine that warn; longer than a restart.
        symptom: How long numbers may be missing before someone gets up.
        patient: What is right as long as it passes by itself.
        day: What is for the next working day.
        loading: How long history may be loaded before somebody looks whether that is what it is: meanwhile nothing is
            judged. Longer than most loads, shorter than a working day.
        bands: How often the running day of KPIs is noted; shorter than Prometheus looks back.
        sources: How often the flow of events is compared with the weeks before; that reads much.
    """

    page: str = "5m"
    after: str = "6m"
    warn: str = "15m"
    keep: str = "15m"
    outlast: str = "20m"
    glance: str = "2m"
    symptom: str = "10m"
    patient: str = "15m"
    day: str = "1h"
    loading: str = "6h"
    sources: str = "1m"
    bands: str = "2m"


SHIPPED: Final = Pace()
