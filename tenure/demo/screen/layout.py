"""Layout of the live screen, from 60 columns and 20 lines on.

Pure: a view and the history of its numbers in, something that rich draws out. Colour repeats what signs and words say.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET
from rich.box import ROUNDED
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas.catalogue.lenses import Lens
from tenure.demo.screen.topics import BY_SEGMENT, LINES, OTHERS, ScreenTopic, ratio
from tenure.reports import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from schemas.documents.report import Report
    from tenure.demo.screen.history import ShownHistory
    from tenure.demo.screen.view import DemoView

LOOK_BACK: Final = timedelta(days=7)
TILES_IN_A_ROW: Final = 4
_LEAST_WIDTH: Final = 60
_NOTEWORTHY_LINES: Final = 3
_TOPIC_WIDTH: Final = 40
_FIXED_LINES: Final = 1 + 2 * 4 + 2 + 3
"""The heading, two rows of tiles, the frame of the plans, and the stream's health."""


class Tile(NamedTuple):
    """One number that the screen follows.

    Attributes:
        name: Its key in the history.
        title: At most 15 characters.
        read: Reads it from a report.
        shown: How it is written, given the currency.
        change_shown: How a difference is written, without its sign, given the currency.
        good: 1 where more is better, -1 where less is, 0 where neither.
    """

    name: str
    title: str
    read: Callable[[Report], float | None]
    shown: Callable[[float | None, str], str]
    change_shown: Callable[[float, str], str]
    good: int


def _total(name: str, report: Report) -> float | None:
    return report.totals.count(name)


def _percent(value: float | None, _currency: str) -> str:
    return formats.percent(value, 1)


def _points(value: float, _currency: str) -> str:
    return f"{abs(100 * value):.1f} pt"


def _whole(value: float | None, _currency: str) -> str:
    return formats.ABSENT if value is None else f"{abs(value):,.0f}"


def _percent_tile(name: str, title: str, path: tuple[str, ...], good: int) -> Tile:
    return Tile(name, title, partial(ratio, path), _percent, _points, good)


TILES: Final = (
    Tile("customers", "Customers", partial(_total, "customers_active"), _whole, _whole, 1),
    _percent_tile("retention", "Retention 30d", ("retention",), 1),
    _percent_tile("churn", "Churn 30d", ("churn", "standard"), -1),
    _percent_tile("dropoff", "Left in 7 days", ("dropoff_7d",), -1),
    Tile("mrr", "MRR", partial(_total, "mrr"), formats.short_money, formats.short_money, 1),
    _percent_tile("nrr", "Net MRR 30d", ("net_revenue_retention",), 1),
    Tile(
        "nps",
        "NPS 30d",
        partial(ratio, ("nps",)),
        lambda value, _currency: formats.score(value),
        _points,
        1,
    ),
    Tile(
        "quick",
        "Quick ratio",
        partial(ratio, ("quick_ratio",)),
        lambda value, _currency: formats.times(value),
        lambda value, _currency: f"{abs(value):.2f}",
        1,
    ),
)

SHOWN_VALUES: Final = {tile.name: tile.read for tile in TILES}


