"""Alerts of feeds and of freshness, with the real promtool: what does not come must be noticed, and nothing else."""

from __future__ import annotations

import re

import pytest

from monitoring.feeds import EXPECTED
from tests.monitoring.boards import boards, panels
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


def test_page_of_a_feed_leads_to_the_board_that_says_whether_it_is_refused() -> None:
    """The board of the stream knows no feeds; and "0 in 15m are usual" is no help at three in the morning."""
    case = FIRE[0]
    scenario = case.build().put(EXPECTED, 0, type="cancel", source="billing", span="3h")
    (page, *_) = scenario.firing(case.alert, case.at)
    assert page.annotations["dashboard_url"] == "https://grafana.example/d/tenure-feeds"
    assert re.search(r"usual now: [1-9]\d* in 15m\)", page.text)
    refused = [panel["title"] for panel in panels(boards()["tenure-feeds"])]
    assert "Feeds, of the last 24 hours" in refused
