"""Topics of the demo's screen beside its tiles: a small table each on the screen, a line each in plain mode.

A terminal that has no room for all of them shows them in turn. Pure; what is absent is an en dash.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET
from rich.table import Table
from rich.text import Text

from kpis.population.cohorts import share
from schemas.catalogue.windows import LIFETIME_DAYS
from tenure.reports import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from kpis.population.reasons import Ranking
    from kpis.population.summary import PopulationSummary, Rankings
    from schemas.documents.report import Report, Segment
    from tenure.demo.screen.view import DemoView

WINDOW: Final = "30d"
LINES: Final = 6
"""Lines that each topic has room for (count)."""
#: Ages at which a cohort is shown (months).
_AGES: Final = (1, 2, 3, 6, 12)

Pairs = list[tuple[str, str]]


class ScreenTopic(NamedTuple):
    """Something that the demo tells.

    Attributes:
        title: What it is about.
        drawn: Draws it, given columns and lines that there are; at least 36 of the one and LINES of the other.
        said: The same in a few words.
    """

    title: str
    drawn: Callable[[DemoView, str, int, int], RenderableType]
    said: Callable[[DemoView, str], str]


def ratio(path: tuple[str, ...], report: Report | Segment, window: str = WINDOW) -> float | None:
    """Return a ratio of a window; None where the window is not counted: another one's number would be wrong."""
    return report.windows[window].ratios.at(path) if window in report.windows else None


def _percent(value: float | None) -> str:
    return formats.percent(value, 1)


# ------------------------------------------------------------------------- segments


def segments_table(view: DemoView, currency: str, width: int, lines: int, *, dimension: str) -> RenderableType:
    """Return the largest values of a dimension, with what matters most of each."""
    wide = width >= 74
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column(dimension.removeprefix("company_"), no_wrap=True, max_width=12, overflow="crop")
    for heading in (
        ("custom.", "MRR", "left 7d", "churn") if not wide else ("customers", "MRR", "left in 7d", "NPS", "churn")
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    shown = _largest(view, dimension)[: max(1, lines - 1)]
    highest = max((ratio(("churn", "standard"), segment) or 0.0 for _, segment in shown), default=0.0)
    bar_width = 24 if wide else 9
    for name, segment in shown:
        churn = ratio(("churn", "standard"), segment)
        cells = [
            formats.count(segment.totals.count("customers_active")),
            formats.short_money(segment.totals.count("mrr"), currency, unit=False),
            _percent(ratio(("dropoff_7d",), segment)),
        ]
        if wide:
            cells.append(formats.score(ratio(("nps",), segment)))
        cells.append(_percent(churn))
        bar = formats.bar((churn or 0) / highest if highest else None, bar_width)
        table.add_row(name, *cells, Text(bar, style="yellow"))
    return table


def _largest(view: DemoView, dimension: str) -> list[tuple[str, Segment]]:
    found = {} if view.report.segments is UNSET else view.report.segments.get(dimension, {})
    return sorted(found.items(), key=lambda pair: (-pair[1].totals.count("customers_active"), pair[0]))


def _segments_said(view: DemoView, _currency: str, *, dimension: str) -> str:
    parts = [
        f"{name} {formats.count(segment.totals.count('customers_active'))}, churn "
        f"{_percent(ratio(('churn', 'standard'), segment))}"
        for name, segment in _largest(view, dimension)[:LINES]
    ]
    return " · ".join(parts) or formats.ABSENT


def _segments(title: str, dimension: str) -> ScreenTopic:
    drawn, said = partial(segments_table, dimension=dimension), partial(_segments_said, dimension=dimension)
    return ScreenTopic(title, drawn, said)


# ------------------------------------------------------------------------- numbers with a name each


def _stay(view: DemoView) -> Pairs:
    lifetime = view.population.lifetime if view.population else None
    points = [lifetime.at(days) if lifetime else None for days in LIFETIME_DAYS]
    shares = "/".join(formats.ABSENT if point is None else f"{100 * point.survival:.0f}" for point in points)
    return [
        ("Retention, 365d", _percent(ratio(("retention",), view.report, "365d"))),
        ("Churn, 365d", _percent(ratio(("churn", "standard"), view.report, "365d"))),
        ("Churn, this month", _percent(ratio(("churn", "standard"), view.report, "month"))),
        ("Mean stay so far", _days(lifetime.restricted_mean_days() if lifetime else None)),
        ("Half leave within", _days(lifetime.median_days() if lifetime else None)),
        (f"Stay {'/'.join(map(str, LIFETIME_DAYS))} d", f"{shares} %"),
    ]


def _days(value: float | None) -> str:
    return formats.ABSENT if value is None else f"{value:,.0f} days"


def _use(view: DemoView) -> Pairs:
    report = view.report
    signups = report.windows[WINDOW].count("signups") if WINDOW in report.windows else None
    return [
        ("Signups", formats.count(signups)),
        ("Onboarded in 7d", _percent(ratio(("onboarding",), report))),
        ("Silent, days 8-14", _percent(ratio(("dropoff_silent_7d",), report))),
        (
            "Used it in 30d, 1d",
            f"{_percent(ratio(('engagement',), report))}, {_percent(ratio(('engagement',), report, '1d'))}",
        ),
        ("Renewed", _percent(ratio(("renewal",), report))),
        ("Upgraded", _percent(ratio(("expansion",), report))),
    ]


def _subscriptions(view: DemoView) -> Pairs:
    report, totals = view.report, view.report.totals
    counts = report.windows.get(WINDOW)

    def moved(name: str) -> str:
        return formats.count(counts.count(name) if counts else None)

    return [
        ("Trials converted", _percent(ratio(("trial_conversion",), report))),
        ("Subscriptions", formats.count(totals.count("subscriptions_active"))),
        ("Started, ended", f"{moved('subscriptions_started')}, {moved('subscriptions_ended')}"),
        ("With several", _percent(ratio(("cross_sell",), report))),
        ("Paused", formats.count(totals.count("customers_paused"))),
    ]


def _pairs(title: str, read: Callable[[DemoView], Pairs]) -> ScreenTopic:
    def drawn(view: DemoView, _currency: str, _width: int, lines: int) -> RenderableType:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True, width=18)
        table.add_column(justify="right", no_wrap=True)
        for label, value in read(view)[:lines]:
            table.add_row(label, Text(value, style="bold"))
        return table

    def said(view: DemoView, _currency: str) -> str:
        return " · ".join(f"{label} {value}" for label, value in read(view))

    return ScreenTopic(title, drawn, said)


