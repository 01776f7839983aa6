"""A digest as text: Markdown, a page of HTML that needs nothing else, and what Slack takes.

Pure: a `DigestReport` in, text out. Names come from events, and anybody may send one: in Markdown and Slack they stand
as code, in HTML as escaped text, and what is unprintable is written out.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import UNSET

from schemas.documents.digest import Correction, DigestNumber, DigestReport, DigestSegment, DigestTarget
from schemas.wording import counted
from streams.readable import readable
from streams.targets import ALL
from tenure.reports import formats
from tenure.reports.kpi_rows import SHOWN

MINOR: Final = "minor units"
_EVER: Final = "ever"
_MINUS: Final = "\N{MINUS SIGN}"
_FIRST: Final = ("customers_active", "mrr", "churn_standard")
_VERDICTS: Final = {
    "met": "met",
    "missed": "missed, chance may explain it",
    "missed_for_sure": "missed",
    "no_data": "no data",
    "more_than_chance": "more than chance",
    "within_chance": "within chance",
    None: "",
}


class DigestName(str):
    """A text of somebody else's, such as the name of a plan."""

    __slots__ = ()


class DigestTable(NamedTuple):
    """A section of the digest: a table, or a sentence where it has no row."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    otherwise: str
    note: str = ""


def markdown(digest: DigestReport) -> str:
    """Return the digest as Markdown, with tables."""
    parts = [f"# {_heading(digest)}", "", " ".join(lead(digest)), ""]
    for table in tables_of(digest):
        parts += [f"## {table.title}", "", *_markdown_table(table), ""]
    return "\n".join(parts).rstrip() + "\n"


def _markdown_table(table: DigestTable) -> Iterator[str]:
    if table.note:
        yield table.note
        yield ""
    if not table.rows:
        yield table.otherwise
        return
    yield f"| {' | '.join(table.columns)} |"
    yield f"| --- |{' ---: |' * (len(table.columns) - 1)}"
    for row in table.rows:
        yield f"| {' | '.join(_markdown_cell(cell) for cell in row)} |"


def _markdown_cell(cell: str) -> str:
    """Return a cell; the name of somebody else as code, in which nothing is obeyed."""
    return _code(cell).replace("|", "\\|") if isinstance(cell, DigestName) else cell


def _code(name: str) -> str:
    shown = readable(name).replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}").strip()
    return f"`{shown or ' '}`"


def slack(digest: DigestReport) -> str:
    """Return the digest as text of Slack's mrkdwn, without tables; `&`, `<` and `>` are escaped."""
    lines = [f"*{_heading(digest)}*", *lead(digest)]
    for table in tables_of(digest):
        lines += ["", f"*{table.title}*"]
        lines += [table.note] if table.note else []
        lines += [_slack_row(table, row) for row in table.rows] or [table.otherwise]
    return "\n".join(line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines) + "\n"


def _slack_row(table: DigestTable, row: Sequence[str]) -> str:
    first = _code(row[0]) if isinstance(row[0], DigestName) else row[0]
    rest = [
        f"{title.lower()} {_code(cell) if isinstance(cell, DigestName) else cell}"
        for title, cell in zip(table.columns[1:], row[1:], strict=True)
        if cell
    ]
    return f"• {first}: {', '.join(rest)}"


_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;background:#fff;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.5rem;margin-bottom:.25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}"
    "p{margin:.25rem 0 .75rem}.lead{font-size:1.05rem}.note{color:#5a6b7b}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.35rem .6rem;border-bottom:1px solid #e3e8ed;"
    "text-align:right;vertical-align:top}th{color:#5a6b7b;font-weight:600;font-size:.85rem}"
    "th:first-child,td:first-child{text-align:left}code{font:inherit;background:#f2f5f7;padding:0 .25rem;"
    "border-radius:3px;overflow-wrap:anywhere}.missed,.more{color:#a1260d;font-weight:600}.met{color:#1a6b3a}"
)
_CLASSES: Final = {"met": "met", "missed": "missed", "more than chance": "more", "departs": "more"}


