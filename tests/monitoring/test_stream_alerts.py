"""Alerts of the machine and of targets, with the real promtool."""

from __future__ import annotations

import pytest

from tests.monitoring.case import Case, flaws_of
from tests.monitoring.stream_cases import FIRE, QUIET


@pytest.mark.parametrize("case", FIRE, ids=str)
def test_stream_alert_fires_where_numbers_are_missing_or_in_danger(case: Case) -> None:
    """When numbers are missing, churn seems to have fallen: the machine must speak before people rejoice."""
    found = case.found()
    assert found
    assert [flaw for alert in found for flaw in flaws_of(alert)] == []


@pytest.mark.parametrize("case", QUIET, ids=str)
def test_stream_alert_is_quiet_where_the_machine_mends_itself(case: Case) -> None:
    """Restarts, takeovers and loaded history are every-day business."""
    assert case.found() == []
