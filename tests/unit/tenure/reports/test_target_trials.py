"""Trials of targets: the same verdicts as the alert rules, at each midnight of the past."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import numpy as np
import pytest

from kpis.counting.rolling import Block
from schemas.catalogue.ratios import RATIO_BY_NAME
from schemas.catalogue.verdicts import is_beyond, target_in, wilson_lower
from streams.errors import UsageError
from streams.settings.settings import Settings
from streams.targets import TargetChange
from tenure.reports import target_trials
from tenure.reports.history import Past
from tenure.reports.target_trials import Tried, judged

DAY_MS = 86_400_000
CHURN = RATIO_BY_NAME["churn_standard"]


def block(lost: int, start: int, *, day: int = 0, week: int = 0) -> Block:
    """Return counts of all customers, with so many lost of so many in 30 days, in 7 and in one."""

    def counts(number: int) -> dict[str, np.ndarray]:
        found = {"customers_lost": number, "customers_at_start": start, "customers_retained": start - number}
        return {name: np.array([value]) for name, value in found.items()}

    return Block([""], {}, {"1d": counts(day), "7d": counts(week), "30d": counts(lost)}, {})


def test_lower_bound_is_that_of_wilson() -> None:
    """12 of 200 at 95 %: centre less half width, in the form of the textbook."""
    z, n, p = 1.96, 200, 12 / 200
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert wilson_lower(12, 200, z) == pytest.approx((p + z * z / (2 * n) - half) / (1 + z * z / n), abs=1e-12)


def test_value_is_beyond_a_target_only_beyond_chance() -> None:
    """Eight of 200 against 3 % is chance, 20 of 200 is not, and three of 20 never is."""
    found = [
        is_beyond(CHURN, {"customers_lost": lost, "customers_at_start": start}, 0.03, z=1.96)
        for lost, start in ((8, 200), (20, 200), (3, 20))
    ]
    assert found == [False, True, False]


def test_target_of_thirty_days_is_converted_as_the_rules_do() -> None:
    """5 % a month are 1.19 % a week; engagement has none."""
    assert target_in(CHURN, {"30d": 0.05}, "7d") == pytest.approx(1 - 0.95 ** (7 / 30))
    assert target_in(CHURN, {"30d": 0.05, "7d": 0.02}, "7d") == 0.02
    assert target_in(RATIO_BY_NAME["retention"], {"30d": 0.95}, "1d") == pytest.approx(0.95 ** (1 / 30))
    assert target_in(RATIO_BY_NAME["renewal"], {"30d": 0.9}, "7d") == 0.9
    assert target_in(RATIO_BY_NAME["engagement"], {"30d": 0.8}, "7d") is None
    assert target_in(CHURN, {}, "7d") is None


def test_runs_of_midnights_are_one_warning_each_and_pages_want_day_and_week() -> None:
    """Somebody who sets a target wants to know how often it would have called, not at how many instants."""
    bad, page, well = block(60, 1000), block(60, 1000, day=16, week=60), block(20, 1000)
    blocks = [well, bad, page, well, bad, well]
    found = judged([n * DAY_MS for n in range(6)], blocks, Tried(CHURN, "30d", 0.03), {})
    assert [(spell.first[:10], spell.midnights) for spell in found.warnings] == [("1970-01-02", 2), ("1970-01-05", 1)]
    assert [(spell.first[:10], spell.midnights) for spell in found.pages] == [("1970-01-03", 1)]
    assert (found.lowest, found.highest, found.can_page) == (0.02, 0.06, True)
    assert found.median is not None
    assert math.isclose(found.median, 0.04)


def test_plain_ratio_warns_and_never_pages() -> None:
    """No interval is known for it."""
    nps = RATIO_BY_NAME["nps"]
    names = {"nps_promoters": 20, "nps_passives": 20, "nps_detractors": 60}
    counts = {name: np.array([value]) for name, value in names.items()}
    found = judged([0], [Block([""], {}, {"30d": counts}, {})], Tried(nps, "30d", 0.1), {})
    assert (len(found.warnings), found.pages, found.can_page) == (1, [], False)


def test_segment_that_is_not_there_is_named_with_those_that_are() -> None:
    """A misspelt plan would otherwise look like one that never warns."""
    counts = {name: np.array([5, 7]) for name in ("customers_lost", "customers_at_start", "customers_retained")}
    blocks = [Block(["basic", "other"], {}, {"30d": counts}, {})]
    with pytest.raises(UsageError, match="plan has only basic, other by name"):
        judged([0], blocks, Tried(CHURN, "30d", 0.03, "plan", "pro"), {})
    with pytest.raises(UsageError, match="it is counted in 30d only"):
        judged([0], blocks, Tried(CHURN, "7d", 0.03, "plan", "basic"), {})


def test_stream_without_a_past_has_nothing_to_try() -> None:
    """A new stream is no year without warnings."""
    found = judged([], [], Tried(CHURN, "30d", 0.03), {})
    assert (found.first, found.midnights, found.warnings) == (None, 0, [])


def test_windows_that_are_not_counted_take_the_page_and_nothing_else() -> None:
    """Settings with windows of 30 and 90 days have no alert that pages, and a trial all the same."""
    one = block(60, 1000)
    found = judged([0], [one._replace(windows={"30d": one.windows["30d"]})], Tried(CHURN, "30d", 0.03), {})
    assert (len(found.warnings), found.pages, found.can_page) == (1, [], False)


def test_a_target_is_tried_beside_those_of_the_same_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan's target of seven days says nothing about when all customers would page."""
    bad = block(60, 1000, day=16, week=60)
    held = [
        TargetChange("churn_standard", "1d", 0.001, "ada", 0, "ada", 0),
        TargetChange("churn_standard", "7d", 0.9, "ada", 0, "ada", 0, dimension="plan", segment="pro"),
    ]

    async def read_past(settings: Settings, **asked: Any) -> Past:
        del settings, asked
        return Past([0], {"all": [bad]})

    async def current(settings: Settings) -> list[TargetChange]:
        del settings
        return held

    monkeypatch.setattr(target_trials, "read_past", read_past)
    monkeypatch.setattr(target_trials, "current", current)
    found = asyncio.run(target_trials.trial_of(Settings(), Tried(CHURN, "30d", 0.03), now_ms=DAY_MS))
    assert len(found.pages) == 1
