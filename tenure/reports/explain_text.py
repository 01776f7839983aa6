"""Explanations in the terminal: the number, its members with their events, and who nearly was one.

Pure: what `tenure.reports.explain` returns in, something that rich prints out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.documents.explanation import (
    ExplainedCustomer,
    ExplainedEvent,
    ExplainedPart,
    Explanation,
    ForgottenShare,
    LensComparison,
    LensRatio,
)
from schemas.wording import counted
from tenure.reports import formats

#: What the lenses differ in, in words, and the lenses that count it.
DIFFERENCES: Final = {
    "returned": "cancelled and came back inside the window: standard leaves them out, all others count each",
    "repeated": "cancelled more than once: standard counts the customer once, the others count each time",
    "of_new": "cancelled though not active at the start: only stripe and baremetrics count them",
}
NOBODY: Final = ForgottenShare(customers=0, amount=0, near=0)
_WIDTH: Final = 100
"""What a line has at most, its end included, where it can be had in two (characters)."""
_SOURCES_SHOWN: Final = 8
_COUNTED: Final = {
    "standard": "who was there at the start and is gone at the end",
    "stripe": "every cancellation; new customers are in the denominator too",
    "baremetrics": "every cancellation, over those of the start",
    "profitwell": "every cancellation by customers of the start",
}


def explanation_text(explanation: Explanation) -> RenderableType:
    """Return an explanation as text."""
    out = _heading(explanation, explanation.kpi)
    out.append(formats.only_where(explanation.where))
    if explanation.value is not UNSET:
        value = explanation.value
        out.append(f"value: {'absent, the denominator is 0' if value is None else f'{value:.6g}'}\n")
    for part in explanation.parts:
        _part(out, part)
    return out


def _heading(answer: Explanation | LensComparison, title: str) -> Text:
    out = Text()
    out.append(title, style="bold")
    segment = f", {answer.dimension} {answer.segment}" if answer.segment is not None else ""
    if answer.window is None:
        out.append(f" as of {answer.as_of}{segment}\n")
    else:
        out.append(f", {answer.window}: from {answer.start} up to {answer.as_of}{segment}\n")
    return out


def _part(out: Text, part: ExplainedPart) -> None:
    sign = "−" if part.sign < 0 else ""
    side = "" if part.side == "count" else f"{part.side}: "
    out.append(f"\n{side}{sign}{part.count} = {counted(part.sum, part.unit)}", style="bold")
    out.append(f", from {counted(part.customers, 'customers')}")
    out.append(" (the counters say the same)\n" if part.agrees else f" BUT THE COUNTERS SAY {part.counted:,}\n")
    if list(part.by_value) not in ([], [""]):
        out.append("  " + ", ".join(f"{value} {amount:,}" for value, amount in part.by_value.items()) + "\n")
    _sources(out, part.members)
    gone = part.forgotten or NOBODY
    _members(out, part.members, part.customers - gone.customers, sign="+")
    _forgotten(out, gone.customers, f"+{gone.amount:,}")
    if part.near:
        out.append(f"  not counted, though close: {counted(part.near, 'customers')}\n", style="dim")
        _members(out, part.near_misses, part.near - gone.near, sign="")
        _forgotten(out, gone.near, "not")


def _sources(out: Text, members: Sequence[ExplainedCustomer]) -> None:
    """Add how many events are of each source, the most first: of the members that are shown, whose records are read."""
    events = [event for member in members for reason in member.reasons for event in reason.events]
    source_of = {(each.topic, each.partition, each.offset): each.source for each in events}
    counts = Counter(source for source in source_of.values() if source is not None)
    if counts:
        listed = [f"{source} {count:,}" for source, count in counts.most_common(_SOURCES_SHOWN)]
        if len(counts) > _SOURCES_SHOWN:
            listed.append(f"and {len(counts) - _SOURCES_SHOWN:,} more")
        out.append(f"  events below, by source: {', '.join(listed)}\n")


def _forgotten(out: Text, customers: int, amount: str) -> None:
    """Add the row of the forgotten, whom nobody names."""
    if customers:
        out.append(f"  {amount}  {counted(customers, 'forgotten customers')}\n")


def _members(out: Text, members: Sequence[ExplainedCustomer], customers: int, *, sign: str) -> None:
    for member in members:
        amount = f"  {sign}{member.amount:,}" if sign else "  not"
        out.append(f"{amount}  {member.customer_id}\n")
        for reason in member.reasons:
            out.append(f"      {reason.rule}\n")
            for event in reason.events:
                out.append(_event(event), style="dim")
    if len(members) < customers:
        out.append(f"  … and {customers - len(members):,} more: --limit\n", style="dim")


def _event(event: ExplainedEvent) -> str:
    """Return an event and where it is; in two lines where one would be too long."""
    line = f"        {event.event} [{event_place(event)}]\n"
    return line if len(line) <= _WIDTH else f"        {event.event}\n          [{event_place(event)}]\n"


def event_place(event: ExplainedEvent) -> str:
    """Return id and source of an event, and where its record lies, in words."""
    where = f"{event.topic}, partition {event.partition}, offset {event.offset}"
    if event.number is not UNSET:
        where = f"{event.place} {event.number:,}"
    # A revoke names both: the same id from another source is another event.
    what = event.note if event.id is None else f"{event.id} from {event.source}"
    return f"{what}; {where}"


def lenses_text(answer: LensComparison) -> RenderableType:
    """Return the lenses side by side as text."""
    table = Table(box=None, pad_edge=False)
    for name in ("lens", "churn", "numerator", "denominator"):
        table.add_column(name, justify="left" if name == "lens" else "right", no_wrap=True)
    table.add_column("counts")
    for lens, found in answer.lenses.items():
        table.add_row(
            lens,
            formats.percent(found.churn),
            f"{found.numerator:,}",
            f"{found.denominator:,}",
            _COUNTED[lens],
        )
    parts: list[RenderableType] = [_heading(answer, "Customer churn by four definitions"), table]
    if answer.segments is not UNSET:
        parts += [Text(), _segments(answer, answer.segments)]
    parts.append(_differences(answer))
    return Group(*parts)


def _segments(answer: LensComparison, segments: Mapping[str, Mapping[str, LensRatio]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(str(answer.dimension))
    for lens in answer.lenses:
        table.add_column(lens, justify="right")
    for value, lenses in segments.items():
        table.add_row(value, *(formats.percent(found.churn) for found in lenses.values()))
    return table


def _differences(answer: LensComparison) -> Text:
    out = Text()
    counts, differences = answer.counts, answer.differences
    sums = {name: found.sum for name, found in differences.items()}
    standard, all_cancels = counts["customers_lost"], counts["cancellations"]
    of_start = standard + sums["returned"] + sums["repeated"]
    out.append(f"\nstandard {standard:,} + returned {sums['returned']:,} + repeated {sums['repeated']:,}")
    out.append(f" = profitwell {of_start:,}; + of new {sums['of_new']:,} = baremetrics and stripe {all_cancels:,}\n")
    new, start = counts["customers_new"], counts["customers_at_start"]
    out.append(f"denominators: {counted(start, 'customers')} at the start; stripe adds {counted(new, 'new ones')}\n")
    for name, found in differences.items():
        if found.sum:
            out.append(f"\n{name.replace('_', ' ')}: {counted(found.sum, 'cancellations')}\n", style="bold")
            out.append(f"  {DIFFERENCES[name]}\n")
            gone = found.forgotten or NOBODY
            _members(out, found.members, found.customers - gone.customers, sign="+")
            _forgotten(out, gone.customers, f"+{gone.amount:,}")
    return out
