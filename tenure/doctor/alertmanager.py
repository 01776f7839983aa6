"""Diagnosis of Alertmanager: the receiver of each severity, and a test page on request.

Source: Alertmanager's documentation, Configuration (route, matcher, receiver), and its API, version 2.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import yaml

from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.doctor.web import NoAnswer, Web

AREA: Final = "alertmanager"
SEVERITIES: Final = ("page", "warn")
"""Those that somebody has to hear of; `info` is for boards."""
TEST_ALERT: Final = "TenureTestPage"
_TEST_LASTS: Final = dt.timedelta(minutes=5)
_MATCHER: Final = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*')


async def alertmanager_findings(web: Web) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of an Alertmanager; nothing but a fault where it does not answer."""
    try:
        status = await web.get("/api/v2/status")
        silences = await web.get("/api/v2/silences")
    except NoAnswer as silence:
        yield fault(AREA, str(silence), "start Alertmanager, or name its address with --alertmanager")
        return
    config = yaml.safe_load(status["config"]["original"])
    receivers = {each["name"]: each for each in config.get("receivers") or []}
    for severity in SEVERITIES:
        labels = {"severity": severity, "service": "tenure", "alertname": TEST_ALERT}
        name = receiver_of(config["route"], labels)
        if has_destination(receivers.get(name, {})):
            yield ok(AREA, f"alerts of severity {severity} go to the receiver {name}")
        else:
            yield fault(
                AREA,
                f"alerts of severity {severity} go to the receiver {name}, which has no destination: nobody hears them",
                "give it one in the section `receivers` of alertmanager.yml",
            )
    active = [each for each in silences if each["status"]["state"] == "active"]
    if active:
        who = ", ".join(f"{each['createdBy']} until {each['endsAt']}" for each in active)
        yield warning(AREA, f"silenced now: {who}", "expire the silence in Alertmanager if it is no longer wanted")


def receiver_of(route: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """Return the name of the receiver that a tree of routes chooses first for an alert.

    Args:
        route: The root, or a route that matches; it names a receiver, or inherits one.
        labels: Of the alert.
    """
    return _descended(route, labels, str(route.get("receiver", "")))


def _descended(route: Mapping[str, Any], labels: Mapping[str, str], inherited: str) -> str:
    receiver = str(route.get("receiver") or inherited)
    for child in route.get("routes") or []:
        if _matches(child, labels):
            return _descended(child, labels, receiver)
    return receiver


def _matches(route: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    matchers = [_MATCHER.fullmatch(text) for text in route.get("matchers") or []]
    wanted = [match.groups() for match in matchers if match]
    wanted += [(name, "=", str(value)) for name, value in (route.get("match") or {}).items()]
    wanted += [(name, "=~", str(value)) for name, value in (route.get("match_re") or {}).items()]
    return all(_holds(labels.get(name, ""), operator, value) for name, operator, value in wanted)


def _holds(found: str, operator: str, value: str) -> bool:
    if operator in ("=", "!="):
        return (found == value) is (operator == "=")
    return bool(re.fullmatch(value, found)) is (operator == "=~")


def has_destination(receiver: Mapping[str, Any]) -> bool:
    """Tell whether a receiver sends alerts anywhere."""
    return any(name.endswith("_configs") and entries for name, entries in receiver.items())


async def send_test_page(web: Web, severity: str) -> AsyncIterator[Diagnosed]:
    """Send an alert that ends by itself, and yield which receivers Alertmanager gives it to."""
    now = dt.datetime.now(dt.UTC)
    alert = {
        "labels": {"alertname": TEST_ALERT, "severity": severity, "service": "tenure"},
        "annotations": {
            "summary": "A test by `tenure doctor --test-page`: nothing is wrong.",
            "description": "If you were to be paged and were not, look at the receivers in alertmanager.yml.",
        },
        "startsAt": now.isoformat(),
        "endsAt": (now + _TEST_LASTS).isoformat(),
    }
    try:
        await web.post("/api/v2/alerts", [alert])
        taken = await web.get("/api/v2/alerts", filter=f'alertname="{TEST_ALERT}"')
    except NoAnswer as silence:
        yield fault(AREA, f"the test page was not taken: {silence}", "start Alertmanager, or name it: --alertmanager")
        return
    of_severity = [each for each in taken if each["labels"]["severity"] == severity]
    names = ", ".join(sorted({receiver["name"] for each in of_severity for receiver in each["receivers"]}))
    yield ok(AREA, f"a test page of severity {severity} was given to: {names or 'nobody yet'}; it ends in five minutes")
