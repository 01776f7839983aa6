"""Alerts about what producers send that is applied and says nothing, with the real promtool."""

from __future__ import annotations

import pytest

from tests.monitoring.case import Case, flaws_of
from tests.monitoring.producer_cases import FIRE, QUIET, SENT_A_DAY, without_effect


@pytest.mark.parametrize("case", FIRE, ids=str)
def test_producer_alert_fires_where_events_do_not_say_what_they_should(case: Case) -> None:
    """Cancels without effect look like customers who stay: somebody must ask their producer."""
    found = case.found()
    assert found
    assert [flaw for alert in found for flaw in flaws_of(alert)] == []


@pytest.mark.parametrize("case", QUIET, ids=str)
def test_producer_alert_is_quiet_where_nobody_has_to_be_asked(case: Case) -> None:
    """Facts that arrive before their signups, known sloppiness and loaded history are every-day business."""
    assert case.found() == []


def test_alert_says_how_many_of_what_and_which_command_names_them() -> None:
    """A share alone says nothing of whom to ask."""
    scenario = without_effect("cancel", SENT_A_DAY // 20)
    labels = {"instance": "a", "window": "1d", "dimension": "all", "value": "", "kind": "pause"}
    scenario.put("tenure_facts_without_effect", 3, **labels)
    (found,) = scenario.firing("FactsWithoutEffect", 358)
    amount = SENT_A_DAY // 20
    assert found.annotations["summary"] == f"{amount} facts of the last day did nothing: cancel, about 5% of what came"
    assert f"by kind: cancel {amount}; pause 3.\n" in found.text
    assert "First: tenure explain facts_without_effect names them" in found.text
