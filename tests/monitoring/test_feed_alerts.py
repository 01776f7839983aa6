"""Alerts of feeds and of freshness, with the real promtool: what does not come must be noticed, and nothing else."""

from __future__ import annotations

import pytest

from tests.monitoring.case import Case, flaws_of
from tests.monitoring.feed_cases import FIRE, QUIET


@pytest.mark.parametrize("case", FIRE, ids=str)
def test_feed_alert_fires_where_events_are_missing_or_late(case: Case) -> None:
    """A feed that is silent, or half of it, looks like a good day."""
    found = case.found()
    assert found
    assert [flaw for alert in found for flaw in flaws_of(alert)] == []


@pytest.mark.parametrize("case", QUIET, ids=str)
def test_feed_alert_is_quiet_where_the_calendar_or_a_test_explains_it(case: Case) -> None:
    """Weekends, restarts, changes of the clocks and somebody's five test events come every week."""
    assert case.found() == []
