"""The alert of a measure that loses customers: certain by a test that may be looked at whenever somebody likes."""

from collections.abc import Iterator
from typing import Final

from monitoring import promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, PLAIN, own
from schemas import instruments as known

_VARIANT: Final = "measure, variant, control"
_CHANCE: Final = 'printf "%.4f"'
BOARD: Final = "/d/tenure-measures"


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield it."""
    odds, p = (f"max by ({_VARIANT}) ({metric.name})" for metric in (known.EXPERIMENT_ODDS, known.EXPERIMENT_P))
    newest = f"time() - max by (measure) ({known.EXPERIMENT_NEWEST.name})"
    seconds = promql.number(promql.span_of(thresholds.MEASURE_RUNS).total_seconds())
    yield Alert(
        "MeasureLosesCustomers",
        "warn",
        "kpi",
        f"{odds} > 1\nand {p} <= {promql.number(thresholds.MEASURE_P)}\nand on (measure) {newest} < {seconds}"
        f"{promql.GUARD}",
        pace.warn,
        f"Customers with {{{{ $labels.measure }}}}: {{{{ $labels.variant }}}} leave at {own(PLAIN)} times the odds of"
        " {{ $labels.control }}",
        f"The odds of leaving on a day are {own(PLAIN)} times those with {{{{ $labels.control }}}}"
        f" ({_asked(known.EXPERIMENT_ODDS_LOWER.name, PLAIN)} at least); p ="
        f" {_asked(known.EXPERIMENT_P.name, _CHANCE)}, always valid. {_left('variant')} with"
        f" {{{{ $labels.variant }}}} have left, {_left('control')} with {{{{ $labels.control }}}}.\n"
        "First: stop showing it, unless what it brings is worth these customers; then look whom it loses, by"
        " `tenure experiments --where`.",
        BOARD,
        pace.keep,
        {"kpi": "experiments"},
    )


def _asked(series: str, shown: str) -> str:
    query = f"printf `{series}{{measure=%q,variant=%q}}` $labels.measure $labels.variant | query"
    return f"{{{{ with {query} }}}}{{{{ . | first | value | {shown} }}}}{{{{ else }}}}0{{{{ end }}}}"


def _left(label: str) -> str:
    series = f'{known.EXPERIMENT_CUSTOMERS.name}{{measure=%q,variant=%q,end="left"}}'
    query = f"printf `{series}` $labels.measure $labels.{label} | query"
    return f"{{{{ with {query} }}}}{{{{ . | first | value | {COUNT} }}}}{{{{ else }}}}none{{{{ end }}}}"
