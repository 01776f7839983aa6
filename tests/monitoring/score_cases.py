"""Situations of the alerts that compare with the past: days, weeks, NPS, segments, sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tests.monitoring.case import Case
from tests.monitoring.scenario import SCORES, Scenario, healthy, put_counts

STEADY: Final = [20] * 28
#: From the day before the last one on into the past; the last day is a Monday.
WEEKENDS: Final = [4, 4, 20, 20, 20, 20, 20] * 4
#: A company that cancels in bursts: as many as the steady one, 3 times in 4 none.
BURSTS: Final = [80, 0, 0, 0, 5, 60, 0, 0, 75, 0, 0, 0, 70, 0, 0, 0, 90, 0, 0, 80, 0, 0, 10, 0, 70, 0, 0, 20]
SOURCES: Final = ("sources.yml", "alerts-scores.yml")
#: Of five minutes: Prometheus looks back for no longer, and would see gaps in what stands still.
STEPS_A_DAY: Final = 288
_DAYS: Final = 8
_HOUR: Final = STEPS_A_DAY // 24


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


def source(rate: Callable[[int], float], *, complete: bool = True, restart: int | None = None) -> Scenario:
    """Return eight days of a counter in steps of five minutes.

    Args:
        rate: Events of a step, by its number.
        complete: Whether the stream is complete.
        restart: At this step the worker is replaced: the counter begins anew, under another instance.
    """
    scenario = Scenario(SOURCES, _DAYS * STEPS_A_DAY, "5m")
    if complete:
        scenario.put("stream:complete:bool", 1)
    end = _DAYS * STEPS_A_DAY + 1
    parts = [(0, end, "a")] if restart is None else [(0, restart, "a"), (restart, end, "c")]
    for begin, stop, instance in parts:
        total, values = 0.0, [f"_x{begin}"] if begin else []
        for step in range(begin, stop):
            values.append(f"{total:g}")
            total += rate(step)
        scenario.put("tenure_events_applied_total", " ".join([*values, "stale"]), instance=instance, type="cancel")
    return scenario


def after_absence(*, prometheus: bool, dead: bool = False) -> Scenario:
    """Return a source with an event in four minutes, and 70 minutes without a sample that end in the 270th.

    The next event comes after four more minutes.

    Args:
        prometheus: Whether it was away, else all workers: then Prometheus knows that nothing was there.
        dead: Whether the source sends nothing after that.
    """
    begin, end, last = 200, 270, 400
    away = f"_x{end - begin}" if prometheus else f"stale _x{end - begin - 1}"
    counted = [(minute + 2) // 4 for minute in range(last)]
    after = [counted[end]] * (last - end) if dead else counted[end:]
    scenario = Scenario(("alerts-scores.yml",), last)
    scenario.put("stream:complete:bool", f"1+0x{begin - 1} {away} 1+0x{last - end - 1}")
    values = " ".join([*map(str, counted[:begin]), away, *map(str, after)])
    scenario.put("tenure_events_applied_total", values, instance="a", type="cancel")
    for span, hours in (("15m", 0.25), ("1h", 1), ("3h", 3), ("12h", 12), ("1d", 24), ("2d", 48)):
        scenario.put("type:events_expected:sum", 15 * hours, type="cancel", span=span)
    return scenario


def _dies(step: int) -> float:
    return 10 if step < _DEATH else 0


def _is_rare(step: int) -> float:
    return float(step % 10 == 0) if step < _DEATH else 0


def _office_hours(step: int) -> float:
    """10 events in each five minutes from 8 to 18; on the eighth day the clocks have changed, and it is 9 to 19."""
    shift = _HOUR if step >= 7 * STEPS_A_DAY else 0
    return 10 if 8 * _HOUR <= (step - shift) % STEPS_A_DAY < 18 * _HOUR else 0


def _weekend(step: int) -> float:
    """No event on the weekend, which is the first and the eighth day."""
    return 10 if step % (7 * STEPS_A_DAY) >= STEPS_A_DAY else 0


_DEATH: Final = 7 * STEPS_A_DAY + 10 * _HOUR
_SOON: Final = _DEATH + _HOUR
_MORNING: Final = 7 * STEPS_A_DAY + 9 * _HOUR - 2  # 8:50, when work had begun a week ago

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
    Case("SegmentChurnDeparts", "warn", "20 % against 2 %", partial(segments, (60, 300), (34, 1700))),
    Case("EventSourceQuiet", "page", "a busy source died an hour ago", partial(source, _dies), _SOON),
    Case(
        "EventSourceQuiet",
        "page",
        "a sleepy source, silent for 14 hours",
        partial(source, _is_rare),
        _DAYS * STEPS_A_DAY,
    ),
    Case(
        "EventSourceQuiet",
        "page",
        "died while Prometheus was away, two hours ago",
        partial(after_absence, prometheus=True, dead=True),
        390,
    ),
]
QUIET: Final = [
    *SPIKE_QUIET,
    Case("InvoluntaryChurnRising", "warn", "only decisions rose", partial(weeks, (60, 2), (80, 10))),
    Case("InvoluntaryChurnRising", "warn", "four in all", partial(weeks, (4, 4), (4, 4))),
    Case("VoluntaryChurnRising", "warn", "only failed payments rose", partial(weeks, (40, 28), (80, 30))),
    Case("VoluntaryChurnRising", "warn", "a handful of customers", partial(weeks, (20, 0), (21, 0), 40)),
    Case("NpsFalling", "warn", "40 answers", partial(nps, (24, 8, 8), (8, 8, 24)), 180),
    Case("NpsFalling", "warn", "a little lower", partial(nps, (60, 20, 20), (55, 20, 25)), 180),
    Case("SegmentChurnDeparts", "warn", "as all others", partial(segments, (15, 300), (85, 1700))),
    Case("SegmentChurnDeparts", "warn", "3 of 20", partial(segments, (3, 20), (34, 1700))),
    Case(
        "SegmentChurnDeparts", "warn", "the rest that is not shown", partial(segments, (60, 300), (34, 1700), "other")
    ),
    Case("EventSourceQuiet", "page", "it has not died yet", partial(source, _dies), _DEATH - 2),
    Case("EventSourceQuiet", "page", "a sleepy source, silent for two hours", partial(source, _is_rare), _SOON + _HOUR),
    Case("EventSourceQuiet", "page", "the clocks have changed", partial(source, _office_hours), _MORNING),
    Case("EventSourceQuiet", "page", "a weekend", partial(source, _weekend), _DEATH + 7 * _HOUR),
    Case("EventSourceQuiet", "page", "our own stream is incomplete", partial(source, _dies, complete=False), _SOON),
    Case("EventSourceQuiet", "page", "a restart", partial(source, lambda _: 10, restart=_SOON - 4), _SOON),
    Case("EventSourceQuiet", "page", "Prometheus was away", partial(after_absence, prometheus=True), 273),
    Case("EventSourceQuiet", "page", "all workers were away", partial(after_absence, prometheus=False), 273),
]
