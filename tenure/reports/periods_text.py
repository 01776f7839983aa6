"""Months and years in the terminal: which are over, what late events have moved since, and which events did.

Pure: what `tenure.reports.periods` returns in, something that rich prints out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.periods import ListedPeriod, Offsets, PeriodList, PeriodReport, RestatementEntry
from schemas.wording import counted
from tenure.reports import formats

#: Restatements that a period shows, the latest first.
SHOWN_RESTATEMENTS: Final = 10
#: Counts that a restatement shows.
_SHOWN_COUNTS: Final = 3
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def period_heading(entry: PeriodReport) -> Text:
    """Return what a period is: over or running, and how often it was restated."""
    text = Text(f"Period {entry.period}", style="bold")
    state = "over" if entry.closed else "running"
    text.append(f" · {state} · revision {entry.revision - _loaded(entry):,}\n", style="not bold")
    return text


def period_restated(entry: PeriodReport, currency: str) -> RenderableType:
    """Return what late events changed of one period, and the latest of them; nothing where there are none."""
    if entry.baseline is not None and entry.revision == entry.baseline.restatements:
        return Text(f"Loaded at first, until {_instant(entry.baseline.until)}; nothing has moved it since.\n")
    if not entry.revision:
        return Text("No late event has moved it since it was over.\n" if entry.closed else "")
    counts = formats.figures_table("Moved by late events", "At its end", "Now", "Change")
    for name, pair in entry.restated.items():
        then, now = pair.at_end, pair.now
        change = _shown(name, now - then, currency)
        counts.add_row(name, _shown(name, then, currency), _shown(name, now, currency), _signed(now - then, change))
    parts: list[RenderableType] = [counts] if entry.restated else []
    shown = entry.restatements[:SHOWN_RESTATEMENTS]
    parts += [Text(), _restatements(shown, currency, with_period=False)]
    older = entry.revision - len(shown)
    if older:
        parts.append(Text(f"{older:,} older ones are left out: --json has those that are kept.", style="dim"))
    return Group(*parts, Text())


def period_list(listed: PeriodList, currency: str) -> RenderableType:
    """Return the list of periods and the latest restatements."""
    if not listed.periods:
        return Text("No event is counted yet.")
    table = formats.figures_table("Period", "", "Revision", "Customers", "MRR", "Last restated, UTC")
    table.columns[1].justify = table.columns[5].justify = "left"
    for row in listed.periods:
        table.add_row(
            row.period,
            "over" if row.closed else "running",
            formats.count(row.revision - _loaded(row)),
            _then_and_now(row, "customers_active", currency),
            _then_and_now(row, "mrr", currency),
            formats.ABSENT if row.restated_at is None else _instant(row.restated_at),
        )
    parts: list[RenderableType] = [table]
    loaded = [row.baseline for row in listed.periods if row.baseline is not None]
    if loaded:
        until = _instant(max(each.until for each in loaded))
        count = counted(len(loaded), "periods")
        parts.append(Text(f"{count} were loaded at first, until {until}: that is their baseline.", style="dim"))
    if listed.restatements:
        title = Text("\nLatest restatements", style="bold")
        parts += [title, _restatements(listed.restatements, currency, with_period=True)]
    return Group(*parts)


def _loaded(row: ListedPeriod | PeriodReport) -> int:
    """Return how many of a period's restatements were its first load (count)."""
    return 0 if row.baseline is None else row.baseline.restatements


def _then_and_now(row: ListedPeriod, name: str, currency: str) -> str:
    """Return a stock as it is now, and as it was at the period's end where that differs."""
    now = _shown(name, getattr(row.totals, name), currency)
    if name not in row.restated or row.baseline is not None:
        return now
    return f"{_shown(name, row.restated[name].at_end, currency)} →\n{now}"


def _restatements(rows: Sequence[RestatementEntry], currency: str, *, with_period: bool) -> Table:
    heads = ["Period"] if with_period else []
    table = formats.figures_table(*heads, "Revision", "Arrived, UTC", "Late by", "Event", "What it changed")
    for column in table.columns[-2:]:
        column.justify, column.no_wrap, column.overflow = "left", False, "fold"
    for each in rows:
        own = [each.period] if with_period else []
        late = _duration(each.late_seconds)
        table.add_row(
            *own,
            formats.count(each.revision),
            _instant(each.arrived_at),
            late,
            _event(each),
            _changed(each, currency),
        )
    return table


def _event(each: RestatementEntry) -> str:
    lying = ", ".join(_offsets(each.offsets))
    if each.event is None:
        return f"{counted(each.events, 'events')}: {lying}"
    event = each.event
    if not event.id:
        return f"{event.type}, unnamed since somebody was forgotten"
    source = "" if event.source is None else f" from {event.source}"
    return f"{event.type} {event.id}{source} ({lying})"


def _offsets(offsets: Iterable[Offsets]) -> Iterator[str]:
    for part in offsets:
        last = "" if part.first == part.last else f" to {part.last}"
        yield f"{part.topic}/{part.partition} at {part.first}{last}"


def _changed(each: RestatementEntry, currency: str) -> str:
    """Return the counts that moved most, old and new."""
    pairs = sorted(each.counts.items(), key=lambda pair: (pair[0].startswith("mrr"), pair[0]))
    shown = [
        f"{name} {_shown(name, pair.old, currency)} → {_shown(name, pair.new, currency)}"
        for name, pair in pairs[:_SHOWN_COUNTS]
    ]
    more = len(pairs) - len(shown)
    return "; ".join([*shown, f"{more} more"] if more else shown)


def _shown(name: str, value: int, currency: str) -> str:
    return formats.money(value, currency, unit=False) if name.startswith("mrr") else formats.count(value)


def _signed(value: int, text: str) -> str:
    return f"+{text}" if value > 0 else text


def _instant(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"


def _duration(seconds: float) -> str:
    """Return a duration in its largest unit: 3.5 d."""
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
