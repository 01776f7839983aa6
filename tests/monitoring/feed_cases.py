"""Situations of the alerts of feeds, of the freshness objective, and of the alert that always fires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from tests.monitoring.case import Case
from tests.monitoring.scenario import STREAM, TYPES, Scenario, healthy, rising

SOURCES: Final = ("sources.yml", "alerts-stream.yml")
#: Of five minutes: Prometheus looks back for no longer, and would see gaps in what stands still.
STEPS_A_DAY: Final = 288
_DAYS: Final = 8
_HOUR: Final = STEPS_A_DAY // 24


def source(
    rate: Callable[[int], float],
    *,
    complete: bool = True,
    restart: int | None = None,
    days: int = 8,
    spans: Sequence[str] = ("1h",),
) -> Scenario:
    """Return some days of a feed in steps of five minutes; the first one is a Thursday.

    Args:
        rate: Events of a step, by its number.
        complete: Whether the stream is complete.
        days: How many there are in all.
        spans: That are looked at.
        restart: At this step the worker is replaced: the counter begins anew, under another instance.
    """
    scenario = Scenario(SOURCES, days * STEPS_A_DAY, "5m", spans=spans)
    if complete:
        scenario.put("stream:complete:bool", 1)
    end = days * STEPS_A_DAY + 1
    parts = [(0, end, "a")] if restart is None else [(0, restart, "a"), (restart, end, "c")]
    for begin, stop, instance in parts:
        total, values = 0.0, [f"_x{begin}"] if begin else []
        for step in range(begin, stop):
            values.append(f"{total:g}")
            total += rate(step)
        scenario.put(
            "tenure_feed_events_total", " ".join([*values, "stale"]), instance=instance, type="cancel", source="billing"
        )
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
    scenario = Scenario(("alerts-stream.yml",), last)
    scenario.put("stream:complete:bool", f"1+0x{begin - 1} {away} 1+0x{last - end - 1}")
    values = " ".join([*map(str, counted[:begin]), away, *map(str, after)])
    scenario.put("tenure_feed_events_total", values, instance="a", type="cancel", source="billing")
    for span, hours in (("15m", 0.25), ("1h", 1), ("3h", 3), ("12h", 12), ("1d", 24), ("2d", 48)):
        scenario.put("feed:events_expected:sum", 15 * hours, type="cancel", source="billing", span=span)
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


def _on_friday(step: int, *, left: float) -> float:
    """30 events in each five minutes; from 10 o'clock on the second day on only a part of them is left."""
    return 30 * left if step >= _FRIDAY else 30


def _week(step: int) -> float:
    """30 events in each five minutes of working days, none on Saturday and Sunday, the third and the fourth day."""
    return 0 if step // STEPS_A_DAY % 7 in (2, 3) else 30


def _falls(step: int, *, at: int, left: float) -> float:
    """The same, with only a part of it left from a step on."""
    return _week(step) * (left if step >= at else 1)


def refused(a_minute: dict[str, float], *, dead: dict[str, float], minutes: int = 60) -> Scenario:
    """Return a stream with so many applied and refused events of each type, all from one source."""
    scenario = healthy(STREAM, minutes=minutes).drop("tenure_feed_events_total")
    for kind in TYPES:
        for name, rates in (("tenure_feed_events_total", a_minute), ("tenure_feed_dead_letters_total", dead)):
            labels = {"instance": "a", "type": kind, "source": "billing"}
            scenario.put(name, rising(rates.get(kind, 0), minutes), **labels)
    return scenario


def counted(late: float, *, minutes: int = 400, waits: float = 0, loading: bool = False) -> Scenario:
    """Return a stream that counts a hundred records a minute, of which so many are late in the last 100 minutes.

    Args:
        late: Records a minute.
        minutes: In all.
        waits: How long the oldest record waits in those minutes (seconds).
        loading: Whether history is loaded meanwhile.
    """
    scenario, began = healthy((*STREAM, "sources.yml"), minutes=minutes), minutes - 100
    for within, rate in (("10s", 100 - late), ("more", late)):
        before = 100 if within == "10s" else 0
        values = f"0+{before}x{began} {before * began + rate:g}+{rate:g}x99"
        scenario.put("tenure_records_counted_total", values, instance="a", within=within)
    waiting = {"instance": "a", "topic": "customer.cancel", "partition": 1}
    scenario.put("tenure_lag_seconds", [(0, 0), (began, waits)], **waiting)
    if loading:
        scenario.put("tenure_events_late_total", rising(1000, minutes), instance="a")
    return scenario


