"""Runbook of the alert of KPIs that leave the band of their weekday."""

from typing import Final

from monitoring import bands
from monitoring.alerts import thresholds
from monitoring.runbooks.kpi import COMPLETE, SOURCES
from monitoring.runbooks.runbook import Runbook

RUNBOOKS: Final = {
    "KpiOutOfBand": Runbook(
        "A KPI has left the range that is usual for its weekday.",
        "Three whole days of a KPI together are surely not what the same weekdays of the weeks before let expect. No"
        " target is needed for it. The page is about the bad side alone, the warning about both: a KPI that becomes"
        " better of itself may be a feed that is lost.",
        f"Of up to {thresholds.BAND_WEEKS} weeks the mean of the weekday is taken, and the deviation of all days about"
        f" theirs; {thresholds.BAND_LEAST_DAYS} days must be known. The sum of three days' scores over √3 must be"
        f" {thresholds.BAND_Z_WARN:g} or more (warning), {thresholds.BAND_Z_PAGE:g} (page), and"
        f" {thresholds.BAND_LEAST_BEYOND} of the days beyond {thresholds.BAND_EACH_DAY:g} by themselves: one odd day"
        " does not do it. A public holiday does.",
        (
            ("The scores of single days; above 0 is worse.", bands.SCORE),
            ("The range of the last day.", bands.LOW),
            ("", bands.HIGH),
            COMPLETE,
            ("The numbers themselves.", "tenure kpi --window 1d"),
            SOURCES,
        ),
        (
            "Find the first of the days: what was released, sent, priced or switched off then?",
            "See whether its feeds came ([EventSourceSlow](EventSourceSlow.md)).",
            "A change that was meant to be: silence it for this KPI for two weeks; the range moves with it.",
        ),
    ),
}
