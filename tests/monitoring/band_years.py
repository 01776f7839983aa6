"""Simulated years of noisy companies, judged as the rules of bands judge them.

The rules' arithmetic is written here once more, in numpy, since promtool takes a minute of CPU for a year; a test holds
it to what promtool makes of the shipped rules. `python -m tests.monitoring.band_years` prints how often healthy
companies are called, and how many planted shifts of three deviations are found within three days. The noise has a
rhythm of weekdays, slow growth, heavy tails, and memory from day to day.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring import bands
from monitoring.alerts import bands as band_alerts
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Group, Rule, text_of
from tests.monitoring.scenario import Scenario

BEFORE: Final = 7 * thresholds.BAND_WEEKS + 3
YEAR: Final = 365
RHYTHM: Final = (0.8, 0.5, 0.2, 0.0, -0.3, -1.5, -2.0)
PLANTED: Final = 3.0
WITHIN_DAYS: Final = 3
MEMORY: Final = 0.15
"""Correlation of a day with the one before it, of every third KPI."""
SCALE: Final = 0.01
LEVEL: Final = 0.4
FLOOR: Final = 1e-9
_AT_ONCE: Final = thresholds.Pace(page="0s", warn="0s", keep="1s")
_KPIS: Final = tuple(ratio.name for ratio in bands.BANDED)
_MIRRORED: Final = np.array([bands.is_mirrored(ratio) for ratio in bands.BANDED])

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Judged(NamedTuple):
    """What the rules make of days: by KPI and day."""

    shift: Floats
    page: Bools
    warn: Bools


@dataclass(frozen=True)
class Outcome:
    """What some years came to (counts).

    Attributes:
        pages: Times that a healthy company was paged, all KPIs together.
        warnings: The same of warnings.
        shifts: Shifts that were planted, one a KPI and year, half of them to the worse.
        found: Those that a warning or a page found in time.
        paged: Those that a page found in time.
        worse: Those to the worse.
    """

    pages: int
    warnings: int
    shifts: int
    found: int
    paged: int
    worse: int


def days_of(seed: int, days: int = BEFORE + YEAR) -> Floats:
    """Return the days of all KPIs of a healthy company, on the scale on which they are judged."""
    draws = np.random.default_rng(seed)
    noise = draws.standard_normal((len(_KPIS), days))
    # Every second KPI: Student's t of six degrees of freedom, of variance 1.
    noise[1::2] = draws.standard_t(6, noise[1::2].shape) / math.sqrt(1.5)
    for day in range(1, days):
        noise[::3, day] = MEMORY * noise[::3, day - 1] + math.sqrt(1 - MEMORY**2) * noise[::3, day]
    rhythm = np.array(RHYTHM)[np.arange(days) % len(RHYTHM)]
    values: Floats = LEVEL + SCALE * (rhythm + 0.002 * np.arange(days) + noise)
    return values


def judged(values: Floats) -> Judged:
    """Return what the rules say of days, as monitoring/bands.py and its alerts have it."""
    weeks, total = thresholds.BAND_WEEKS, values.shape[1]
    score = np.full(values.shape, np.nan)
    for day in range(7 * weeks, total):
        past = values[:, day - 7 * weeks : day].reshape(len(values), weeks, 7)
        means = past.mean(axis=1)
        variance = ((past - means[:, None]) ** 2).sum(axis=(1, 2)) / (7 * weeks - 7)
        score[:, day] = (values[:, day] - means[:, 0]) / np.sqrt(np.maximum(variance, FLOOR) * (1 + 1 / weeks))
    score[_MIRRORED] *= -1
    three = np.stack([np.roll(score, ago, axis=1) for ago in range(3)])
    shift = three.sum(axis=0) / math.sqrt(3)
    worse = (three >= thresholds.BAND_EACH_DAY).sum(axis=0) >= thresholds.BAND_LEAST_BEYOND
    better = (three <= -thresholds.BAND_EACH_DAY).sum(axis=0) >= thresholds.BAND_LEAST_BEYOND
    page = (shift >= thresholds.BAND_Z_PAGE) & worse
    warn = (shift >= thresholds.BAND_Z_WARN) & worse | (shift <= -thresholds.BAND_Z_WARN) & better
    return Judged(shift, page, warn)


def years(seeds: Sequence[int]) -> Outcome:
    """Return what a healthy year of each seed came to, and one with a shift in each KPI."""
    totals = np.zeros(6, np.int64)
    for seed in seeds:
        values = days_of(seed)
        well = judged(values)
        draws = np.random.default_rng((seed, 1))
        day, worse = int(draws.integers(BEFORE, BEFORE + YEAR - 10)), draws.random(len(_KPIS)) < 0.5
        direction = np.where(worse ^ _MIRRORED, 1, -1)
        shifted = values.copy()
        shifted[:, day:] += PLANTED * SCALE * direction[:, None]
        hit = judged(shifted[:, : day + WITHIN_DAYS])
        page, warn = (each[:, day:].any(axis=1) for each in (hit.page, hit.warn))
        called = [_episodes(np.asarray(each[:, BEFORE:].any(axis=0))) for each in (well.page, well.warn)]
        totals += [*called, len(_KPIS), (page | warn).sum(), page.sum(), worse.sum()]
    return Outcome(*totals.tolist())


def _episodes(called: Bools) -> int:
    """Return how often it began."""
    return int((called[1:] & ~called[:-1]).sum() + called[0])


def by_promtool(values: Floats, kpis: Sequence[str]) -> Judged:
    """Return what the real promtool makes of the last day, by the shipped rules and alerts, for some KPIs."""
    last = values.shape[1] - 1
    scenario = Scenario([], last, "1d").put("stream:complete:bool", 1)
    for kpi in kpis:
        text = " ".join(f"{value:.12g}" for value in values[_KPIS.index(kpi)])
        scenario.put(bands.DAY, text, kpi=kpi).put(bands.FLOOR, FLOOR, kpi=kpi)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bands.yml"
        rules: list[Rule] = [*bands.judged(), *band_alerts.alerts(_AT_ONCE)]
        file.write_text(text_of([Group("bands", rules)]), encoding="utf-8")
        scenario.files = [str(file)]
        shift = scenario.values(bands.SHIFT, last)
        severities = {kpi: {each.severity for each in found} for kpi, found in _firing(scenario, last).items()}
    return Judged(
        np.array([shift[kpi] for kpi in kpis]),
        np.array(["page" in severities.get(kpi, ()) for kpi in kpis]),
        np.array(["warn" in severities.get(kpi, ()) for kpi in kpis]),
    )


def _firing(scenario: Scenario, at: int) -> dict[str, list[_Found]]:
    found: dict[str, list[_Found]] = {}
    for alert in scenario.firing("KpiOutOfBand", at):
        found.setdefault(alert.labels["kpi"], []).append(_Found(alert.severity))
    return found


class _Found(NamedTuple):
    severity: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what some years came to; return 1 where they break the promise of docs/alerting.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.monitoring.band_years", description=__doc__)
    parser.add_argument("--years", type=int, default=40, help="of healthy companies, and as many with shifts")
    parser.add_argument("--seed", type=int, default=1, help="of the first year")
    chosen = parser.parse_args(arguments)
    found = years(range(chosen.seed, chosen.seed + chosen.years))
    sys.stdout.write(
        f"{chosen.years} years, {len(_KPIS)} KPIs, from seed {chosen.seed}: {found.pages / chosen.years:.2f} false"
        f" pages and {found.warnings / chosen.years:.2f} false warnings a year; {found.found / found.shifts:.1%} of"
        f" {found.shifts} shifts found within {WITHIN_DAYS} days, {found.paged} of {found.worse} to the worse by a"
        " page\n"
    )
    return int(found.pages > 4 * chosen.years or found.found < 0.9 * found.shifts)


if __name__ == "__main__":
    sys.exit(main())
