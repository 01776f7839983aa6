"""Bands: a healthy year is quiet, a shift is found in time, and both by what the shipped rules say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from monitoring import bands
from monitoring.alerts.rule import Group, text_of
from tests.monitoring import band_years
from tests.monitoring.scenario import Scenario, healthy, put_counts

YEARS = 40
A_DAY = 288


def test_forty_noisy_years_make_at_most_one_false_page_a_quarter_and_hide_one_shift_in_ten() -> None:
    """All KPIs of a company together: more pages than that, and nobody reads them any more."""
    found = band_years.years(range(1, 1 + YEARS))
    assert found.pages <= 4 * YEARS, found
    assert found.found >= 0.9 * found.shifts, found
    assert found.shifts == YEARS * len(bands.BANDED)


@pytest.mark.parametrize("shift", [0.0, 5.0, -5.0])
def test_rules_and_the_recomputation_say_the_same(shift: float) -> None:
    """What is simulated must be what is shipped: three KPIs, one mirrored, on the last of three shifted days."""
    kpis = ("churn_standard", "net_revenue_retention", "engagement")
    values = band_years.days_of(7, band_years.BEFORE + 2)
    values[:, -3:] += shift * band_years.SCALE
    expected = band_years.judged(values)
    chosen = [[ratio.name for ratio in bands.BANDED].index(kpi) for kpi in kpis]
    found = band_years.by_promtool(values, kpis)
    assert found.shift.tolist() == pytest.approx(expected.shift[chosen, -1].tolist(), abs=1e-4)
    assert found.page.tolist() == expected.page[chosen, -1].tolist()
    assert found.warn.tolist() == expected.warn[chosen, -1].tolist()
    assert found.warn.any() == bool(shift)
    assert bool(np.any(found.page)) == bool(shift)


def test_day_is_the_calendar_day_and_its_band_is_written_as_the_kpi_is_counted() -> None:
    """12 of 1,000 lost until midnight and 30 of 1,000 after it: the day that is over had 12."""
    scenario = healthy(("recording.yml", "bands.yml"), minutes=A_DAY + 20, interval="5m")
    lost = [(0, 12), (A_DAY, 30)]
    put_counts(scenario, {"customers_at_start": 1000, "customers_lost": lost}, window="1d")
    day = scenario.values(f'{bands.DAY}{{kpi="churn_standard"}}', A_DAY + 10)
    assert day == {"churn_standard": pytest.approx(2 * math.asin(math.sqrt(12.375 / 1000.75)))}


def test_band_of_a_proportion_is_written_as_the_kpi_is_counted(tmp_path: Path) -> None:
    """On the scale of angles nobody reads it; what should be high is judged by its bad outcomes."""
    file = tmp_path / "shown.yml"
    file.write_text(text_of([Group("shown", [*bands.shown()])]), encoding="utf-8")
    scenario = Scenario((str(file),), 1, "1m")
    angles = {"churn_standard": 0.2, "engagement": 0.9, "net_revenue_retention": 1.02}
    for kpi, value in angles.items():
        scenario.put(bands.DAY, value, kpi=kpi).put(bands.EXPECTED, value, kpi=kpi).put(bands.DEVIATION, 0.1, kpi=kpi)

    def share(angle: float) -> float:
        return math.sin(max(angle, 0) / 2) ** 2

    expected = {
        bands.LOW: (share(-0.1), 1 - share(1.2), 0.72),
        bands.MIDDLE: (share(0.2), 1 - share(0.9), 1.02),
        bands.HIGH: (share(0.5), 1 - share(0.6), 1.32),
    }
    for name, values in expected.items():
        assert scenario.values(name, 0) == pytest.approx(dict(zip(angles, values, strict=True)))
