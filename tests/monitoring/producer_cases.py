"""Situations of the alerts about what producers send that is applied and says nothing: no effect, or mended."""

from __future__ import annotations

from functools import partial
from typing import Final

from tests.monitoring.case import Case
from tests.monitoring.scenario import STREAM, Scenario, Track, healthy

FILES: Final = (*STREAM, "sources.yml")
#: Of five minutes.
STEPS_A_DAY: Final = 288
#: What `healthy` has of each type from both workers in a day.
SENT_A_DAY: Final = 2 * 300 * STEPS_A_DAY
_DAYS: Final = 9


def without_effect(kind: str, track: Track, *, hours: int = 30) -> Scenario:
    """Return a stream whose facts of a kind were without effect so often in the last day."""
    steps = hours * STEPS_A_DAY // 24
    labels = {"instance": "a", "window": "1d", "dimension": "all", "value": "", "kind": kind}
    return healthy(FILES, minutes=steps, interval="5m").put("tenure_facts_without_effect", track, **labels)


def loaded(kind: str, amount: int) -> Scenario:
    """Return the same after history was loaded for an hour, some hours ago."""
    # As recorded: a step of five minutes is longer than the span that a load is seen by.
    loading = f"1+0x{6 * 12 - 1} stale _x{24 * 12}"
    return without_effect(kind, amount).put("stream:backfill:bool", loading)


def mended(*a_step: int, last: int, missing_from: int | None = None) -> Scenario:
    """Return nine days in which a member is mended so often in five minutes, day by day, and `last` in the last one.

    Args:
        a_step: Of each day before the last one; one number stands for all of them.
        last: Of the last day.
        missing_from: In how many of the days Prometheus was not there yet.
    """
    days = [*(a_step if len(a_step) > 1 else a_step * (_DAYS - 1)), last]
    total, values = 0, []
    for rate in days:
        for _ in range(STEPS_A_DAY):
            values.append(str(total))
            total += rate
    young = (missing_from or 0) * STEPS_A_DAY
    scenario = Scenario(("sources.yml", "alerts-stream.yml"), len(values), "5m")
    scenario.put("stream:incomplete:bool", f"_x{young} 0+0x{len(values) - young}" if young else 0)
    kept = [f"_x{young}"] if young else []
    return scenario.put("tenure_events_mended_total", " ".join([*kept, *values[young:]]), instance="a", member="reason")


_END: Final = 30 * STEPS_A_DAY // 24 - 2
_LAST: Final = _DAYS * STEPS_A_DAY - 2
FIRE: Final = [
    Case(
        "FactsWithoutEffect",
        "warn",
        "a twentieth of the cancels",
        partial(without_effect, "cancel", SENT_A_DAY // 20),
        _END,
        (("kind", "cancel"),),
    ),
    Case(
        "FactsWithoutEffect",
        "warn",
        "a twentieth of upgrades and downgrades together",
        partial(without_effect, "change", SENT_A_DAY // 10),
        _END,
        (("kind", "change"),),
    ),
    Case("MendedMembersRising", "warn", "three times the usual", partial(mended, 10, last=30), _LAST),
    Case("MendedMembersRising", "warn", "never before", partial(mended, 0, last=5), _LAST, (("member", "reason"),)),
]
QUIET: Final = [
    Case("FactsWithoutEffect", "warn", "one in a hundred", partial(without_effect, "cancel", SENT_A_DAY // 100), _END),
    Case(
        "FactsWithoutEffect",
        "warn",
        "half an hour, until the signups are there",
        partial(without_effect, "cancel", [(0, 0), (_END - 6, SENT_A_DAY // 20)]),
        _END,
    ),
    Case(
        "FactsWithoutEffect",
        "warn",
        "Prometheus is new, and has seen a few of the day's events",
        partial(without_effect, "cancel", SENT_A_DAY // 50, hours=12),
        11 * STEPS_A_DAY // 24,
    ),
    Case("FactsWithoutEffect", "warn", "history was loaded", partial(loaded, "cancel", SENT_A_DAY // 20), _END),
    Case("MendedMembersRising", "warn", "every day as many", partial(mended, 30, last=30), _LAST),
    Case("MendedMembersRising", "warn", "a handful", partial(mended, 0, 0, 0, 0, 0, 0, 0, 0, last=0), _LAST),
    Case(
        "MendedMembersRising",
        "warn",
        "Prometheus is new, and knows no usual day",
        partial(mended, 30, last=30, missing_from=7),
        _LAST,
    ),
]
