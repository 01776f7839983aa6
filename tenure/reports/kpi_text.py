"""A report as tables for the terminal: the output of `tenure kpi` and `tenure replay` without --json.

Pure: a report in, something that rich prints out. Nothing here depends on colour to be understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.periods import PeriodReport
from schemas.documents.report import Events, Report, Segment, Totals, WindowReport
from schemas.wording import counted
from tenure.reports import formats
from tenure.reports.kpi_rows import (
    CHURN,
    CUSTOMER_COUNTS,
    MONEY_COUNTS,
    OPINION,
    REVENUE,
    STAYING,
    Feed,
    RatioRow,
    fraction_of,
    holds_ratio,
    unseen_feeds,
    window_words,
    without_effect,
)

_LABEL_WIDTH: Final = 20
_LEAST_CELL_WIDTH: Final = 9
_CELL_WIDTH: Final = 15
_GAP: Final = 1
"""What rich puts between the columns of a table with this box."""
_SEGMENT_WINDOW: Final = "30d"
_WHOLE_LOG: Final = "Events of the whole log:"
_WHICH_WITHOUT_EFFECT: Final = "Which ones, and of whom: tenure explain facts_without_effect"


def report_tables(
    entry: Report | PeriodReport, *, currency: str, width: int, unseen: frozenset[Feed] | None = None
) -> RenderableType:
    """Return one object of a report as tables.

    Args:
        entry: One object of a report.
        currency: The currency that MRR is counted in (ISO 4217).
        width: Columns of the terminal; windows that do not fit side by side follow below.
        unseen: Feeds that have sent nothing; None finds out from this object, which then has to have all windows.
    """
    windows = entry.windows
    if unseen is None:
        unseen = unseen_feeds(entry)
    parts: list[RenderableType] = [_heading(entry, currency)]
    for names in _chunks(list(windows), (width - _LABEL_WIDTH) // (_LEAST_CELL_WIDTH + _GAP)):
        cell_width = min(_CELL_WIDTH, (width - _LABEL_WIDTH) // len(names) - _GAP)
        page = _Page({name: windows[name] for name in names}, entry.totals, currency, cell_width, unseen)
        parts += page.tables()
    if without_effect(windows):
        parts.append(Text(_WHICH_WITHOUT_EFFECT, style="dim"))
    parts += _lens_table(windows, entry.totals)
    segments = {} if entry.segments is UNSET else entry.segments
    for dimension, values in segments.items():
        parts += [_segment_table(dimension, values, window, currency) for window in _segment_windows(windows)]
    parts.append(_footer(entry.events, width))
    return Group(*parts)


def _heading(entry: Report | PeriodReport, currency: str) -> RenderableType:
    totals = entry.totals
    text = formats.heading(entry.as_of, entry.where if isinstance(entry, Report) else UNSET)
    text.append(counted(totals.count("customers_active"), "customers"), style="bold cyan")
    text.append(f" · MRR {formats.money(totals.count('mrr'), currency)}")
    text.append(f" · per customer {formats.money(totals.at(['arpa']), currency)}")
    paused, several = totals.count("customers_paused"), totals.count("customers_with_several")
    subscriptions = totals.count("subscriptions_active")
    # Where each customer has one subscription, it says nothing.
    if paused or several or subscriptions != totals.count("customers_active"):
        text.append(f"\n{counted(subscriptions, 'subscriptions')} · {counted(several, 'customers')} with several")
        text.append(f" · {formats.count(paused)} paused")
    return text


def _chunks(names: Sequence[str], fitting: int) -> Iterator[Sequence[str]]:
    """Yield names in groups of about equal size, none larger than what fits."""
    groups = -(-len(names) // max(1, fitting))
    for group in range(groups):
        yield names[group * len(names) // groups : (group + 1) * len(names) // groups]


class _Page(NamedTuple):
    """Windows that stand side by side."""

    windows: Mapping[str, WindowReport]
    totals: Totals
    currency: str
    cell_width: int
    unseen: frozenset[Feed]

    def tables(self) -> Iterator[RenderableType]:
        yield from self._ratios("Staying", STAYING)
        yield from self._ratios("Revenue", REVENUE)
        yield from self._ratios("Opinion", OPINION)
        yield from self._counts("Customers", CUSTOMER_COUNTS, formats.count, formats.short)
        yield from self._counts(f"Money, {self.currency}", MONEY_COUNTS, self._money, self._short_money)
        yield from self._without_effect()

    def _ratios(self, title: str, rows: Sequence[RatioRow]) -> Iterator[RenderableType]:
        table = _table(title, [window_words(name) for name in self.windows], self.cell_width)
        for row in rows:
            table.add_row(row.label, *(self._ratio(row, counts) for counts in self.windows.values()))
        yield from (Text(), table)

    def _ratio(self, row: RatioRow, counts: WindowReport) -> Text:
        if row.feed in self.unseen and counts.ratios.at(row.ratio.path) is not None:
            return _absent(row.feed.value, self.cell_width)
        return _ratio_cell(row, counts, self.totals, self.currency, self.cell_width)

    def _counts(
        self, title: str, rows: Sequence[tuple[str, str]], exact: Callable[[int], str], rounded: Callable[[int], str]
    ) -> Iterator[RenderableType]:
        table = _table(title, [window_words(name) for name in self.windows], self.cell_width)
        for label, name in rows:
            numbers = [counts.count(name) for counts in self.windows.values()]
            cells = [exact(number) for number in numbers]
            if max(map(len, cells)) > self.cell_width:
                cells = [rounded(number) for number in numbers]
            table.add_row(label, *cells)
        yield from (Text(), table)

    def _without_effect(self) -> Iterator[RenderableType]:
        kinds = without_effect(self.windows)
        if kinds:
            table = _table("Facts without effect", [window_words(name) for name in self.windows], self.cell_width)
            for kind in kinds:
                table.add_row(kind.capitalize(), *(_without_effect_cell(each, kind) for each in self.windows.values()))
            yield from (Text(), table)

    def _money(self, minor: int) -> str:
        return formats.money(minor, self.currency, unit=False)

    def _short_money(self, minor: int) -> str:
        return formats.short_money(minor, self.currency, unit=False)


def _without_effect_cell(counts: WindowReport, kind: str) -> str:
    by_kind = counts.facts_without_effect
    return formats.ABSENT if isinstance(by_kind, UnsetType) else formats.count(by_kind.get(kind))


def _table(first: str, others: Sequence[str], cell_width: int) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column(first, min_width=_LABEL_WIDTH, no_wrap=True, header_style="bold")
    for name in others:
        table.add_column(name, min_width=cell_width, justify="right", no_wrap=True, header_style="bold")
    return table


def _lens_table(windows: Mapping[str, WindowReport], totals: Totals) -> Iterator[RenderableType]:
    """Yield churn with the definitions side by side, so that their difference is seen at once."""
    held = [row for row in CHURN if all(holds_ratio(counts, row) for counts in windows.values())]
    if held and windows:
        width = _CELL_WIDTH - _GAP
        table = _table("Churn, as defined by", [row.label for row in held], width)
        for name, counts in windows.items():
            table.add_row(window_words(name), *(_ratio_cell(row, counts, totals, "", width) for row in held))
        yield from (Text(), table)


def _ratio_cell(row: RatioRow, counts: WindowReport, totals: Totals, currency: str, width: int) -> Text:
    """Return the value, and below it what was divided by what, or why there is no value."""
    value = counts.ratios.at(row.ratio.path)
    if value is None:
        return _absent(row.nothing, width)
    cell = Text(row.shown(value), style="bold")
    fraction = fraction_of(counts, totals, row.ratio)
    return cell.append("\n" + _fraction(*fraction, currency if row.money else "", width), style="not bold dim")


def _absent(reasons: Sequence[str], width: int) -> Text:
    """Return a dash, and below it the first reason that fits."""
    return Text(formats.ABSENT).append("\n" + next(text for text in reasons if len(text) <= width), style="dim")


def _fraction(over: int, under: int, currency: str, width: int) -> str:
    """Return "491 / 500", rounded and closed up where it would be wider than its cell."""
    if currency:
        over_text, under_text = (formats.short_money(minor, currency, unit=False) for minor in (over, under))
    else:
        over_text, under_text = f"{over:,}", f"{under:,}"
    for text in (f"{over_text} / {under_text}", f"{over_text}/{under_text}"):
        if len(text) <= width:
            return text
    if currency:
        over_text, under_text = (formats.short_money(minor, currency, unit=False, digits=2) for minor in (over, under))
    else:
        over_text, under_text = formats.short(over, digits=2), formats.short(under, digits=2)
    return f"{over_text}/{under_text}"


def _segment_windows(windows: Mapping[str, WindowReport]) -> list[str]:
    """Return the windows that segments are shown for: those asked for, or one that stands for all."""
    names = list(windows)
    if len(names) <= 2:
        return names
    return [_SEGMENT_WINDOW if _SEGMENT_WINDOW in windows else names[len(names) // 2]]


def _segment_table(dimension: str, values: Mapping[str, Segment], window: str, currency: str) -> RenderableType:
    table = _table(f"By {dimension}, {window_words(window)}", (), 0)
    table.columns[0].max_width, table.columns[0].overflow = _LABEL_WIDTH + 2, "ellipsis"
    for heading in ("Customers", "MRR", "Retained", "Churn", "Left 7d", "Net MRR", "NPS"):
        table.add_column(heading, justify="right", no_wrap=True, header_style="bold", min_width=7)
    by_size = sorted(values.items(), key=lambda pair: (-pair[1].totals.count("customers_active"), pair[0]))
    for name, segment in by_size:
        totals, ratios = segment.totals, segment.windows[window].ratios
        table.add_row(
            name,
            formats.count(totals.count("customers_active")),
            formats.short_money(totals.count("mrr"), currency, unit=False),
            formats.percent(ratios.at(["retention"]), 1),
            formats.percent(ratios.at(["churn", "standard"]), 1),
            formats.percent(ratios.at(["dropoff_7d"]), 1),
            formats.percent(ratios.at(["net_revenue_retention"]), 1),
            formats.score(ratios.at(["nps"])),
        )
    return Group(Text(), table)


def _footer(events: Events, width: int) -> RenderableType:
    """Return what became of the events of the whole log."""
    outcomes = [
        f"{events.applied:,} applied",
        f"{events.duplicate:,} repeated",
        counted(events.test, "tests"),
        *([f"{events.forgotten:,} of forgotten customers"] if events.forgotten else []),
        counted(sum(events.dead_letters.values()), "dead letters"),
    ]
    text = Text("\n")
    text.append(formats.listed(_WHOLE_LOG, outcomes, width, between=" ·"))
    text.stylize("bold", 1, 1 + len(_WHOLE_LOG))
    if events.conflict:
        text.append(f"\nConflicts, repeated events that say something else: {events.conflict:,}")
    for title, found in (("Mended:", events.mended), ("Dead letters:", events.dead_letters)):
        parts = [f"{name} {number:,}" for name, number in _most_first(found)]
        if parts:
            text.append("\n" + formats.listed(title, parts, width))
    text.append("\n")
    return text


def _most_first(found: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return what is there at all, the most frequent first."""
    return sorted(((name, number) for name, number in found.items() if number), key=lambda pair: -pair[1])
