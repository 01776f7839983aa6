"""Alerts of KPIs against their targets, with the real promtool."""

from __future__ import annotations

import pytest

from tests.monitoring.case import Case, flaws_of
from tests.monitoring.kpi_cases import FIRE, QUIET


@pytest.mark.parametrize("case", FIRE, ids=str)
def test_kpi_alert_fires_where_its_target_is_surely_missed(case: Case) -> None:
    """An alert that cannot fire is worse than none: somebody relies on it."""
    found = case.found()
    assert found
    assert [flaw for alert in found for flaw in flaws_of(alert)] == []


@pytest.mark.parametrize("case", QUIET, ids=str)
def test_kpi_alert_is_quiet_where_nothing_is_sure(case: Case) -> None:
    """Whoever was woken for nothing does not get up the next time."""
    assert case.found() == []