def page_of(digest: DigestReport) -> str:
    """Return the digest as a page of HTML: one file, which loads nothing."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{html.escape(_heading(digest))}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(_heading(digest))}</h1>",
        f'<p class="lead">{html.escape(" ".join(lead(digest)))}</p>',
    ]
    for table in tables_of(digest):
        parts.append(f"<h2>{html.escape(table.title)}</h2>")
        parts += [f'<p class="note">{html.escape(table.note)}</p>'] if table.note else []
        parts += list(_html_table(table)) if table.rows else [f"<p>{html.escape(table.otherwise)}</p>"]
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _html_table(table: DigestTable) -> Iterator[str]:
    yield "<table><thead><tr>" + "".join(f"<th>{html.escape(each)}</th>" for each in table.columns) + "</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        yield "<tr>" + "".join(_html_cell(cell) for cell in row) + "</tr>"
    yield "</tbody></table>"


def _html_cell(cell: str) -> str:
    if isinstance(cell, DigestName):
        return f"<td><code>{html.escape(readable(cell))}</code></td>"
    kind = _CLASSES.get(cell)
    return f'<td class="{kind}">{html.escape(cell)}</td>' if kind else f"<td>{html.escape(cell)}</td>"


FORMATS: Final[dict[str, Callable[[DigestReport], str]]] = {"markdown": markdown, "html": page_of, "slack": slack}
"""The renderers, by the name of the option."""


# ------------------------------------------------------------------------- what is said


def _heading(digest: DigestReport) -> str:
    year, week = digest.week.split("-W")
    first, last = (dt.date.fromisocalendar(int(year), int(week), day) for day in (1, 7))
    return f"Week {digest.week}: {first:%-d %B} to {last:%-d %B %Y}"


def lead(digest: DigestReport) -> list[str]:
    """Return the sentences that whoever reads no more should read."""
    known = {number.name: number for number in digest.numbers}
    customers, mrr, churn = (known[name] for name in _FIRST)
    found = [
        f"{_shown(customers.now, customers, digest)} customers ({_change(customers, digest)}),",
        f"MRR {_shown(mrr.now, mrr, digest)} ({_change(mrr, digest)}).",
    ]
    if churn.now is not None:
        interval = f", 95 % interval {_interval(churn)}" if churn.low is not None else ""
        verdict = f"; against the week before {_VERDICTS[churn.verdict]}" if churn.verdict else ""
        found.append(f"Churn {formats.percent(churn.now)} of the customers of seven days ago{interval}{verdict}.")
    missed = [target for target in digest.targets if target.verdict in {"missed", "missed_for_sure"}]
    if digest.targets:
        found.append(f"{counted(len(missed), 'targets')} of {len(digest.targets)} missed.")
    corrected = digest.corrected.corrections
    if corrected:
        found.append(f"{counted(len(corrected), 'numbers')} of {digest.corrected.week} have been corrected since.")
    if digest.waiting or digest.losses:
        found.append("The numbers may be incomplete: what they go without stands at the end.")
    return found


def tables_of(digest: DigestReport) -> list[DigestTable]:
    """Return the sections, in order."""
    return [
        DigestTable(
            "In numbers",
            ("KPI", "This week", "Week before", "Change", "95 % interval", "The change is"),
            [_number_row(number, digest) for number in digest.numbers],
            "",
        ),
        DigestTable(
            "Targets",
            ("Target", "Of", "Owner", "Is to be", "Is", "A week before", "95 % interval", "Verdict"),
            [_target_row(target) for target in digest.targets],
            "There are none: tenure target set sets one.",
        ),
        DigestTable(
            "Segments that moved most",
            (
                "Segment",
                "Dimension",
                "Customers",
                "Change",
                "MRR",
                "Change of MRR",
                "Churn",
                "Before",
                "Against others",
            ),
            [_segment_row(segment, digest) for segment in digest.segments],
            "None has moved.",
        ),
        DigestTable(
            "Why customers left",
            ("Reason", "This week", "Week before"),
            [(DigestName(each.reason), f"{each.count:,}", f"{each.before:,}") for each in digest.reasons],
            "Nobody has left.",
        ),
        _corrections(digest),
        *_marks(digest),
        *_missing(digest),
    ]


def _marks(digest: DigestReport) -> Iterator[DigestTable]:
    """Yield what happened; nothing where there is no mark."""
    if digest.marks is not UNSET:
        rows: list[tuple[str, ...]] = [
            (DigestName(mark.title), mark.kind, mark.at, mark.until or "") for mark in digest.marks
        ]
        yield DigestTable("Marks of the last 90 days", ("Mark", "Kind", "At", "Until"), rows, "")


def _missing(digest: DigestReport) -> Iterator[DigestTable]:
    """Yield what the numbers go without; nothing where nothing was lost."""
    rows: list[tuple[str, ...]] = []
    for loss in digest.losses or ():
        windows = ", ".join(loss.windows) or "none, but in what adds up since"
        known = (f"Partition {loss.partition}", loss.since or _EVER, loss.until or "now", windows)
        rows.append((*known, DigestName(loss.accepted_by), DigestName(loss.reason) if loss.reason else ""))
    for halted in digest.waiting or ():
        known = (f"Partition {halted.partition}", halted.since or _EVER, halted.until or "now", "all")
        rows.append((*known, "nobody: it is halted, see tenure resume", ""))
    if rows:
        columns = ("Events of", "From", "Until", "Missing in", "Accepted by", "Because")
        yield DigestTable("What the numbers go without", columns, rows, "")


def _corrections(digest: DigestReport) -> DigestTable:
    corrected = digest.corrected
    title = f"Corrected since: {corrected.week}"
    columns = ("KPI", "Shown then", "Known now")
    if corrected.issued_at is None:
        otherwise = f"The digest of {corrected.week} was not issued (option --issue): nobody knows what was shown then."
        return DigestTable(title, columns, [], otherwise)
    rows: list[tuple[str, ...]] = [
        (each.title, _shown(each.shown, each, digest), _shown(each.now, each, digest)) for each in corrected.corrections
    ]
    note = f"Issued {corrected.issued_at}; late events have changed {len(rows)} of {corrected.numbers} numbers."
    return DigestTable(title, columns, rows, "No number has changed.", note)


def _number_row(number: DigestNumber, digest: DigestReport) -> tuple[str, ...]:
    shown = (_shown(value, number, digest) for value in (number.now, number.before))
    return (number.title, *shown, _change(number, digest), _interval(number), _VERDICTS[number.verdict])


def _target_row(target: DigestTarget) -> tuple[str, ...]:
    title = f"{target.title}, {target.window}"
    of = "all customers" if target.dimension == ALL else DigestName(f"{target.dimension} {target.segment}")
    values = (SHOWN[target.kpi](each) for each in (target.target, target.now, target.before))
    return (title, of, DigestName(target.owner), *values, _interval(target), _VERDICTS[target.verdict])


def _segment_row(segment: DigestSegment, digest: DigestReport) -> tuple[str, ...]:
    return (
        DigestName(segment.value),
        DigestName(segment.dimension),
        f"{segment.customers:,}",
        _signed(segment.customers_change),
        formats.money(segment.mrr, digest.currency),
        _signed_money(segment.mrr_change, digest),
        formats.percent(segment.churn),
        formats.percent(segment.churn_before),
        "departs" if segment.departs else "",
    )


# ------------------------------------------------------------------------- values


def _shown(value: float | None, number: DigestNumber | Correction, digest: DigestReport) -> str:
    if value is None:
        return formats.ABSENT
    if number.unit.startswith(MINOR):
        return formats.money(value, digest.currency)
    if number.name in SHOWN:
        return SHOWN[number.name](value)
    return f"{value:,}"


def _change(number: DigestNumber, digest: DigestReport) -> str:
    """Return how a number moved: counts and money as they are, ratios in points."""
    now, before = number.now, number.before
    if now is None or before is None:
        return ""
    if number.unit.startswith(MINOR):
        return _signed_money(now - before, digest)
    form = SHOWN.get(number.name)
    if form is None:
        return _signed(round(now - before))
    moved = now - before
    sign = "+" if moved >= 0 else _MINUS
    return f"{sign}{formats.times(abs(moved))}" if form is formats.times else f"{sign}{100 * abs(moved):.2f} points"


def _signed(value: int) -> str:
    return f"{'+' if value > 0 else _MINUS if value < 0 else ''}{abs(value):,}"


def _signed_money(minor: float, digest: DigestReport) -> str:
    sign = "+" if minor > 0 else _MINUS if minor < 0 else ""
    return f"{sign}{formats.money(abs(minor), digest.currency)}"


def _interval(number: DigestNumber | DigestTarget) -> str:
    if number.low is None or number.high is None:
        return ""
    return f"{100 * number.low:.1f}\N{EN DASH}{100 * number.high:.1f} %"
