"""Lifetimes in the terminal: the survival curve drawn with blocks, and the figures that it is read for.

Pure: a report in, something that rich prints out. Nothing here depends on colour to be understood.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import UNSET
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.catalogue.windows import LIFETIME_DAYS
from schemas.documents.lifetime import LifetimeCurve, LifetimeReport, LifetimeShare
from schemas.wording import counted
from tenure.reports import formats
from tenure.reports.curves_text import day_scale

#: Segments that a dimension shows, the largest first.
SHOWN_VALUES: Final = 10
_HEIGHT: Final = 12
_MOST_WIDTH: Final = 110
_AXIS_WIDTH: Final = 7
_LEAST_COLUMNS: Final = 20
"""Of the curve; a terminal that is narrower shows its left part."""
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_NAME_WIDTH: Final = 24
_LEAST_NAME_WIDTH: Final = 10
_COUNT_WIDTH: Final = 6
_SHARE_WIDTH: Final = 10
#: Of all columns but the name's, with what lies between them.
_FIGURES_WIDTH: Final = 3 * (_COUNT_WIDTH + 1) + 4 * (_SHARE_WIDTH + 1)


def lifetime_tables(report: LifetimeReport, width: int) -> RenderableType:
    """Return a report as a curve and tables.

    Args:
        report: The lifetimes.
        width: Columns of the terminal.
    """
    everyone = report.all
    heading = formats.heading(report.as_of, report.where)
    heading.append(counted(everyone.episodes, "stays"), style="bold cyan")
    heading.append(f" · {everyone.deaths:,} have ended, {everyone.censored:,} go on\n")
    parts: list[RenderableType] = [heading]
    if everyone.points and everyone.longest_days:
        parts += [_chart(everyone, everyone.longest_days, min(width, _MOST_WIDTH)), Text()]
    parts.append(_figures("Days", {"all": everyone}, width))
    segments = {} if report.segments is UNSET else report.segments
    for dimension, values in segments.items():
        by_size = sorted(values.items(), key=lambda pair: (-pair[1].episodes, pair[0]))
        parts.append(_figures(f"By {dimension}", dict(by_size[:SHOWN_VALUES]), width))
        if len(by_size) > SHOWN_VALUES:
            left = len(by_size) - SHOWN_VALUES
            parts.append(Text(f"{left} smaller values of {dimension} are left out: --json has them.\n", style="dim"))
    parts.append(Text("\n".join(_remarks(everyone)), style="dim"))
    return Group(*parts)


def _chart(curve: LifetimeCurve, longest: int, width: int) -> Text:
    """Return the curve: a column of blocks for each day or so, as high as the share that stays longer."""
    columns = max(_LEAST_COLUMNS, width - _AXIS_WIDTH - 1)
    days = [point.days for point in curve.points]
    shares = [1.0, *(point.share for point in curve.points)]
    at = [shares[bisect_right(days, column * longest / (columns - 1))] for column in range(columns)]
    eighths = [_eighths(share) for share in at]
    text = Text(no_wrap=True, overflow="crop")
    text.append("share of stays that last longer\n", style="dim")
    for row in reversed(range(_HEIGHT)):
        label = f"{round(100 * (row + 1) / _HEIGHT)} %" if (row + 1) % (_HEIGHT // 2) == 0 else ""
        text.append(f"{label:>{_AXIS_WIDTH - 1}} ", style="dim")
        blank = "┄" if row + 1 == _HEIGHT // 2 else " "
        cells = [_BLOCKS[min(8, max(0, height - 8 * row))] for height in eighths]
        text.append("".join(blank if cell == " " else cell for cell in cells) + "\n", style="cyan")
    text.append(f"{'0 %':>{_AXIS_WIDTH - 1}} " + day_scale(longest, columns), style="dim")
    return text


def _eighths(share: float) -> int:
    """Return the height of a column; one that is not empty, or not full, does not look so."""
    full = 8 * _HEIGHT
    if share in (0.0, 1.0):
        return int(share) * full
    return min(full - 1, max(1, round(share * full)))


def _figures(title: str, curves: Mapping[str, LifetimeCurve], width: int) -> RenderableType:
    """Return the figures of some curves, one a row; below each share the interval that holds it at 95 %."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    name_width = max(_LEAST_NAME_WIDTH, min(_NAME_WIDTH, width - _FIGURES_WIDTH))
    table.add_column(title, no_wrap=True, width=name_width, overflow="ellipsis", header_style="bold")
    for name in ("stays", "median", "mean"):
        table.add_column(name, justify="right", no_wrap=True, min_width=_COUNT_WIDTH, header_style="bold")
    for days in LIFETIME_DAYS:
        table.add_column(f"{days} days", justify="right", no_wrap=True, min_width=_SHARE_WIDTH, header_style="bold")
    for name, curve in curves.items():
        figures = (curve.episodes, curve.median_days, curve.restricted_mean_days)
        shown = [formats.ABSENT if figure is None else formats.short(figure) for figure in figures]
        table.add_row(name, *shown, *(_share(entry) for entry in curve.survival))
    return Group(table, Text())


def _share(entry: LifetimeShare) -> Text:
    cell = Text(formats.percent(entry.share, 1), style="bold")
    if entry.low is not None and entry.high is not None:
        cell.append(f"\n{100 * entry.low:.1f}–{100 * entry.high:.1f}", style="not bold dim")
    return cell


def _remarks(curve: LifetimeCurve) -> Iterator[str]:
    """Yield what the reader has to know to read the figures right."""
    if not curve.episodes:
        yield "Nobody has signed up so far."
        return
    if curve.points[-1].share > 0:
        longest = f"{curve.longest_days:,} days"
        yield f"The mean leaves out what lies beyond the longest stay seen, {longest}: the true one is longer."
    if curve.median_days is None:
        yield "There is no median yet: more than half of the stays last on."
    unseen = [str(entry.days) for entry in curve.survival if entry.share is None]
    if unseen:
        yield f"No stay has been seen for {' or '.join(unseen)} days yet."
