"""Tiles of a KPI: its number with target and sample, its line over time, its table of segments.

Colours are those of the alerts: a proportion is red where its interval is beyond the target, as a warning is, and
orange where it misses the target and chance may be the reason. All other ratios warn on the plain value.
"""

from collections.abc import Sequence
from typing import Final

from monitoring.dashboards import queries
from monitoring.dashboards.frames import Arranged, Column, rows
from monitoring.dashboards.panels import BAD, CALM, FAIR, GOOD, NONE, Placed, lines, number
from monitoring.dashboards.queries import Query
from monitoring.dashboards.wording import COUNT, About, factor_of, of_ratio, unit_of
from monitoring.scores import DEPARTURE
from schemas.catalogue.formulas import Ratio
from schemas.catalogue.ratios import RATIO_BY_NAME, has_windows

STANDARD: Final = RATIO_BY_NAME["churn_standard"]
_TILE: Final = (
    "The colour is that of the target: green keeps to it, orange misses it where chance may be the reason, red misses"
    " it (a proportion: with 97.5 % certainty), blue has none in this window. Below stand the target and the sample:"
    " how many customers, answers or terms the number is about."
)
_ROW: Final = "max by (value, window)"
_TREND: Final = (
    "Each point is the window that ends then, as it was known then. Dashed: the target. The surface around a proportion"
    " is its 95 % Wilson interval."
)


def tile(ratio: Ratio, *, title: str = "", size: tuple[int, int] = (4, 5)) -> Placed:
    """Return a KPI now, in the chosen window: its value in the colour of its target, the target, the sample."""
    about = of_ratio(ratio, _TILE, title=title)
    return _tile(about, ratio, ratio.name, size)


def churn_tile(*, size: tuple[int, int] = (4, 5)) -> Placed:
    """Return the tile of customer churn by the chosen lens."""
    return _tile(of_lens(_TILE, title="Churn by the lens $lens"), STANDARD, "churn_${lens}", size)


def of_lens(*more: str, title: str) -> About:
    """Return what a panel about churn by any lens says."""
    lenses = [ratio for name, ratio in RATIO_BY_NAME.items() if name.startswith("churn_")]
    listed = "\n".join(f"- {ratio.path[-1]}: `{ratio.numerator}` / `{ratio.denominator}`" for ratio in lenses)
    runbooks = [runbook for ratio in lenses for runbook in of_ratio(ratio).runbooks]
    text = "\n\n".join(["Customers lost, by the definition that the variable *lens* chooses.", listed, *more])
    return About(title, text, unit_of(STANDARD), tuple(dict.fromkeys(runbooks)))


def _tile(about: About, ratio: Ratio, kpi: str, size: tuple[int, int]) -> Placed:
    factor = factor_of(ratio)
    everybody, on = queries.everybody(ratio), "on (window)" if has_windows(ratio) else "on ()"
    value = f"segment:{kpi}:ratio{{{everybody}}}"
    target = queries.target(kpi)
    kept, missed = (">=", "<") if ratio.higher_is_better else ("<=", ">")
    beyond = f"({value} {missed} {on} {target})"
    coloured = [
        Query(f"({value} {kept} {on} {target}){factor}", "on target", colour=GOOD),
        Query(f"({value}\nunless {on} {target}){factor}", "no target", colour=CALM),
    ]
    if ratio.is_proportion:
        side = "high" if ratio.higher_is_better else "low"
        bound = f"segment:{kpi}:wilson_{side}{{{queries.EVERYBODY}}}"
        within = f"({bound} {kept} on (window) {target})"
        coloured += [
            Query(f"({beyond}\nand on (window) {within}){factor}", "missed, may be chance", colour=FAIR),
            Query(f"({beyond}\nunless on (window) {within}){factor}", "missed", colour=BAD),
        ]
    else:
        coloured.append(Query(f"{beyond}{factor}", "missed", colour=BAD))
    sample = f"segment:{kpi}:sample{{{everybody}}}"
    beside = [Query(f"{target}{factor}", "target", colour=NONE), Query(sample, "sample", unit=COUNT, colour=NONE)]
    return number(about, *coloured, *beside, size=size, empty="no sample", decimals=1, names=True)


def line(ratio: Ratio, *more: str, title: str = "", size: tuple[int, int] = (8, 7)) -> Placed:
    """Return a KPI over time in the chosen window, with its target and its interval."""
    about = of_ratio(ratio, _TREND, *more, title=f"{title or ratio.title} over time")
    return _line(about, ratio, ratio.name, size)


def churn_line(*, size: tuple[int, int] = (8, 7)) -> Placed:
    """Return customer churn by the chosen lens over time."""
    return _line(of_lens(_TREND, title="Churn by the lens $lens over time"), STANDARD, "churn_${lens}", size)


