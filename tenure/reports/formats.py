"""Formats of numbers for people: counts, ratios, money, changes, sparklines; headings and tables of figures.

Pure, but for the console. A number that is absent is an en dash, never 0.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from schemas.money import decimals_of
from streams.readable import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import ConsoleOptions, RenderableType

ABSENT: Final = "\N{EN DASH}"
BARS: Final = "▁▂▃▄▅▆▇█"


class SafeConsole(Console):
    """A console whose terminal obeys nothing but the console itself: what is unprintable in texts is written out."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as every console does."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text, keep="\n"), segment.style)


def standard_console(*, stderr: bool = False) -> Console:
    """Return the console of standard output, which shows text as it is: a plan may be named [/b], an event :key:."""
    return SafeConsole(highlight=False, soft_wrap=False, markup=False, emoji=False, stderr=stderr)


def heading(as_of: str, where: str | UnsetType) -> Text:
    """Return the first lines of a report: the instant that it is as of, and of which customers it is."""
    text = Text()
    text.append(f"As of {datetime.fromisoformat(as_of):%A, %Y-%m-%d %H:%M} UTC\n", style="bold")
    text.append(only_where(where))
    return text


def figures_table(first: str, *columns: str) -> Table:
    """Return a table whose first column names what the figures of a line are of."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True, header_style="bold")
    return table


def only_where(where: str | UnsetType) -> str:
    """Return the line that says of which customers a report is; "" where it is of all."""
    return "" if where is UNSET else f"Only where {where}\n"


def count(value: int | None) -> str:
    """Return a count with thousands separators: 12,345."""
    return ABSENT if value is None else f"{value:,}"


def short(value: float, digits: int = 3) -> str:
    """Return a number rounded to so many digits: 12.3k, 4.57M; in full below 10,000 (below 1,000 for 2 digits)."""
    full_below = 10_000 if digits > 2 else 1_000
    for size, letter in ((1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if abs(value) >= max(size, full_below):
            scaled = value / size
            decimals = max(0, digits - len(str(int(abs(scaled)))))
            return f"{scaled:.{decimals}f}{letter}"
    return f"{value:,.0f}"


def percent(value: float | None, digits: int = 2) -> str:
    """Return a fraction as a percentage: 0.0391 is 3.91 %."""
    return ABSENT if value is None else f"{100 * value:.{digits}f} %"


def score(value: float | None) -> str:
    """Return an NPS in [-1, 1] as the points that people know: 0.324 is +32.4."""
    return ABSENT if value is None else f"{100 * value:+.1f}"


def times(value: float | None) -> str:
    """Return a ratio that is no share, as a plain number: 3.21."""
    return ABSENT if value is None else f"{value:,.2f}"


def money(minor: float | None, currency: str, *, unit: bool = True) -> str:
    """Return minor units as money: 12345600 of USD is USD 123,456.00.

    Args:
        minor: Minor units of the currency (cents); fractions (an average) are rounded to whole ones.
        currency: ISO 4217.
        unit: Whether the currency's name stands before the number.
    """
    if minor is None:
        return ABSENT
    digits = decimals_of(currency)
    whole = round(minor)
    sign, size = "-" if whole < 0 else "", abs(whole)
    major, rest = divmod(size, 10**digits)
    text = f"{sign}{major:,}" + (f".{rest:0{digits}}" if digits else "")
    return f"{currency} {text}" if unit else text


def short_money(minor: float | None, currency: str, *, unit: bool = True, digits: int = 3) -> str:
    """Return minor units as money rounded to so many digits: USD 123k."""
    if minor is None:
        return ABSENT
    text = short(minor / 10 ** decimals_of(currency), digits)
    return f"{currency} {text}" if unit else text


def listed(title: str, parts: Iterable[str], width: int, *, between: str = ",") -> str:
    """Return a title and parts in lines of at most `width` characters; no part is broken, and no line ends in a space.

    Args:
        title: With the colon after it.
        parts: What stands one beside the other.
        width: Characters.
        between: What stands after each part but the last one.
    """
    *first, last = parts
    lines = [title]
    for part in (*(f"{part}{between}" for part in first), last):
        if len(lines[-1]) + 1 + len(part) > width:
            lines.append(f"  {part}")
        else:
            lines[-1] += f" {part}"
    return "\n".join(lines)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """Return the course of a number as a line of bars.

    Args:
        values: The values, oldest first; None leaves a gap.
        width: Bars at most (characters); more values than that are thinned out evenly, and the last one is kept.
    """
    if len(values) > width:
        values = [values[(n + 1) * len(values) // width - 1] for n in range(width)]
    there = [value for value in values if value is not None]
    if not there:
        return ""
    low, high = min(there), max(there)
    # What hardly moves shall look so: the bars span at least a fiftieth of the number.
    missing = max(abs(low), abs(high)) / 50 - (high - low)
    if missing > 0:
        low, high = low - missing / 2, high + missing / 2
    scale = (len(BARS) - 1) / (high - low) if high > low else 0
    return "".join(" " if value is None else BARS[round((value - low) * scale)] for value in values)


def bar(share: float | None, width: int) -> str:
    """Return a share in [0, 1] as a bar of at most `width` characters."""
    if share is None:
        return ""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    return "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8].strip())
