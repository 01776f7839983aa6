"""A KPI over time, with its target and its interval; by window; by the chosen values; and its table of segments."""

from typing import Any, Final

from monitoring import promql
from monitoring.alerts import thresholds
from monitoring.dashboards import queries
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, lines, ranges
from monitoring.dashboards.queries import Query, everyones, trend
from monitoring.dashboards.tiles import target_of
from monitoring.dashboards.wording import AXES, COUNT, PERCENT, About, factor_of, of_ratio, unit_of
from monitoring.phrases import SCORE_FACTOR
from monitoring.scores import DEPARTURE
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import has_windows

LONG_WINDOWS: Final = 'window=~"30d|90d|365d"'
"""Of several windows side by side: the shorter ones jump, and hide the rest."""
LEAST: Final = 20
"""Customers, answers or terms of a segment without which it has no line: one of a single customer jumps by 100 %."""
HIGH, LOW = "at most", "at least"
OTHERS_WIDTH: Final = 95
"""Of the column *than others*, whose title does not fit an equal share of a table (pixels)."""
SEGMENT_WIDTH: Final = 125
"""Of the column that names segments, in pixels, at least: its share of a narrow panel cuts "priority_support"."""
_ROW: Final = "max by (value)"
_TREND: Final = (
    "Each point is the window that ends then, as it was known then; a stretch without numbers is a gap. Dashed: the"
    " target, before Prometheus began as it is now. The surface around a proportion is its 95 % Wilson interval."
)


def line(ratio: Ratio, *more: str, title: str = "", size: tuple[int, int] = (12, 8)) -> Placed:
    """Return a KPI over time in the chosen window, with its target and its interval."""
    about = of_ratio(ratio, _TREND, *more, title=title or f"{ratio.title} over time")
    return _line(about, ratio, ratio.name, ratio.title, size)


def _line(about: About, ratio: Ratio, kpi: str, name: str, size: tuple[int, int]) -> Placed:
    factor = factor_of(ratio)
    selector = f"segment:{kpi}:ratio{{{queries.everybody(ratio)}}}"
    asked = [
        Query(everyones(trend(selector)) + factor, name, colour=CALM),
        Query(target_of(ratio, kpi, over_time=True) + factor, "target", colour=NONE),
    ]
    band: tuple[str, ...] = ()
    if ratio.is_proportion and kpi == ratio.name:
        band = (HIGH, LOW)
        asked += [Query(bound(ratio, side), end, colour=CALM) for end, side in ((HIGH, "+"), (LOW, "-"))]
    return lines(about, *asked, size=size, dashed=["target"], band=band, soft=soft_axis(ratio))


def bound(ratio: Ratio, side: str, where: str = queries.EVERYBODY) -> str:
    """Return a bound of a proportion's interval over time, of the sums that loaded history has too.

    Args:
        ratio: The proportion.
        side: `-` for the lower bound, `+` for the upper.
        where: Labels of the counts; the window falls away from those that have none.
    """
    over = {}
    for formula in (ratio.numerator, ratio.denominator):
        place = queries.STOCK if promql.is_of_stocks(formula) else where
        over[formula] = everyones(queries.trend_of(formula, place))
    return promql.wilson(over[ratio.numerator], over[ratio.denominator], thresholds.Z_WARN, side=side)


def soft_axis(ratio: Ratio) -> tuple[float, float] | None:
    """Return the least range of a KPI's axis, in the unit that it is shown in."""
    low, high = AXES[ratio.name]
    if low == high:
        return None
    scale = SCORE_FACTOR if ratio.is_score else 1
    return low * scale, high * scale


