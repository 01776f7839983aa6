"""Recording rules of what is refused: dead letters beside what was applied, in a span, by reason and by feed.

To Prometheus a counter has not risen at its first look, though all that it holds may have come since the worker
started a minute ago. It is counted here where it is known to have come within the span.
Source: docs/alerting.md, section Feeds.
"""

from collections.abc import Iterator
from typing import Final

from monitoring.alerts import thresholds
from monitoring.alerts.rule import Recording
from monitoring.feeds import FEED
from monitoring.promql import span_of
from schemas import instruments as known

SPAN: Final = "30m"
"""Of what is told by reason."""
BY_REASON: Final = f"reason:dead_letters:rise{SPAN}"
APPLIED: Final = f"stream:events_applied:rise{SPAN}"


def of_feeds(span: str) -> str:
    """Return the series of how many events of each feed were refused in a span."""
    return f"feed:dead_letters:rise{span}"


def taken_of_feeds(span: str) -> str:
    """Return the series of how many events of each feed were not refused in a span."""
    return f"feed:events_taken:rise{span}"


def rules() -> Iterator[Recording]:
    """Yield them; each is 0 where nothing came, and absent where no worker answered."""
    yield Recording(BY_REASON, f"sum by (reason) ({risen(known.DEAD_LETTERS.name, SPAN)})")
    yield Recording(APPLIED, f"sum({risen(known.EVENTS_APPLIED.name, SPAN)})")
    for span in dict.fromkeys((SPAN, *thresholds.REFUSED_SPANS)):
        yield Recording(of_feeds(span), f"sum by ({FEED}) ({risen(known.FEED_DEAD_LETTERS.name, span)})")
        yield Recording(taken_of_feeds(span), f"sum by ({FEED}) ({risen(known.FEED_EVENTS.name, span)})")


def risen(counter: str, span: str) -> str:
    """Return by how much a worker's counter rose in a span, with what it had at the first look where that is of it.

    That is so where the worker started in the span, and where Prometheus looked at it before the span and did not see
    the counter yet. A new Prometheus cannot know of what a worker of last week has counted when that came.
    """
    started, seconds = known.STARTED.name, int(span_of(span).total_seconds())
    rise = f"increase({counter}[{span}])"
    first = (
        f"(min_over_time({counter}[{span}]) unless {counter} offset {span}\n"
        f"    and on (job, instance) ({started} > time() - {seconds} or {started} offset {span}))"
    )
    return f"\n  {rise} + {first}\n  or {rise}\n  or {first}\n"
