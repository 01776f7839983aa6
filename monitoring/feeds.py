"""Recording rules of the flow of events, feed by feed: a feed is an event type from one source.

What is usual is said by the same hours of the last weeks; where Prometheus is younger than a week, by the same hours of
the last days of the same kind, working days or weekend. Source: docs/alerting.md, section Feeds.
"""

from collections.abc import Iterator
from typing import Final

from monitoring.alerts import thresholds
from monitoring.alerts.rule import Recording
from monitoring.promql import seen, span_of

FEED: Final = "type, source"
EXPECTED: Final = "feed:events_expected:sum"
EXPECTED_OF_TYPE: Final = "type:events_expected:sum"
CAME_IN_A_DAY: Final = "type:events_applied:increase1d"
MENDED: Final = "member:events_mended:increase1d"
_DAY_HOURS: Final = 24
_WEEK_HOURS: Final = 7 * _DAY_HOURS


def came(span: str) -> str:
    """Return the series of how many events of each feed came in a span."""
    return f"feed:events_applied:increase{span}"


def rules() -> Iterator[Recording]:
    """Yield how many events of a feed came in a span, and how many usually do; the same of types; and what is mended.

    Spans in which history was loaded are not usual ones. Of each day the least of the hours around is taken, so that
    neither a change of the clocks nor a job that runs a little later looks like silence.
    """
    for span in thresholds.QUIET_SPANS:
        yield Recording(came(span), _rise("tenure_feed_events_total", FEED, span))
        yield Recording(EXPECTED, _usual(span), {"span": span})
        yield Recording(f"type:events_applied:increase{span}", f"sum by (type) ({came(span)})")
        yield Recording(EXPECTED_OF_TYPE, f'sum by (type) ({EXPECTED}{{span="{span}"}})', {"span": span})
    # A day that was seen in part is no usual day.
    mended = _rise("tenure_events_mended_total", "member", "1d")
    yield Recording(MENDED, f"{mended}\nand on () {seen('stream:incomplete:bool', '1d')}")


def _usual(span: str) -> str:
    weeks = [_of_then(span, _WEEK_HOURS * n, "") for n in range(1, thresholds.QUIET_WEEKS + 1)]
    counted = range(1, thresholds.QUIET_DAYS + 1)
    days = [_of_then(span, _DAY_HOURS * n, f"\n    and on () ({_same_kind(span, n)})") for n in counted]
    of_weeks, of_days = ("\n  or ".join(parts) for parts in (weeks, days))
    return f"avg by ({FEED}) (\n  {of_weeks}\n)\nor avg by ({FEED}) (\n  {of_days}\n)"


def _of_then(span: str, hours: int, condition: str) -> str:
    """Return what came in the least of the spans that ended around so many hours ago."""
    shift = thresholds.QUIET_SHIFT_HOURS
    least = f"min_over_time({came(span)}[{2 * shift}h] offset {hours - shift}h){condition}"
    return f'label_replace({least}, "ago", "{hours}", "", "")'


def _same_kind(span: str, days: int) -> str:
    """Return the condition that a span so many days ago began and ended on days of the kind of today's span."""
    ends = (0, int(span_of(span).total_seconds()))
    return " and ".join(f"{_weekend(end + days * 86_400)} == {_weekend(end)}" for end in dict.fromkeys(ends))


def _weekend(seconds_ago: int) -> str:
    """Return 1 where it was a weekend so long ago, else 0."""
    return f"(day_of_week(vector(time() - {seconds_ago - int(thresholds.TIME_ZONE_HOURS * 3600)})) % 6 == bool 0)"


def _rise(counter: str, labels: str, span: str) -> str:
    """Return the rise of a counter in a span, over all workers; absent where history was loaded in it."""
    loading = f"max_over_time(stream:backfill:bool[{span}]) == 1"
    return f"sum by ({labels}) (increase({counter}[{span}]))\nunless on () {loading}"
