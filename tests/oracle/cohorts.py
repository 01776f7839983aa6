"""Cohorts, recounted customer by customer and period by period.

Independent of the product and slow on purpose: it asks the calendar for every period of every customer.
Definitions: docs/definitions.md, section 5.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.oracle.options import DEFAULTS, EPOCH, Options, instant_ms
from tests.oracle.timelines import Timeline, read


@dataclass
class Row:
    """One cohort: `lived[k]` are those whose first signup + k periods lies at or before T, `there[k]` the active."""

    size: int = 0
    lived: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    there: dict[int, int] = field(default_factory=lambda: defaultdict(int))


def cohort_rows(
    log: Iterable[bytes | Mapping[str, object]],
    *,
    at: datetime,
    period: str,
    by: str | None = None,
    options: Options = DEFAULTS,
) -> dict[str, dict[str, Row]]:
    """Return the cohorts of each value of a dimension, by name; all customers are under "" where there is none.

    Args:
        log: Records in any order.
        at: T, aware.
        period: "month" or "week".
        by: A dimension; values are those of the fact that made the customer new.
        options: Settings that the numbers depend on.
    """
    zone = ZoneInfo(options.time_zone)
    tables: dict[str, dict[str, Row]] = {}
    for timeline in read(log, options).timelines.values():
        first = timeline.first_signup()
        if first is None or first.occurred_at_ms >= instant_ms(at):
            continue
        signed_up = (EPOCH + timedelta(milliseconds=first.occurred_at_ms)).astimezone(zone)
        row = tables.setdefault(value_of(timeline, by), {}).setdefault(name_of(signed_up, period), Row())
        row.size += 1
        k = 1
        while instant_ms(later(signed_up, k, period)) <= instant_ms(at):
            row.lived[k] += 1
            row.there[k] += timeline.state_at(instant_ms(later(signed_up, k, period))).active
            k += 1
    return tables


def value_of(timeline: Timeline, by: str | None) -> str:
    """Return the customer's value in a dimension, as the fact that made it new has it."""
    if by is None:
        return ""
    if by == "plan":
        first = timeline.first_signup()
        assert first is not None
        return first.plan
    return timeline.attributes[by]


def name_of(local: datetime, period: str) -> str:
    """Return the name of the calendar month, or ISO week, of a local time."""
    if period == "month":
        return f"{local:%Y-%m}"
    year, week, _ = local.isocalendar()
    return f"{year}-W{week:02}"


def later(local: datetime, periods: int, period: str) -> datetime:
    """Return the local time so many periods later: clipped to the month's last day, and with fold 0."""
    if period == "week":
        return (local.replace(tzinfo=None) + timedelta(days=7 * periods)).replace(tzinfo=local.tzinfo, fold=0)
    year, month = local.year, local.month + periods
    while month > 12:
        year, month = year + 1, month - 12
    return local.replace(year=year, month=month, day=min(local.day, monthrange(year, month)[1]), fold=0)
