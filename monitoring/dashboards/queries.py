"""Queries of panels: selectors of recorded series, as a dashboard needs them.

Recorded series (`segment:…`, `closed:…`, `kpi:target:ratio`) hold the company as a whole and have no job; a worker's
own metrics are narrowed to `$job`. Pure text. Truth: monitoring/recording.py, monitoring/withheld.py.
"""

from dataclasses import dataclass
from typing import Final

from monitoring import promql
from monitoring.withheld import WITHHELD
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Formula, Ratio
from schemas.catalogue.ratios import has_windows
from schemas.instruments import Instrument

JOB: Final = 'job=~"$job"'
WINDOW: Final = 'window="$window"'
EVERYBODY: Final = f"{promql.ALL},{WINDOW}"
"""All customers in the chosen window."""
STOCK: Final = promql.ALL
"""All customers, of what has no window."""
SEGMENT: Final = 'dimension="$dimension",value=~"$value"'
"""The chosen values of the chosen dimension."""
SEGMENT_WINDOW: Final = "30d"
"""Segments have fewer windows than all customers: where they do not have the chosen one, they are shown in this one."""
AS_OF: Final = "${__to:date:seconds}"
"""The end of the chosen range. Grafana puts the last step of a query as much as a step before it, which is hours in a
year: what says *now* asks for this instant."""
EARLIER_DAYS: Final = 30
"""A change is against so many days before."""
DAILY: Final = "25h"
"""Loaded history has one sample a day, at midnight of the business time zone, whose days have up to 25 hours."""
NOT_WITHHELD: Final = f"\nunless on () {WITHHELD}"
"""Behind what no rule withholds: numbers served while others are missing, and those of a half-loaded past."""
_LIVE: Final = "stream:incomplete:bool"
"""There, as 0 or 1, whenever Prometheus evaluated the rules; loaded history does not have it."""
NO_BACKFILL: Final = (
    "unless on () max_over_time(stream:backfill:bool[$__rate_interval])"
    " unless on () max_over_time(stream:backfill:bool[$__rate_interval] offset -1m)"
)
"""A backfill is known a minute after it began."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: PromQL; may hold variables of the dashboard.
        legend: The name of its series; `{{label}}` stands for a label. In a table: the title of its column.
        unit: Of its values, where they differ from the panel's; a name of Grafana's units.
        colour: Of its series; empty for one of the palette.
    """

    expr: str
    legend: str = ""
    unit: str = ""
    colour: str = ""


def everybody(of: Ratio) -> str:
    """Return the labels of all customers, in the chosen window where the ratio has any."""
    return EVERYBODY if has_windows(of) else STOCK


def ratio(of: Ratio, where: str = "") -> str:
    """Return the selector of a ratio; by default of all customers."""
    return f"segment:{of.name}:ratio{{{where or everybody(of)}}}"


def bound(of: Ratio, side: str, where: str = EVERYBODY) -> str:
    """Return the selector of a bound of a proportion's interval; `side` is `low` or `high`."""
    assert of.is_proportion, of
    return f"segment:{of.name}:wilson_{side}{{{where}}}"


def count(name: str, where: str = EVERYBODY) -> str:
    """Return the selector of a count's sum over workers."""
    assert name in COUNT_BY_NAME, name
    return f"{promql.recorded('segment', name)}{{{where}}}"


def target(kpi: str, window: str = "$window") -> str:
    """Return the selector of a KPI's target."""
    return f'{promql.TARGET}{{kpi="{kpi}",window="{window}"}}'


def own(instrument: Instrument, where: str = "") -> str:
    """Return the selector of a worker's own metric, of the chosen jobs."""
    return f"{instrument.name}{{{JOB}{',' if where else ''}{where}}}"


def risen(counter: str) -> str:
    """Return by how much a counter rose in 24 hours, with what it had when Prometheus first saw it.

    To Prometheus nothing rises before its first look; what was loaded by then would be missing for a day. A counter
    that was there the day before was seen to rise to what it has.
    """
    rise = f"increase({counter}[24h])"
    first = f"min_over_time({counter}[24h]) unless last_over_time({counter}[24h] offset 24h)"
    return f"({rise} + ({first} or 0 * {rise}))"


def now(selector: str) -> str:
    """Return a series as of the end of the range, whatever the step."""
    return f"{selector} @ {AS_OF}"


def latest(selector: str) -> str:
    """Return a series as it was last before the end of the range, be it withheld now."""
    return f"last_over_time({selector}[{DAILY}] @ {AS_OF})"


