"""Days of invented customers' lives, counted from the first of 2025."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def day(number: float) -> str:
    """Return an instant so many days after the beginning of 2025, as events have it."""
    moment = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
