"""Recording rules of bands: the range in which a KPI's day is expected, by the same weekday of the weeks before.

A day is a whole calendar day of the business; it is judged once it is over. Proportions are made alike for all sizes by
the arcsine of their root. A shift is told from one bad day by three days together. Not for a KPI of stocks alone, whose
days are not independent of each other. Source: docs/alerting.md, section Bands.
"""

import math
from collections.abc import Iterator
from typing import Final

from monitoring import promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Recording
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import WINDOW_RATIOS, has_windows

BANDED: Final = tuple(ratio for ratio in WINDOW_RATIOS if has_windows(ratio))
"""The KPIs that have a band."""
NOW: Final = "band:kpi:running"
FLOOR_NOW: Final = "band:kpi:running_floor"
DAY: Final = "band:kpi:day"
FLOOR: Final = "band:kpi:floor"
HISTORY: Final = "band:kpi:history"
EXPECTED: Final = "band:kpi:expected"
WEEKS: Final = "band:kpi:weeks"
MEANS: Final = "band:kpi:weekday_mean"
COUNTS: Final = "band:kpi:weekday_count"
VARIANCE: Final = "band:kpi:variance"
DEVIATION: Final = "band:kpi:deviation"
SCORE: Final = "band:kpi:zscore"
SHIFT: Final = "band:kpi:shift"
WORSE_DAYS: Final = "band:kpi:worse_days"
BETTER_DAYS: Final = "band:kpi:better_days"
LOW: Final = "band:kpi:low"
MIDDLE: Final = "band:kpi:middle"
HIGH: Final = "band:kpi:high"
_LOOK: Final = "15m"
_DAY_SECONDS: Final = 86_400


def is_mirrored(ratio: Ratio) -> bool:
    """Return whether a higher value is a better one; proportions are judged by their bad outcomes."""
    return ratio.higher_is_better and not ratio.is_proportion


def rules() -> Iterator[Recording]:
    """Yield them in the order of evaluation."""
    for ratio in BANDED:
        value, floor = _running(ratio)
        yield Recording(NOW, value, {"kpi": ratio.name})
        yield Recording(FLOOR_NOW, floor, {"kpi": ratio.name})
    # The last sample before midnight: then the window of a day is that calendar day.
    before = f"{(60 + int(thresholds.TIME_ZONE_HOURS * 3600)) % _DAY_SECONDS}s"
    for name, now in ((DAY, NOW), (FLOOR, FLOOR_NOW)):
        yield Recording(name, f"last_over_time(({now} offset {before})[1d:1d])")
    yield from judged()
    yield from shown()


def judged() -> Iterator[Recording]:
    """Yield what the days and their floors come to: expectation, deviation, scores."""
    for ago in range(1, 7 * thresholds.BAND_WEEKS + 1):
        labels = {"days_ago": str(ago), "weekday": str(ago % 7)}
        yield Recording(HISTORY, f"last_over_time({DAY}[{_LOOK}] offset {ago}d)", labels)
    yield Recording(MEANS, f"avg by (kpi, weekday) ({HISTORY})")
    yield Recording(COUNTS, f"count by (kpi, weekday) ({HISTORY})")
    yield Recording(EXPECTED, f'sum by (kpi) ({MEANS}{{weekday="0"}})')
    yield Recording(WEEKS, f'sum by (kpi) ({COUNTS}{{weekday="0"}})')
    squares = f"sum by (kpi) (({HISTORY} - on (kpi, weekday) group_left () {MEANS}) ^ 2)"
    freedom = f"(sum by (kpi) ({COUNTS}) - 7 >= {thresholds.BAND_LEAST_DAYS - 7})"
    yield Recording(VARIANCE, f"{squares} / {freedom}")
    yield Recording(DEVIATION, f"sqrt({VARIANCE} >= {FLOOR} or {FLOOR} and {VARIANCE})")
    distance = f"({DAY} - {EXPECTED}) / ({DEVIATION} * sqrt(1 + 1 / {WEEKS}))"
    mirrored = "|".join(ratio.name for ratio in BANDED if is_mirrored(ratio))
    yield Recording(SCORE, f'{distance} unless on (kpi) {DAY}{{kpi=~"{mirrored}"}}\nor -({distance})')
    two, three = (f"last_over_time({SCORE}[{_LOOK}] offset {ago}d)" for ago in (1, 2))
    yield Recording(SHIFT, f"({SCORE} + {two} + {three}) / {promql.number(math.sqrt(3))}")
    for name, sign, side in ((WORSE_DAYS, ">=", ""), (BETTER_DAYS, "<=", "-")):
        beyond = f"{sign} bool {side}{promql.number(thresholds.BAND_EACH_DAY)}"
        yield Recording(name, f"({SCORE} {beyond}) + ({two} {beyond}) + ({three} {beyond})")


def _running(ratio: Ratio) -> tuple[str, str]:
    """Return a KPI of the running 24 hours on the scale on which it is judged, and the least variance chance gives."""
    name = f"{promql.level_of(ratio)}:{ratio.name}"
    where = f'{{{promql.ALL},window="1d"}}'
    sample = f"(sum({name}:sample{where}) >= {thresholds.LEAST_SAMPLE})"
    if ratio.is_proportion:
        return f"2 * asin(sqrt((sum({name}:losses{where}) + 0.375) / ({sample} + 0.75)))", f"1 / {sample}"
    value = f"sum({name}:ratio{where})"
    return f"{value} and on () {sample}", f"(0.001 * {value}) ^ 2 + 0.000000001 and on () {sample}"


def shown() -> Iterator[Recording]:
    """Yield the band of the last day as the KPI is counted: three deviations to both sides."""
    kinds = {
        "bad": [ratio.name for ratio in BANDED if ratio.is_proportion and not ratio.higher_is_better],
        "good": [ratio.name for ratio in BANDED if ratio.is_proportion and ratio.higher_is_better],
    }
    for name, side in ((LOW, "-"), (MIDDLE, ""), (HIGH, "+")):
        edge = f"{EXPECTED} {side} {thresholds.BAND_WIDTH:g} * {DEVIATION}" if side else EXPECTED
        other = {"-": "+", "+": "-"}.get(side, "")
        far = f"{EXPECTED} {other} {thresholds.BAND_WIDTH:g} * {DEVIATION}" if side else EXPECTED
        bad, good = (_of(edge, kinds["bad"]), _of(far, kinds["good"]))
        plain = f'{edge}\n  unless on (kpi) {DAY}{{kpi=~"{"|".join((*kinds["bad"], *kinds["good"]))}"}}'
        yield Recording(
            name,
            f"sin(clamp({bad}, 0, pi()) / 2) ^ 2\nor 1 - sin(clamp({good}, 0, pi()) / 2) ^ 2\nor ({plain})",
        )


def _of(expr: str, kpis: list[str]) -> str:
    return f'({expr}) and on (kpi) {DAY}{{kpi=~"{"|".join(kpis)}"}}'
