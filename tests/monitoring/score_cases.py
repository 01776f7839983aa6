"""Situations of the alerts that compare with the past: days, weeks, NPS, segments."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from monitoring import bands
from tests.monitoring.case import Case
from tests.monitoring.scenario import SCORES, Scenario, healthy, put_counts

STEADY: Final = [20] * 28
#: From the day before the last one on into the past; the last day is a Monday.
WEEKENDS: Final = [4, 4, 20, 20, 20, 20, 20] * 4
#: A company that cancels in bursts: as many as the steady one, 3 times in 4 none.
BURSTS: Final = [80, 0, 0, 0, 5, 60, 0, 0, 75, 0, 0, 0, 70, 0, 0, 0, 90, 0, 0, 80, 0, 0, 10, 0, 70, 0, 0, 20]


def days(last: int, before: Sequence[int] = STEADY, starts: Sequence[int] = (1000,) * 5) -> Scenario:
    """Return a stream with cancellations day by day, the last one first, and customers 0, 7, ... 28 days ago."""
    scenario = healthy(SCORES, minutes=6, interval="5m")
    for ago, count in enumerate([last, *before]):
        labels = {"days_ago": ago, "weeks_ago": -(-ago // 7), "weekday": ago % 7}
        scenario.put("tenure_daily_cancellations", count, instance="a", **labels)
        if ago % 7 == 0:
            scenario.put("tenure_daily_customers_at_start", starts[ago // 7], instance="a", **labels)
    return put_counts(scenario, {"customers_at_start": starts[0], "cancellations_involuntary": 3}, window="1d")


def weeks(week: tuple[int, int], month: tuple[int, int], customers: int = 1000) -> Scenario:
    """Return a stream with (cancellations, involuntary ones) of 7 and of 30 days."""
    scenario = days(20)
    for window, (everything, failed) in (("7d", week), ("30d", month)):
        counts = {"cancellations": everything, "cancellations_involuntary": failed, "customers_at_start": customers}
        put_counts(scenario, dict(counts), window=window)
    return scenario


def nps(before: tuple[int, int, int], after: tuple[int, int, int]) -> Scenario:
    """Return a stream whose promoters, passives and detractors of 7 days change after a week; steps of an hour."""
    scenario = healthy(SCORES, minutes=185, interval="1h")
    for name, early, late in zip(("promoters", "passives", "detractors"), before, after, strict=True):
        put_counts(scenario, {f"nps_{name}": [(0, early), (170, late)]}, window="7d")
    return scenario


def segments(pro: tuple[int, int], others: tuple[int, int], value: str = "pro") -> Scenario:
    """Return a stream with (lost, at the start) of a plan and of all other customers, in 30 days."""
    scenario = healthy(SCORES, minutes=6, interval="5m")
    lost, start = pro[0] + others[0], pro[1] + others[1]
    put_counts(scenario, {"customers_lost": lost, "customers_at_start": start}, window="30d")
    for name, (k, n) in ((value, pro), ("basic", others)):
        counts = {"customers_lost": k, "customers_at_start": n}
        put_counts(scenario, dict(counts), window="30d", dimension="plan", value=name)
    return scenario


def band(shift: float, *, worse: int, better: int = 0) -> Scenario:
    """Return a stream with a KPI whose last three days are so far off, with so many of them worse and better."""
    scenario = Scenario(("alerts-scores.yml",), 20).put("stream:complete:bool", 1)
    values = {bands.SHIFT: shift, bands.WORSE_DAYS: worse, bands.BETTER_DAYS: better, bands.LOW: 0.1, bands.HIGH: 0.2}
    for name, value in values.items():
        scenario.put(name, value, kpi="engagement")
    return scenario


def of_plans(lost: Sequence[int], start: int = 400, target: float = 0.03) -> Scenario:
    """Return a stream with plans of so many customers each, of which so many are lost in 30 days, and a target each."""
    scenario = healthy(SCORES, minutes=6, interval="5m")
    for number, count in enumerate(lost):
        where = {"dimension": "plan", "value": f"p{number:02}"}
        put_counts(scenario, {"customers_lost": count, "customers_at_start": start}, window="30d", **where)
        scenario.put("tenure_segment_target_ratio", target, instance="a", kpi="churn_standard", window="30d", **where)
    return scenario


def measure(odds: float, p: float, newest: float = 0) -> Scenario:
    """Return a stream with one variant of a measure; the newest customer saw it at some time (s since 1970)."""
    scenario = Scenario(("alerts-scores.yml",), 20).put("stream:complete:bool", 1)
    labels = {"measure": "tour", "variant": "long", "control": "control"}
    scenario.put("tenure_experiment_odds_ratio", odds, **labels).put("tenure_experiment_p_value", p, **labels)
    scenario.put("tenure_experiment_odds_lower_ratio", 1.2, **labels)
    scenario.put("tenure_experiment_newest_timestamp_seconds", newest, measure="tour")
    for variant, left in (("long", 40), ("control", 18)):
        scenario.put("tenure_experiment_customers", left, measure="tour", variant=variant, end="left")
    return scenario


SPIKE_FIRE: Final = [
    Case("ChurnSpike", "page", "three times the usual", partial(days, 60)),
    Case("ChurnSpike", "warn", "twice the usual", partial(days, 40)),
    Case("ChurnSpike", "page", "after one week only", partial(days, 70, starts=(1000, 1000, 0, 0, 0))),
    Case("ChurnSpike", "page", "on a weekend that is as a weekday", partial(days, 30, [20, 20, 20, 20, 20, 4, 4] * 4)),
]
SPIKE_QUIET: Final = [
    Case("ChurnSpike", "page", "twice the usual only warns", partial(days, 40)),
    Case("ChurnSpike", "warn", "a Monday after a weekend's dip", partial(days, 24, WEEKENDS)),
    Case("ChurnSpike", "warn", "four of none expected", partial(days, 4, [0] * 28)),
    Case("ChurnSpike", "warn", "no full week yet", partial(days, 60, starts=(1000, 0, 0, 0, 0))),
    Case("ChurnSpike", "warn", "a company that cancels in bursts", partial(days, 80, BURSTS)),
    Case("ChurnSpike", "warn", "a company three times its size", partial(days, 60, starts=(3000,) + (1000,) * 4)),
]
FIRE: Final = [
    *SPIKE_FIRE,
    Case("InvoluntaryChurnRising", "warn", "20 of the 25 in the last week", partial(weeks, (40, 20), (80, 25))),
    Case("VoluntaryChurnRising", "warn", "60 of the 100 in the last week", partial(weeks, (60, 0), (100, 0))),
    Case("NpsFalling", "warn", "from 0.4 to −0.4", partial(nps, (60, 20, 20), (20, 20, 60)), 180),
    Case("KpiOutOfBand", "page", "three bad days", partial(band, 5, worse=3), 8, (("kpi", "engagement"),)),
    Case("KpiOutOfBand", "warn", "two bad days", partial(band, 3.4, worse=2), 18),
    Case("KpiOutOfBand", "warn", "three days that are too good", partial(band, -5, worse=0, better=3), 18),
    Case("SegmentMissesTarget", "warn", "one of ten plans", partial(of_plans, [40, *[12] * 9]), 5, (("value", "p00"),)),
    Case("MeasureLosesCustomers", "warn", "twice the odds", partial(measure, 2, 0.03), 18, (("variant", "long"),)),
    Case("SegmentChurnDeparts", "warn", "20 % against 2 %", partial(segments, (60, 300), (34, 1700))),
]
QUIET: Final = [
    *SPIKE_QUIET,
    Case("InvoluntaryChurnRising", "warn", "only decisions rose", partial(weeks, (60, 2), (80, 10))),
    Case("InvoluntaryChurnRising", "warn", "four in all", partial(weeks, (4, 4), (4, 4))),
    Case("VoluntaryChurnRising", "warn", "only failed payments rose", partial(weeks, (40, 28), (80, 30))),
    Case("VoluntaryChurnRising", "warn", "a handful of customers", partial(weeks, (20, 0), (21, 0), 40)),
    Case("NpsFalling", "warn", "40 answers", partial(nps, (24, 8, 8), (8, 8, 24)), 180),
    Case("NpsFalling", "warn", "a little lower", partial(nps, (60, 20, 20), (55, 20, 25)), 180),
    Case("KpiOutOfBand", "page", "one odd day", partial(band, 5, worse=1), 8),
    Case("KpiOutOfBand", "page", "three days that are too good", partial(band, -5, worse=0, better=3), 8),
    Case("KpiOutOfBand", "warn", "every-day business", partial(band, 2.5, worse=3), 18),
    Case("SegmentMissesTarget", "warn", "one of forty, by chance", partial(of_plans, [20, *[12] * 39])),
    Case("SegmentMissesTarget", "warn", "3 of 20", partial(of_plans, [3], 20)),
    Case("MeasureLosesCustomers", "warn", "half the odds", partial(measure, 0.5, 0.001), 18),
    Case("MeasureLosesCustomers", "warn", "chance may do it", partial(measure, 2, 0.06), 18),
    Case("MeasureLosesCustomers", "warn", "over for eight days", partial(measure, 2, 0.001, -8 * 86_400), 18),
    Case("SegmentChurnDeparts", "warn", "as all others", partial(segments, (15, 300), (85, 1700))),
    Case("SegmentChurnDeparts", "warn", "3 of 20", partial(segments, (3, 20), (34, 1700))),
    Case(
        "SegmentChurnDeparts", "warn", "the rest that is not shown", partial(segments, (60, 300), (34, 1700), "other")
    ),
]
