"""Queries of panels: selectors of recorded series, as a dashboard needs them.

Recorded series (`segment:…`, `closed:…`, `kpi:target:ratio`) hold the company as a whole and have no job; a worker's
own metrics are narrowed to `$job`. Pure text. Truth: monitoring/recording.py.
"""

from dataclasses import dataclass
from typing import Final

from monitoring import promql
from schemas.catalogue.counts import COUNT_BY_NAME
from schemas.catalogue.formulas import Ratio
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
COMPLETE: Final = "\nunless on () stream:incomplete:partitions"
"""Behind what no rule sums: not while a worker is missing. Loaded history knows nothing of it and stays."""


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


def trend(selector: str) -> str:
    """Return what a line over time shows: the last sample within each step.

    Loaded history has one sample a day: a line that looked only at the instants of its steps would miss it.
    """
    return f"last_over_time({selector}[$__rate_interval])"


def of_segments(name: str) -> str:
    """Return a recorded series of the chosen segments in the chosen window, else in `SEGMENT_WINDOW`."""
    chosen = f"{name}{{{SEGMENT},{WINDOW}}}"
    return f'{chosen} or on (value) {name}{{{SEGMENT},window="{SEGMENT_WINDOW}"}}'


def trend_of_segments(name: str) -> str:
    """Return what `of_segments` returns, for a line over time."""
    chosen = trend(f"{name}{{{SEGMENT},{WINDOW}}}")
    other = trend(f'{name}{{{SEGMENT},window="{SEGMENT_WINDOW}"}}')
    return f"{chosen} or on (value) {other}"


def of_population(instrument: Instrument) -> str:
    """Return a worker's own metric in the chosen window, or in `SEGMENT_WINDOW` where it has none such."""
    other = own(instrument, f'window="{SEGMENT_WINDOW}"')
    return f"({own(instrument, WINDOW)} or on () {other})"
