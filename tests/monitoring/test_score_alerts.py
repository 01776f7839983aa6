"""Alerts that compare with the past, with the real promtool: no target is needed for them."""

from __future__ import annotations

import pytest

from tests.monitoring.case import Case, flaws_of
from tests.monitoring.score_cases import FIRE, QUIET


@pytest.mark.parametrize("case", FIRE, ids=str)
def test_score_alert_fires_where_the_past_is_surely_left(case: Case) -> None:
    """A spike that nobody hears of is what the product is there to prevent."""
    found = case.found()
    assert found
    assert [flaw for alert in found for flaw in flaws_of(alert)] == []


@pytest.mark.parametrize("case", QUIET, ids=str)
def test_score_alert_is_quiet_where_the_calendar_or_chance_explains_it(case: Case) -> None:
    """Weekends, changes of the clocks, growth and small numbers come every week; spikes do not."""
    assert case.found() == []