def demo_screen(
    view: DemoView, history: ShownHistory, *, currency: str, width: int, height: int, turn: int = 0
) -> RenderableType:
    """Return the whole screen.

    Args:
        view: What to show.
        history: The course of the numbers, this view's among them.
        currency: The currency that MRR is counted in (ISO 4217).
        width: Columns that there are.
        height: Lines that there are; the noteworthy and the smallest plans give way first.
        turn: Topics that do not fit take turns: which one it is.
    """
    width = max(width, _LEAST_WIDTH)
    left = height - _FIXED_LINES
    side_by_side = min(len(OTHERS), width // _TOPIC_WIDTH)
    rows = min(-(-len(OTHERS) // side_by_side), max(0, left - LINES - _NOTEWORTHY_LINES) // (LINES + 2))
    left -= rows * (LINES + 2)
    plans = 0 if view.report.segments is UNSET else len(view.report.segments.get("plan", {}))
    middle = max(LINES, min(plans + 1, left - _NOTEWORTHY_LINES))
    notable = max(0, min(_NOTEWORTHY_LINES, left - middle))
    in_turn = [*BY_SEGMENT, *OTHERS[rows * side_by_side :]]
    parts: list[RenderableType] = [_heading(view, width)]
    parts += _tile_rows(view, history, currency, width)
    parts.append(_middle(in_turn[turn % len(in_turn)], view, currency, width, middle))
    for first in range(0, rows * side_by_side, side_by_side):
        parts.append(_topics(OTHERS[first : first + side_by_side], view, currency, width // side_by_side))
    if notable:
        parts.append(_noteworthy(view, notable))
    parts.append(_health(view))
    return Group(*parts)


def _heading(view: DemoView, width: int) -> RenderableType:
    left = Text(" Tenure", style="bold cyan").append("  a simulated SaaS company", style="dim not bold")
    days = view.speed / 86_400
    pace = f"{days:,.3g} d/s" if days >= 0.1 else f"{view.speed:,.0f}x"
    right = Text(f"{view.simulated_now:%a %Y-%m-%d %H:%M}", style="bold").append(f"  at {pace} ", style="dim not bold")
    gap = max(1, width - left.cell_len - right.cell_len)
    return Text.assemble(left, " " * gap, right, no_wrap=True, overflow="ellipsis")


def _tile_rows(view: DemoView, history: ShownHistory, currency: str, width: int) -> Iterator[RenderableType]:
    for first in range(0, len(TILES), TILES_IN_A_ROW):
        row = TILES[first : first + TILES_IN_A_ROW]
        grid = Table.grid(expand=False, padding=0)
        cells: list[RenderableType] = []
        for n, tile in enumerate(row):
            cell_width = (n + 1) * width // len(row) - n * width // len(row)
            grid.add_column(width=cell_width)
            cells.append(_tile(tile, view, history, currency, cell_width))
        grid.add_row(*cells)
        yield grid


def _tile(tile: Tile, view: DemoView, history: ShownHistory, currency: str, width: int) -> RenderableType:
    inner = width - 4
    value = Text(tile.shown(tile.read(view.report), currency), style="bold")
    change = _change(tile, history, currency)
    gap = inner - value.cell_len - change.cell_len
    first = Text.assemble(value, " " * gap, change) if gap > 0 else value
    course = Text(formats.sparkline(history.course(tile.name), inner), style="cyan")
    title = Text(tile.title, style="bold")
    return Panel(Group(first, course), title=title, title_align="left", box=ROUNDED, border_style="dim", width=width)


def _change(tile: Tile, history: ShownHistory, currency: str) -> Text:
    """Return how the number moved in the last seven days: a sign, and its colour where it is good or bad."""
    change = history.change(tile.name, LOOK_BACK)
    if change is None:
        return Text()
    shown = tile.change_shown(change[0], currency).removeprefix(f"{currency} ").removeprefix("-")
    if not any(digit in shown for digit in "123456789"):
        return Text("=", style="dim")
    style = "" if not tile.good else "green" if change[0] * tile.good > 0 else "red"
    return Text(("▲" if change[0] > 0 else "▼") + shown, style=style)


def _middle(topic: ScreenTopic, view: DemoView, currency: str, width: int, lines: int) -> RenderableType:
    """Return a topic, the plans at first, and beside it churn under its four definitions."""
    lenses_width = 27
    grid = Table.grid(expand=False, padding=0)
    grid.add_column(width=width - lenses_width)
    grid.add_column(width=lenses_width)
    drawn = topic.drawn(view, currency, width - lenses_width - 4, lines)
    grid.add_row(_framed(drawn, topic.title, lines), _framed(_lenses(view), "Churn 30d, defined by", lines))
    return grid


def _topics(topics: Sequence[ScreenTopic], view: DemoView, currency: str, width: int) -> RenderableType:
    grid = Table.grid(expand=False, padding=0)
    for _ in topics:
        grid.add_column(width=width)
    grid.add_row(*(_framed(topic.drawn(view, currency, width - 4, LINES), topic.title, LINES) for topic in topics))
    return grid


def _framed(content: RenderableType, title: str, lines: int) -> RenderableType:
    return Panel(content, title=Text(title, style="bold"), title_align="left", border_style="dim", height=lines + 2)


def _lenses(view: DemoView) -> RenderableType:
    """Return churn under its four definitions, and what customers say."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=13)
    table.add_column(justify="right", no_wrap=True, width=8)
    for lens in Lens:
        share = formats.percent(ratio(("churn", lens.value), view.report))
        table.add_row(lens.value, Text(share, style="bold"))
    table.add_row(Text("CSAT", style="dim"), _percent(ratio(("csat",), view.report), ""))
    table.add_row(Text("survey reply", style="dim"), _percent(ratio(("survey_response",), view.report), ""))
    return table


def _noteworthy(view: DemoView, lines: int) -> RenderableType:
    text = Text(no_wrap=True, overflow="ellipsis")
    for notice in list(view.notices)[-lines:]:
        text.append(f" {notice.at:%Y-%m-%d}  ", style="dim")
        text.append(
            f"! {notice.text}\n" if notice.warning else f"  {notice.text}\n", style="yellow" if notice.warning else ""
        )
    text.append("\n" * max(0, lines - len(view.notices)))
    text.right_crop(1)
    return text


def _health(view: DemoView) -> RenderableType:
    health = view.health
    dead = sum(health.dead_letters.values())
    commit = formats.ABSENT if health.commit_ms is None else f"{health.commit_ms:.1f} ms"
    broken = f"{health.identities_violated:,} identities violated"
    first = [
        f"{health.applied:,} events",
        f"{view.events_per_second:,.0f}/s",
        f"lag {health.lag_records:,}",
        f"commit {commit}",
    ]
    second = [f"{health.duplicates:,} repeated", f"{health.late:,} late", f"{dead:,} dead letters"]
    line = Text(" ").append(" · ".join(first), style="bold").append("\n ")
    line.append(" · ".join(second) + " · ")
    line.append(broken, style="green" if not health.identities_violated else "bold red reverse")
    line.append("\n ")
    line.append(f"metrics at {view.metrics_url}" if view.metrics_url else "metrics are not served", style="dim")
    line.append(" · ▲▼ since 7 days ago · Ctrl-C ends", style="dim")
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def demo_line(view: DemoView, *, currency: str) -> str:
    """Return the view as one line of plain text.

    Args:
        view: What to show.
        currency: The currency that MRR is counted in (ISO 4217).
    """
    health = view.health
    parts: Sequence[str] = (
        f"{view.simulated_now:%Y-%m-%d %H:%M}",
        *(f"{tile.title} {tile.shown(tile.read(view.report), currency)}" for tile in TILES),
        f"events {health.applied:,} ({view.events_per_second:,.0f}/s)",
        f"repeated {health.duplicates:,}",
        f"late {health.late:,}",
        f"dead letters {sum(health.dead_letters.values()):,}",
        f"identities violated {health.identities_violated:,}",
    )
    return "  ".join(parts)


def topic_lines(view: DemoView, *, currency: str) -> list[str]:
    """Return what stands beside the tiles, a line a topic; arguments are those of `demo_line`."""
    return [f"{topic.title}: {topic.said(view, currency)}" for topic in (*BY_SEGMENT, *OTHERS)]