def earlier(selector: str) -> str:
    """Return a series as of `EARLIER_DAYS` before the end of the range, of loaded history too."""
    return f"last_over_time({selector}[{DAILY}] @ {AS_OF} offset {EARLIER_DAYS}d)"


def loaded_since() -> str:
    """Return a series where numbers of `EARLIER_DAYS` ago are as they were known then, and history was loaded since.

    What they are compared with lacks what the load brought. Loaded history lacks nothing, and has no sample of rules.
    """
    known = f"last_over_time({_LIVE}[{DAILY}] @ {AS_OF} offset {EARLIER_DAYS}d)"
    return f"(max_over_time(stream:backfill:bool[{EARLIER_DAYS}d] @ {AS_OF}) and on () {known})"


def everyones(expr: str) -> str:
    """Return the only series of an expression without its labels, so that such can be joined."""
    return f"max({expr})"


def trend(selector: str) -> str:
    """Return what a line over time shows: the last sample within each step, and nothing where there was none.

    Loaded history has one sample a day, which holds until the next; not where Prometheus evaluated the rules itself,
    so that a stretch without numbers is a gap. Nor where history was being loaded: counts then grow from nothing.
    """
    sampled = f"last_over_time({selector}[$__rate_interval])"
    loaded = f"last_over_time({selector}[{DAILY}]) unless on () max_over_time({_LIVE}[{DAILY}])"
    return f"(({sampled} or {loaded}) {NO_BACKFILL})"


def trend_of(formula: Formula, where: str) -> str:
    """Return a formula over sums of counts, for a line over time."""
    (_, name), *rest = formula.terms
    text = trend(count(name, where))
    for sign, term in rest:
        text += f" {'+' if sign > 0 else '-'} {trend(count(term, where))}"
    return f"({text})" if rest else text


def known_target(selector: str) -> str:
    """Return a target over time: as it was recorded, and before that as it was last."""
    return f"(last_over_time({selector}[$__rate_interval]) or {latest(selector)})"


def or_withheld(expr: str, label: str) -> str:
    """Return the rows of a table that, while numbers are withheld, are one that says so and since when.

    Args:
        expr: One or several series.
        label: The label that names the rows.
    """
    words = f'label_replace({WITHHELD}, "{label}", "numbers withheld since $1", "since", "(.*)")'
    return f"(({expr}){NOT_WITHHELD})\nor on () 0 / 0 * max by ({label}) ({words})"


def bars_or_withheld(expr: str, label: str) -> str:
    """Return bars that, while numbers are withheld, are two that say so and since when.

    Of a single bar Grafana would not show the name.
    """
    return f"(({expr}){NOT_WITHHELD})\nor on () {_withheld_bars(label)}"


def withheld_bars() -> Query:
    """Return what stands among the bars of several queries while numbers are withheld."""
    return Query(_withheld_bars("said"), "{{said}}")


def _withheld_bars(label: str) -> str:
    state = f'label_replace({WITHHELD}, "{label}", "numbers withheld", "", "")'
    since = f'label_replace({WITHHELD}, "{label}", "since $1", "since", "(.*)")'
    return f"(0 / 0 * (max by ({label}) ({state}) or max by ({label}) ({since})))"


def of_segments(name: str) -> str:
    """Return a recorded series of the chosen segments in the chosen window, else in `SEGMENT_WINDOW`."""
    chosen = f"{name}{{{SEGMENT},{WINDOW}}}"
    return f'{chosen} or on (value) {name}{{{SEGMENT},window="{SEGMENT_WINDOW}"}}'


def trend_of_segments(name: str, enough: str) -> str:
    """Return what `of_segments` returns, for a line over time: one for each chosen value, so that colours agree.

    A value without a number has a line without points: the palette of a panel goes by place.

    Args:
        name: A recorded series.
        enough: By value, where there are enough to speak of.
    """
    chosen = trend(f"{name}{{{SEGMENT},{WINDOW}}}")
    other = trend(f'{name}{{{SEGMENT},window="{SEGMENT_WINDOW}"}}')
    return each_value(f"({chosen} or on (value) {other}) and on (value) ({enough})")


def each_value(expr: str) -> str:
    """Return an expression by value with a series for every chosen value that has customers, be it without points."""
    everyone = latest(f"{promql.recorded('segment', 'customers_active')}{{{SEGMENT}}}")
    return f"max by (value) ({expr}) or 0 / 0 * max by (value) ({everyone} > 0)"


def of_population(instrument: Instrument) -> str:
    """Return a worker's own metric in the chosen window, or in `SEGMENT_WINDOW` where it has none such."""
    other = own(instrument, f'window="{SEGMENT_WINDOW}"')
    return f"({own(instrument, WINDOW)} or on () {other})"
