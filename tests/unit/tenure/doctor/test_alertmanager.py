"""Routes of Alertmanager: which receiver an alert has, and whether anybody is behind it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tenure.doctor.alertmanager import alertmanager_findings, has_destination
from tests.tidy.repository import ROOT
from tests.unit.tenure.doctor.test_watchers import configured, found_by

ROUTES: dict[str, Any] = yaml.safe_load(
    """
    receiver: all
    routes:
      - matchers: ['severity = page', alertname =~ "Tenure.*|b"]
        receiver: pager
        routes:
          - match: {service: other}
            receiver: pager_of_another
      - match_re: {severity: "page|warn"}
        routes:
          - matchers: ['service != "tenure"']
            receiver: not_ours
      - matchers: ['severity !~ "page|warn"']
        receiver: rest
    """
)


def with_first(**changes: Any) -> dict[str, Any]:
    """Return the routes with another first one."""
    first, *others = ROUTES["routes"]
    return {**ROUTES, "routes": [{**first, **changes}, *others]}


async def receivers_of(route: dict[str, Any]) -> list[str]:
    """Return the receivers of alerts of severity page and warn, as the doctor says them; each has a destination."""
    names = ("all", "pager", "pager_of_another", "not_ours", "rest", "page", "warn", "nobody")
    receivers = [{"name": name, "webhook_configs": [{"url": "http://127.0.0.1:1/"}]} for name in names]
    found = await found_by(alertmanager_findings, configured(json.dumps({"route": route, "receivers": receivers})))
    return [each.what.rpartition(" ")[2] for each in found]


@pytest.mark.parametrize(
    ("route", "receivers"),
    [
        (ROUTES, ["pager", "all"]),
        (
            with_first(routes=[{"match": {"service": "tenure"}, "receiver": "pager_of_another"}]),
            ["pager_of_another", "all"],
        ),
        (with_first(matchers=['alertname =~ "Ten"']), ["all", "all"]),
        (with_first(matchers=['severity !~ "page|info"']), ["all", "pager"]),
        (with_first(matchers=['severity != "page"'], receiver=None), ["all", "all"]),
    ],
    ids=["own", "nested", "whole", "not-like", "inherited"],
)
async def test_first_route_that_matches_decides_and_inherits(route: dict[str, Any], receivers: list[str]) -> None:
    """What amtool says of the same trees."""
    assert await receivers_of(route) == receivers


async def test_shipped_routes_lead_where_the_file_says() -> None:
    """The file that people begin with."""
    config = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    assert await receivers_of(config["route"]) == ["page", "warn"]


def test_receiver_without_entries_has_no_destination() -> None:
    """As it is shipped: alerts are seen in Alertmanager and nowhere else."""
    assert not has_destination({"name": "page"})
    assert not has_destination({"name": "page", "webhook_configs": []})
    assert has_destination({"name": "page", "webhook_configs": [{"url": "http://127.0.0.1:1/"}]})
