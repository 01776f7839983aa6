"""Alerts of KPIs that leave the band of their weekday, without any target.

Source: docs/alerting.md, section Bands.
"""

from collections.abc import Iterator
from typing import Final

from monitoring import bands, promql
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import PLAIN, own

_BOARD: Final = "/d/tenure-executive"
_VALUE: Final = 'printf "%.4g"'


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield the page of a shift to the worse, and the warning of one to either side."""
    worse = f"{bands.WORSE_DAYS} >= {thresholds.BAND_LEAST_BEYOND}"
    better = f"{bands.BETTER_DAYS} >= {thresholds.BAND_LEAST_BEYOND}"
    page, warn = (promql.number(z) for z in (thresholds.BAND_Z_PAGE, thresholds.BAND_Z_WARN))
    yield _alert("page", f"{bands.SHIFT} >= {page} and on (kpi) {worse}", pace.page, pace)
    either = f"{bands.SHIFT} >= {warn} and on (kpi) {worse}\nor {bands.SHIFT} <= -{warn} and on (kpi) {better}"
    yield _alert("warn", f"({either})", pace.warn, pace)


def _alert(severity: str, expr: str, lasting: str, pace: Pace) -> Alert:
    low, high = (_of_kpi(f"{name}{{kpi=%q}}") for name in (bands.LOW, bands.HIGH))
    return Alert(
        "KpiOutOfBand",
        severity,
        "kpi",
        f"{expr}{promql.GUARD}",
        lasting,
        f"{{{{ $labels.kpi }}}} has left its usual range for three days (z = {own(PLAIN)}; above 0 is worse)",
        f"The last three days of {{{{ $labels.kpi }}}} together are z = {own(PLAIN)} from what the same weekdays of the"
        f" last {thresholds.BAND_WEEKS} weeks let expect (above 0 is worse; a warning from"
        f" {promql.number(thresholds.BAND_Z_WARN)} on, a page from {promql.number(thresholds.BAND_Z_PAGE)}). For"
        f" yesterday's weekday the range is {low} to {high}; single days are whole calendar days.\n"
        "First: tenure kpi of those days; compare with releases, prices, campaigns, and with what was sent and not"
        " (feeds). A change that was meant to be needs nothing: the range moves with it within weeks.",
        _BOARD,
        pace.keep,
        {"dimension": "all", "window": "1d"},
    )


def _of_kpi(query: str) -> str:
    return f"{{{{ with printf `{query}` $labels.kpi | query }}}}{{{{ . | first | value | {_VALUE} }}}}{{{{ end }}}}"