def _line(about: About, ratio: Ratio, kpi: str, size: tuple[int, int]) -> Placed:
    factor = factor_of(ratio)
    asked = [
        Query(queries.trend(f"segment:{kpi}:ratio{{{queries.everybody(ratio)}}}") + factor, "value", colour=CALM),
        Query(queries.trend(queries.target(kpi)) + factor, "target", colour=NONE),
    ]
    band: tuple[str, ...] = ()
    if ratio.is_proportion:
        band = ("high", "low")
        asked += [
            Query(queries.trend(f"segment:{kpi}:wilson_{end}{{{queries.EVERYBODY}}}"), end, colour=CALM) for end in band
        ]
    return lines(about, *asked, size=size, dashed=["target"], band=band)


def by_window(ratio: Ratio, *, size: tuple[int, int] = (12, 8)) -> Placed:
    """Return a KPI over time in all windows."""
    more = "Short windows tell first, long ones tell surely; they are of different size by nature."
    asked = queries.trend(queries.ratio(ratio, queries.STOCK)) + factor_of(ratio)
    return lines(of_ratio(ratio, more, title=f"{ratio.title} by window"), Query(asked, "{{window}}"), size=size)


def by_value(ratio: Ratio, *, title: str = "", size: tuple[int, int] = (12, 8)) -> Placed:
    """Return a KPI over time for the chosen values of the chosen dimension."""
    more, legend = "By the values of the variable *dimension*", "{{value}}"
    asked = queries.trend(queries.ratio(ratio, queries.SEGMENT))
    if has_windows(ratio):
        asked, legend = queries.trend_of_segments(f"segment:{ratio.name}:ratio"), "{{value}} ({{window}})"
        more += (
            "; segments have fewer windows than all customers, and where they do not have the chosen one they are shown"
            f" in {queries.SEGMENT_WINDOW}"
        )
    about = of_ratio(ratio, f"{more}.", title=title or f"{ratio.title} by $dimension")
    return lines(about, Query(f"({asked}){factor_of(ratio)}", legend), size=size)


def segments(ratio: Ratio, *, size: tuple[int, int] = (12, 9), departures: bool = False) -> Placed:
    """Return a table of a KPI by the chosen values: value, interval where it is a proportion, sample.

    Args:
        ratio: The KPI.
        size: Width and height on the grid.
        departures: With the z score of churn against all other customers'.
    """
    unit, factor = unit_of(ratio), factor_of(ratio)
    named = [(f"{_of_rows(ratio, 'ratio')}{factor}", "now", unit)]
    if ratio.is_proportion:
        named += [
            (_of_rows(ratio, "losses"), _bad(ratio), COUNT),
            (_of_rows(ratio, "wilson_low"), "at least", unit),
            (_of_rows(ratio, "wilson_high"), "at most", unit),
        ]
    named.append((_of_rows(ratio, "sample"), "sample", COUNT))
    more = ["*at least* and *at most*: the 95 % Wilson interval."] if ratio.is_proportion else []
    columns = [Column(name, unit) for _, name, unit in named]
    if departures:
        named.append((f"{_ROW} ({queries.of_segments(DEPARTURE)})", "z against all others", ""))
        columns.append(Column("z against all others", "none", [(None, NONE), (2.0, FAIR), (3.0, BAD)]))
        more.append("*z*: against the churn of all other customers; from 3 on there is an alert.")
    renamed = {"value": "segment", "window": "window"}
    renamed |= {f"Value #{chr(ord('A') + place)}": name for place, (_, name, _) in enumerate(named)}
    runbooks = ("SegmentChurnDeparts",) if departures else ()
    about = of_ratio(ratio, *more, title=f"{ratio.title} by $dimension, with the sample", runbooks=runbooks)
    arranged = Arranged(renamed, columns, sort_by="now", descending=not ratio.higher_is_better)
    return rows(about, arranged, *(Query(asked, name) for asked, name, _ in named), size=size)


def _of_rows(ratio: Ratio, what: str) -> str:
    """Return a series of a ratio by segment where the ratio has a value; without its name, by which rows differ."""
    mine = f"{_ROW} ({queries.of_segments(f'segment:{ratio.name}:{what}')})"
    if what == "ratio":
        return mine
    return f"{mine}\nand on (value) ({queries.of_segments(f'segment:{ratio.name}:ratio')})"


def _bad(ratio: Ratio) -> str:
    return "missing" if ratio.higher_is_better else "lost"


def tiles_of(names: Sequence[str], *, width: int = 4) -> list[Placed]:
    """Return tiles of ratios by their names."""
    return [tile(RATIO_BY_NAME[name], size=(width, 5)) for name in names]


def lines_of(names: Sequence[str], *, width: int = 8) -> list[Placed]:
    """Return lines of ratios by their names."""
    return [line(RATIO_BY_NAME[name], size=(width, 7)) for name in names]
