"""The golden case: one log in which the four definitions of churn differ.

Definitions: section 4, "Golden case".
"""

from datetime import UTC, datetime

from tests.recount.short_events import Event, cancel, signup

#: The instant that its figures are as of, over 30 days.
GOLDEN_AT = datetime(2026, 3, 1, tzinfo=UTC)


def golden_log() -> list[Event]:
    """Return 100 customers of the start, 10 new, 12 cancellations: 10 stay away, 1 comes back, 1 is of the new."""
    log = [signup(f"old-{number}", "2026-01-01") for number in range(100)]
    log += [signup(f"new-{number}", "2026-02-10") for number in range(10)]
    log += [cancel(f"old-{number}", "2026-02-15") for number in range(11)]
    return [*log, signup("old-10", "2026-02-20"), cancel("new-0", "2026-02-25")]