def by_window(ratio: Ratio, *, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return a KPI over time in the long windows."""
    more = "Short windows tell first, long ones tell surely; they are of different size by nature."
    asked = f"max by (window) ({trend(queries.ratio(ratio, f'{queries.STOCK},{LONG_WINDOWS}'))}){factor_of(ratio)}"
    about = of_ratio(ratio, more, title=f"{ratio.title} by window")
    return lines(about, Query(asked, "{{window}}"), size=size, soft=soft_axis(ratio))


def by_value(ratio: Ratio, *, title: str = "", size: tuple[int, int] = (12, 8)) -> Placed:
    """Return a KPI over time for the chosen values of the chosen dimension."""
    more = "By the values of the variable *dimension*"
    if has_windows(ratio):
        asked = queries.trend_of_segments(f"segment:{ratio.name}:ratio", _enough(ratio))
        more += (
            "; segments have fewer windows than all customers, and where they do not have the chosen one they are shown"
            f" in {queries.SEGMENT_WINDOW}. Left out: values with fewer than {LEAST} to speak of in"
            f" {queries.SEGMENT_WINDOW}"
        )
    else:
        asked = queries.each_value(trend(queries.ratio(ratio, queries.SEGMENT)))
    about = of_ratio(ratio, f"{more}.", title=title or f"{ratio.title} by $dimension")
    return lines(
        about, Query(f"({asked}){factor_of(ratio)}", "{{value}}"), size=size, values=True, soft=soft_axis(ratio)
    )


def _enough(ratio: Ratio) -> str:
    """Return over time which values of the dimension have enough customers, answers or terms for a line."""
    where = f'{queries.SEGMENT},window="{queries.SEGMENT_WINDOW}"'
    if promql.is_of_money(ratio.denominator):
        sample = trend(queries.count("customers_at_start", where))
    else:
        place = queries.SEGMENT if promql.is_of_stocks(ratio.denominator) else where
        sample = queries.trend_of(ratio.denominator, place)
    return f"max by (value) ({sample}) >= {LEAST}"


def segments(ratio: Ratio, *, size: tuple[int, int] = (12, 8), departures: bool = False) -> Placed:
    """Return a table of a KPI by the chosen values: value, interval where it is a proportion, sample.

    Args:
        ratio: The KPI.
        size: Width and height on the grid.
        departures: With each segment's share of all losses, and whether its churn departs from the others'.
    """
    unit, factor = unit_of(ratio), factor_of(ratio)
    named = [(queries.or_withheld(f"{_of_rows(ratio, 'ratio')}{factor}", "value"), "now", unit)]
    if ratio.is_proportion:
        named += [
            (f"clamp({_of_rows(ratio, 'wilson_low')}, 0, 1)", LOW, unit),
            (f"clamp({_of_rows(ratio, 'wilson_high')}, 0, 1)", HIGH, unit),
        ]
    named.append((_of_rows(ratio, "sample"), "of", COUNT))
    more = [f"*{LOW}* and *{HIGH}*: the 95 % Wilson interval."] if ratio.is_proportion else []
    columns = [Column("segment", least=SEGMENT_WIDTH)]
    columns += [Column(name, each, decimals=0 if each == COUNT else 1) for _, name, each in named]
    if departures:
        named += [
            (_share_of_losses(), "of losses", PERCENT),
            (f"{_ROW} ({queries.of_segments(DEPARTURE)})", "than others", ""),
        ]
        columns += [
            Column("of losses", PERCENT, decimals=0),
            Column("than others", least=OTHERS_WIDTH, mappings=_than_others()),
        ]
        more.append(
            "*of losses*: the segment's share of the customers lost. *than others*: whether its churn is"
            f" higher than that of all other customers by more than chance: perhaps from {thresholds.Z_WARN:g} standard"
            f" errors on, *higher* from {thresholds.DEPARTURE_Z:g} on, where there is an alert."
        )
    renamed = {"value": "segment"}
    renamed |= {f"Value #{chr(ord('A') + place)}": name for place, (_, name, _) in enumerate(named)}
    runbooks = ("SegmentChurnDeparts", "SegmentMissesTarget") if departures else ()
    about = of_ratio(ratio, _WINDOW, *more, title=f"{ratio.title} by $dimension, with sample", runbooks=runbooks)
    arranged = Arranged(renamed, columns, sort_by="now", descending=not ratio.higher_is_better)
    asked = [each if place == 0 else f"({each}){queries.NOT_WITHHELD}" for place, (each, _, _) in enumerate(named)]
    shown = (Query(each, name) for each, (_, name, _) in zip(asked, named, strict=True))
    return rows(about, arranged, *shown, size=size)


def _than_others() -> list[Any]:
    """Return the words for how many standard errors a segment's churn is above that of all others."""
    perhaps, surely = thresholds.Z_WARN, thresholds.DEPARTURE_Z
    said = [
        (None, -perhaps, "lower", GOOD),
        (-perhaps, perhaps, "no different", NONE),
        (perhaps, surely, "perhaps higher", FAIR),
        (surely, None, "higher", BAD),
    ]
    return ranges(said)


_WINDOW: Final = f"Of the chosen window, or of {queries.SEGMENT_WINDOW} where segments are not counted in it."


def _of_rows(ratio: Ratio, what: str) -> str:
    """Return a series of a ratio by segment where the ratio has a value; without its name, by which rows differ."""
    mine = f"{_ROW} ({queries.of_segments(f'segment:{ratio.name}:{what}')})"
    if what == "ratio":
        return mine
    return f"{mine}\nand on (value) ({queries.of_segments(f'segment:{ratio.name}:ratio')})"


def _share_of_losses() -> str:
    """Return each segment's share of all customers lost."""
    name = promql.recorded("segment", "customers_lost")
    everybody = f"(sum by (window) ({name}{{{promql.ALL}}}) > 0)"
    return f"{_ROW} (({queries.of_segments(name)}) / on (window) group_left () {everybody})"
