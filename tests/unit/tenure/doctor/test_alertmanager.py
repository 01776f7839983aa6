"""Routes of Alertmanager: which receiver an alert has, and whether anybody is behind it."""

from typing import Any

import pytest
import yaml

from tenure.doctor.alertmanager import has_destination, receiver_of
from tests.tidy.repository import ROOT

ROUTES: dict[str, Any] = yaml.safe_load(
    """
    receiver: all
    routes:
      - matchers: ['severity = page', team =~ "a|b"]
        receiver: pager
        routes:
          - match: {team: b}
            receiver: pager_of_b
      - match_re: {severity: "page|warn"}
        routes:
          - matchers: ['team != "c"']
            receiver: not_c
      - matchers: ['severity !~ "page|warn"']
        receiver: rest
    """
)


@pytest.mark.parametrize(
    ("severity", "team", "receiver"),
    [
        ("page", "a", "pager"),
        ("page", "b", "pager_of_b"),
        ("page", "d", "not_c"),
        ("warn", "c", "all"),
        ("info", "a", "rest"),
    ],
)
def test_first_route_that_matches_decides_and_inherits(severity: str, team: str, receiver: str) -> None:
    """What amtool says of the same tree."""
    assert receiver_of(ROUTES, {"severity": severity, "team": team}) == receiver


def test_shipped_routes_lead_where_the_file_says() -> None:
    """The file that people begin with."""
    config = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    found = [receiver_of(config["route"], {"severity": severity}) for severity in ("page", "warn", "info")]
    assert found == ["page", "warn", "nobody"]


def test_receiver_without_entries_has_no_destination() -> None:
    """As it is shipped: alerts are seen in Alertmanager and nowhere else."""
    assert not has_destination({"name": "page"})
    assert not has_destination({"name": "page", "webhook_configs": []})
    assert has_destination({"name": "page", "webhook_configs": [{"url": "http://127.0.0.1:1/"}]})
