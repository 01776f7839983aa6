"""Several survival curves in one chart of characters, and figures of churn beside each other.

Pure text; curves are told apart by their marks, so that nothing depends on colour.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from rich.text import Text

from schemas.documents.comparisons import ChurnAfter, LogRankTest
from schemas.documents.lifetime import LifetimeCurve
from tenure.reports import formats

MARKS: Final = "●○×+"
_STYLES: Final = ("green", "yellow", "red", "cyan")
_HEIGHT: Final = 14
_MOST_WIDTH: Final = 100
_AXIS_WIDTH: Final = 7
_LEAST_COLUMNS: Final = 20
#: A scale begins where the lowest curve does, rounded down to this share.
_STEP: Final = 0.1
_TICKS: Final = 4


def curves_chart(curves: Mapping[str, LifetimeCurve], longest_days: int, width: int) -> Text:
    """Return curves as marks, the higher the more stay.

    Args:
        curves: By name, no more than there are MARKS; each is drawn as far as it has been seen.
        longest_days: Where the axis of days ends.
        width: Columns of the terminal.
    """
    assert len(curves) <= len(MARKS), "there is a mark for each"
    columns = max(_LEAST_COLUMNS, min(width, _MOST_WIDTH) - _AXIS_WIDTH - 1)
    drawn = {name: _heights(curve, longest_days, columns) for name, curve in curves.items()}
    least = min((share for shares in drawn.values() for share in shares if share is not None), default=0.0)
    bottom = max(0.0, math.floor(least / _STEP - 1e-9) * _STEP)
    cells: list[list[int | None]] = [[None] * columns for _ in range(_HEIGHT)]
    for number, shares in enumerate(drawn.values()):
        for column, share in enumerate(shares):
            if share is not None:
                cells[round((share - bottom) / (1 - bottom) * (_HEIGHT - 1))][column] = number
    text = Text(no_wrap=True, overflow="crop")
    for number, name in enumerate(curves):
        text.append(f"{MARKS[number]} {name}   ", style=_STYLES[number])
    text.append("\nshare that stays longer\n", style="dim")
    for row in reversed(range(_HEIGHT)):
        share = bottom + (1 - bottom) * row / (_HEIGHT - 1)
        label = f"{100 * share:.0f} %" if row in {0, _HEIGHT // 2, _HEIGHT - 1} else ""
        text.append(f"{label:>{_AXIS_WIDTH - 1}} ", style="dim")
        for number_there in cells[row]:
            if number_there is None:
                text.append(" ")
            else:
                text.append(MARKS[number_there], style=_STYLES[number_there])
        text.append("\n")
    text.append(" " * _AXIS_WIDTH + day_scale(longest_days, columns), style="dim")
    return text


def _heights(curve: LifetimeCurve, longest_days: int, columns: int) -> list[float | None]:
    """Return the share at each column; None beyond what was seen."""
    days = [point.days for point in curve.points]
    shares = [1.0, *(point.share for point in curve.points)]
    out: list[float | None] = []
    for column in range(columns):
        at = column * longest_days / (columns - 1)
        is_seen = bool(days) and (at <= days[-1] or shares[-1] == 0)
        out.append(shares[bisect_right(days, at)] if is_seen else None)
    return out


def day_scale(longest: int, columns: int) -> str:
    """Return the days below the columns at which they are."""
    line = [" "] * columns
    for tick in range(_TICKS + 1):
        label = f"{longest * tick // _TICKS:,}" + (" days" if tick == _TICKS else "")
        at = min(columns - len(label), max(0, (columns - 1) * tick // _TICKS - len(label) // 2))
        line[at : at + len(label)] = label
    return "".join(line)


def churn_cell(churn: ChurnAfter) -> Text:
    """Return a share that has left, and below it the range that holds it."""
    cell = Text(formats.percent(churn.share, 1), style="bold")
    if churn.low is not None and churn.high is not None:
        cell.append(f"\n{100 * churn.low:.1f}–{100 * churn.high:.1f}", style="not bold dim")
    return cell


def log_rank_words(test: LogRankTest | None) -> str:
    """Return what a log-rank test says, in words."""
    if test is None:
        return "There is nothing to compare yet."
    p = "below 0.0001" if test.p < 0.0001 else f"{test.p:.4f}"
    differs = "They leave at different rates" if test.p < 0.05 else "No difference in how fast they leave is certain"
    return f"{differs} (log-rank test: p {p}, chi-squared {test.statistic:.2f} with {test.degrees} degrees of freedom)."