_BUSY: Final = dict.fromkeys(TYPES, 100.0)
_FRIDAY: Final = STEPS_A_DAY + 10 * _HOUR
_MONDAY: Final = 4 * STEPS_A_DAY + 8 * _HOUR
_TUESDAY: Final = 5 * STEPS_A_DAY + 10 * _HOUR
FIRE: Final = [
    Case("EventSourceQuiet", "page", "a busy source died an hour ago", partial(source, _dies, spans=("15m",)), _SOON),
    Case(
        "EventSourceQuiet",
        "page",
        "a sleepy source, silent for 14 hours",
        partial(source, _is_rare, spans=("12h",)),
        _DAYS * STEPS_A_DAY,
    ),
    Case(
        "EventSourceQuiet",
        "page",
        "died while Prometheus was away, two hours ago",
        partial(after_absence, prometheus=True, dead=True),
        390,
    ),
    Case(
        "EventSourceQuiet",
        "page",
        "in the first week of a new Prometheus",
        partial(source, partial(_on_friday, left=0), days=2, spans=("15m",)),
        _FRIDAY + _HOUR,
        (("source", "billing"),),
    ),
    Case(
        "EventSourceSlow",
        "warn",
        "60 % are lost, in the first week of a new Prometheus",
        partial(source, partial(_on_friday, left=0.4), days=2),
        _FRIDAY + 3 * _HOUR,
        (("source", "billing"), ("type", "cancel")),
    ),
    Case(
        "EventSourceSlow",
        "warn",
        "60 % are lost after the first weekend",
        partial(source, partial(_falls, at=_TUESDAY, left=0.4), days=6),
        _TUESDAY + 3 * _HOUR,
    ),
    Case(
        "EventSourceSlow",
        "warn",
        "60 % are lost on the first Monday, of whose twelve hours nothing is known yet",
        partial(source, partial(_falls, at=_MONDAY, left=0.4), days=5, spans=("1h", "12h")),
        _MONDAY + 3 * _HOUR,
    ),
    Case(
        "DeadLettersGrowing",
        "page",
        "one type is refused entirely amid much other traffic",
        partial(refused, {**_BUSY, "renewal": 0}, dead={"renewal": 2}),
        50,
        (("type", "renewal"),),
    ),
    Case(
        "DeadLettersGrowing",
        "page",
        "a sleepy type is refused entirely",
        partial(refused, {**_BUSY, "renewal": 0}, dead={"renewal": 0.05}, minutes=400),
        390,
        (("type", "renewal"),),
    ),
    Case("FreshnessBudgetBurning", "page", "a tenth of the records is late", partial(counted, 10), 390),
    Case("FreshnessBudgetBurning", "page", "records wait for two minutes", partial(counted, 0, waits=120), 390),
    Case("FreshnessBudgetBurning", "warn", "for hours of a day", partial(counted, 10, minutes=1500), 1490),
    Case("Watchdog", "none", "always", healthy, 5),
]
QUIET: Final = [
    Case("EventSourceQuiet", "page", "it has not died yet", partial(source, _dies), _DEATH - 2),
    Case(
        "EventSourceQuiet",
        "page",
        "a sleepy source, silent for two hours",
        partial(source, _is_rare, spans=("3h",)),
        _SOON + _HOUR,
    ),
    Case("EventSourceQuiet", "page", "the clocks have changed", partial(source, _office_hours), _MORNING),
    Case("EventSourceQuiet", "page", "a weekend", partial(source, _weekend), _DEATH + 7 * _HOUR),
    Case("EventSourceQuiet", "page", "our own stream is incomplete", partial(source, _dies, complete=False), _SOON),
    Case("EventSourceQuiet", "page", "a restart", partial(source, lambda _: 10, restart=_SOON - 4), _SOON),
    Case("EventSourceQuiet", "page", "Prometheus was away", partial(after_absence, prometheus=True), 273),
    Case("EventSourceQuiet", "page", "all workers were away", partial(after_absence, prometheus=False), 273),
    Case(
        "EventSourceQuiet",
        "page",
        "the first weekend of a new Prometheus",
        partial(source, _week, days=3),
        3 * STEPS_A_DAY,
    ),
    Case(
        "EventSourceQuiet",
        "page",
        "the morning after it",
        partial(source, _week, days=5),
        4 * STEPS_A_DAY + 6,
    ),
    Case(
        "EventSourceSlow",
        "warn",
        "the day after it",
        partial(source, _week, days=5),
        4 * STEPS_A_DAY + 12 * _HOUR,
    ),
    Case(
        "EventSourceSlow",
        "warn",
        "a quarter fewer",
        partial(source, partial(_on_friday, left=0.75), days=2),
        2 * STEPS_A_DAY,
    ),
    Case("EventSourceSlow", "warn", "a sleepy source, half of it", partial(source, _is_rare), _SOON + _HOUR),
    Case(
        "DeadLettersGrowing",
        "page",
        "five tests of a producer",
        partial(refused, {**_BUSY, "renewal": 0}, dead={"renewal": 0.1}),
        50,
    ),
    Case(
        "DeadLettersGrowing",
        "page",
        "one in ten of a type amid much other traffic",
        partial(refused, _BUSY, dead={"renewal": 10}),
        50,
    ),
    Case("FreshnessBudgetBurning", "page", "one record in two hundred", partial(counted, 0.5), 390),
    Case("FreshnessBudgetBurning", "page", "history is being loaded", partial(counted, 50, loading=True), 390),
    Case("FreshnessBudgetBurning", "warn", "half a minute", partial(counted, 0, minutes=1500, waits=30), 1490),
    Case("Watchdog", "page", "nobody is paged", healthy, 5),
]
