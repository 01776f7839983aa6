"""The job of all counts: what cells by hour say of a report's windows. Columns.java has the same columns in this order.

Source of each count: docs/definitions.md, section 3. Only what the job's events can bring about is there: customers of
one subscription, no trials, pauses, activity and renewals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.catalogue.windows import WINDOW_DAYS

LEVELS: Final = ("customers_active", "mrr")
"""Changes within an hour; a sum over all hours before T is the count as of T."""
HAPPENED: Final = (
    "signups", "customers_new", "customers_reactivated", "cancellations", "cancellations_involuntary", "upgrades",
    "downgrades", "mrr_new", "mrr_reactivated", "mrr_churned", "mrr_expansion", "mrr_contraction", "dropoff_matured",
    "dropoff_cancelled", "dropoff_silent_matured", "dropoff_silent", "survey_sent", "survey_answered",
    "survey_dismissed", "nps_promoters", "nps_passives", "nps_detractors", "change", "cancel",
)  # fmt: skip
"""What happened in an hour; a sum over a window's hours is its count. The last two are facts without effect."""
DAYS: Final = WINDOW_DAYS
SLIDING: Final = (
    "customers_retained", "mrr_retained_gross", "mrr_retained_net", "cancellations_of_new", "customers_engaged",
)  # fmt: skip
"""For each of DAYS: changes of a window's count as its end moves over an hour."""


def windows_of(cells: Mapping[int, Sequence[int]], end_hour: int) -> dict[str, dict[str, int]]:
    """Return the counts of each window as of the start of an hour (hours since 1970), by the names of reports.

    Args:
        cells: Values in the order of LEVELS, HAPPENED and, for each of DAYS, SLIDING, by hour.
        end_hour: T.
    """
    happened = len(LEVELS) + len(HAPPENED)
    now = _sums(cells, None, end_hour)
    found = {}
    for place, days in enumerate(DAYS):
        start_hour = end_hour - 24 * days
        start, within = _sums(cells, None, start_hour), _sums(cells, start_hour, end_hour)
        first = happened + place * len(SLIDING)
        counts = dict(zip(HAPPENED, within[len(LEVELS) :], strict=False))
        counts |= dict(zip(SLIDING, now[first:], strict=False))
        counts |= {"customers_at_start": start[0], "mrr_at_start": start[1]}
        counts["customers_lost"] = start[0] - counts["customers_retained"]
        found[f"{days}d"] = counts | dict(zip(LEVELS, now, strict=False))
    return found


def _sums(cells: Mapping[int, Sequence[int]], first: int | None, end: int) -> list[int]:
    """Return each column's sum over the hours from the first (None: of all before the end) up to the end."""
    width = len(LEVELS) + len(HAPPENED) + len(DAYS) * len(SLIDING)
    sums = [0] * width
    for hour, values in cells.items():
        if hour < end and (first is None or hour >= first):
            sums = [before + value for before, value in zip(sums, values, strict=True)]
    return sums


def differing(report: Mapping[str, Any], windows: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return where counts differ from those of a report of the product, in words."""
    found = []
    for name, counts in windows.items():
        theirs = report["windows"][name]
        theirs = {**theirs, **theirs["facts_without_effect"], **report["totals"]}
        found += [
            f"{count} of {name}: {value} instead of {theirs[count]}"
            for count, value in counts.items()
            if theirs[count] != value
        ]
    return found