# ------------------------------------------------------------------------- reasons and features


def _ranking(title: str, read: Callable[[Rankings], Ranking]) -> ScreenTopic:
    def found(summary: PopulationSummary | None) -> Sequence[tuple[str, int]]:
        if summary is None or WINDOW not in summary.rankings:
            return []
        return [(line.name, line.amount) for line in read(summary.rankings[WINDOW]).lines if line.amount]

    def drawn(view: DemoView, _currency: str, width: int, lines: int) -> RenderableType:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True, width=20, overflow="crop")
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        shown = found(view.population)[:lines]
        most = max((amount for _, amount in shown), default=0)
        for name, amount in shown:
            table.add_row(name, formats.count(amount), Text(formats.bar(amount / most, width - 30), style="yellow"))
        return table if shown else Text(formats.ABSENT)

    def said(view: DemoView, _currency: str) -> str:
        parts = [f"{name} {formats.count(amount)}" for name, amount in found(view.population)]
        return " · ".join(parts) or formats.ABSENT

    return ScreenTopic(title, drawn, said)


# ------------------------------------------------------------------------- cohorts


def _cohorts_drawn(view: DemoView, _currency: str, _width: int, lines: int) -> RenderableType:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("signed up", no_wrap=True)
    for heading in ("all", *(f"{age}m" for age in _AGES)):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, size, shares in _cohorts(view)[: lines - 1]:
        table.add_row(name, formats.short(size, 2), *shares)
    return table


def _cohorts(view: DemoView) -> list[tuple[str, int, list[str]]]:
    """Return name, size and shares by age of cohorts, the newest first."""
    out: list[tuple[str, int, list[str]]] = []
    for cohort in reversed(view.population.cohorts if view.population else ()):
        known = {
            age: share(cohort.active[age - 1], cohort.matured[age - 1]) for age in _AGES if age <= len(cohort.matured)
        }
        shares = [known.get(age) for age in _AGES]
        texts = [formats.ABSENT if value is None else f"{100 * value:.0f}%" for value in shares]
        out.append((cohort.name, cohort.size, texts))
    # Every third one: so that the few that there is room for reach back a year.
    return out[1::3]


def _cohorts_said(view: DemoView, _currency: str) -> str:
    ages = "/".join(str(age) for age in _AGES)
    parts = [f"{name} {'/'.join(shares)}" for name, _, shares in _cohorts(view)[:LINES]]
    return f"after {ages} months: {' · '.join(parts)}" if parts else formats.ABSENT


BY_SEGMENT: Final = (
    _segments("By plan, 30 days", "plan"),
    _segments("By industry, 30 days", "industry"),
    _segments("By company size, 30 days", "company_size"),
)
"""Topics that want the width of the screen: in turn, always."""

OTHERS: Final = (
    _pairs("How long they stay", _stay),
    _pairs("First days and use, 30d", _use),
    _pairs("Trials, subscriptions, 30d", _subscriptions),
    _ranking("Why they leave, 30d", lambda found: found.cancellations),
    _ranking("What they use, 30d", lambda found: found.features),
    _ranking("What they answer, 30d", lambda found: found.answers),
    ScreenTopic("Still there, by month", _cohorts_drawn, _cohorts_said),
)
"""Topics that stand side by side where there is room."""
