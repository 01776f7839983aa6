"""The alert of segments that miss their targets, with false discoveries controlled over all that are tested."""

from collections.abc import Iterator
from typing import Final

from monitoring import promql, segments
from monitoring.alerts import thresholds
from monitoring.alerts.rule import Alert
from monitoring.alerts.thresholds import Pace
from monitoring.phrases import COUNT, PLAIN, SHARE, own

_MINE: Final = "kpi=%q,window=%q,dimension=%q,value=%q"
_BOARD: Final = (
    "/d/tenure-retention?var-window={{ $labels.window }}&var-dimension={{ $labels.dimension }}"
    "&var-value={{ $labels.value }}"
)


def alerts(pace: Pace) -> Iterator[Alert]:
    """Yield it; a page is for all customers alone."""
    labels = "$labels.kpi $labels.window $labels.dimension $labels.value"
    target = (
        f"{{{{ with printf `{segments.TARGET}{{{_MINE}}}` {labels} | query }}}}"
        f"{{{{ . | first | value | {SHARE} }}}}{{{{ else }}}}none{{{{ end }}}}"
    )
    tested = f"{{{{ with query `count({segments.CHANCE})` }}}}{{{{ . | first | value | {COUNT} }}}}{{{{ end }}}}"
    yield Alert(
        "SegmentMissesTarget",
        "warn",
        "kpi",
        f"{segments.SCORE} > 0\nand {segments.CHANCE} <= on () group_left () {segments.LIMIT}{promql.GUARD}",
        pace.warn,
        "{{ $labels.kpi }} of {{ $labels.dimension }} {{ $labels.value }} misses its target of"
        f" {target} in the window {{{{ $labels.window }}}} (z = {own(PLAIN)})",
        "{{ $labels.dimension }} {{ $labels.value }} surely misses its target of {{ $labels.kpi }}, "
        f"{target}, in the window {{{{ $labels.window }}}}: z = {own(PLAIN)}. {tested} segments are tested at once; of"
        f" those that are told, {thresholds.FALSE_DISCOVERIES:.0%} are expected to be chance.\n"
        "First: see what only this segment has had: a price, a release, a campaign, a failed payment method.",
        _BOARD,
        pace.keep,
    )
