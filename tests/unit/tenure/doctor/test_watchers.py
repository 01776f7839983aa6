"""Prometheus, Alertmanager and Grafana as the doctor sees them: what is ours counts, and any answer is one finding."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.settings.settings import Settings
from tenure.doctor.alertmanager import alertmanager_findings, send_test_page
from tenure.doctor.checks import Addresses, findings
from tenure.doctor.findings import Diagnosed, Level
from tenure.doctor.grafana import grafana_findings
from tenure.doctor.prometheus import prometheus_findings
from tenure.doctor.web import Web

Findings = Callable[[Web], AsyncIterator[Diagnosed]]
SERIES = {"metric": {"job": "ours", "instance": "worker-1"}, "value": [1_772_323_200, "1"]}
TARGETS = [
    {"labels": {"job": "ours"}, "scrapeUrl": "http://worker-2/metrics", "health": "down", "lastError": "refused"},
    {"labels": {"job": "tenure-gateway"}, "scrapeUrl": "http://gateway/metrics", "health": "down", "lastError": ""},
    {"labels": {"job": "node"}, "scrapeUrl": "http://node/metrics", "health": "down", "lastError": "refused"},
]
ALERT = {"name": "A", "type": "alerting", "health": "ok"}
RULES = {"name": "tenure-kpis", "rules": [{"name": "stream:complete:bool", "type": "recording", "health": "ok"}, ALERT]}
ALERTS = [
    {"labels": {"alertname": "ChurnAboveTarget", "service": "tenure"}, "state": "firing"},
    {"labels": {"alertname": "DiskFull"}, "state": "firing"},
]
PROMETHEUS = {
    "/api/v1/query": {"data": {"result": [SERIES]}},
    "/api/v1/targets": {"data": {"activeTargets": TARGETS}},
    "/api/v1/rules": {"data": {"groups": [RULES]}},
    "/api/v1/alertmanagers": {"data": {"activeAlertmanagers": [{"url": "http://127.0.0.1:1/api/v2/alerts"}]}},
    "/api/v1/alerts": {"data": {"alerts": ALERTS}},
}


@asynccontextmanager
async def served(answers: dict[str, Any]) -> AsyncIterator[Web]:
    """Yield a service that answers paths with JSON, and every other path as the path "" says."""

    async def answer(request: web.Request) -> web.Response:
        found = answers.get(request.path, answers.get("", {}))
        return web.Response(body=found if isinstance(found, bytes) else json.dumps(found).encode())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Web(session, f"http://admin:hidden@{server.host}:{server.port}")


async def found_by(check: Findings, answers: dict[str, Any]) -> list[Diagnosed]:
    """Return what a check finds of a service with these answers."""
    async with served(answers) as service:
        return [each async for each in check(service)]


def configured(config: str) -> dict[str, Any]:
    """Return the answers of an Alertmanager with a configuration."""
    return {"/api/v2/status": {"config": {"original": config}}, "/api/v2/silences": []}


async def test_alerts_and_targets_of_others_are_not_told() -> None:
    """A Prometheus reads the whole company: a disk that is full elsewhere is no fault of the stream."""
    found = await found_by(prometheus_findings, PROMETHEUS)
    faults = [each.what for each in found if each.level is Level.FAULT]
    assert faults == ["http://worker-2/metrics is not read: refused", "http://gateway/metrics is not read: down"]
    assert [each.what for each in found if each.level is Level.WARNING] == ["firing now: ChurnAboveTarget"]


def cause(name: str, count: str) -> dict[str, Any]:
    """Return a sample of what makes numbers incomplete."""
    return {"metric": {"instance": "worker-1", "cause": name}, "value": [1_772_323_200, count]}


@pytest.mark.parametrize(
    ("samples", "rules", "level", "words"),
    [
        (
            [cause("not_counted", "3"), cause("unowned", "3")],
            RULES,
            Level.FAULT,
            "no value now: unowned 3, not_counted 3",
        ),
        ([], RULES, Level.WARNING, "stream:complete:bool is loaded and has no sample yet"),
        ([SERIES], {**RULES, "rules": [ALERT]}, Level.WARNING, "rule stream:complete:bool is not loaded"),
    ],
)
async def test_incomplete_numbers_are_told_with_their_cause_and_not_as_rules_that_lack(
    samples: list[dict[str, Any]], rules: dict[str, Any], level: Level, words: str
) -> None:
    """The sum has no sample while a worker's partitions move: whoever loads rules that are loaded loses time."""
    answers = {
        **PROMETHEUS,
        "/api/v1/query": {"data": {"result": samples}},
        "/api/v1/rules": {"data": {"groups": [rules]}},
    }
    told = [each for each in await found_by(prometheus_findings, answers) if words in each.what]
    assert [each.level for each in told] == [level]


@pytest.mark.parametrize("answer", [{}, [], None, {"data": None}, {"data": {"result": [{}]}}, [1], b"<html>", b"\xff"])
@pytest.mark.parametrize("check", [prometheus_findings, alertmanager_findings, grafana_findings])
async def test_service_that_answers_with_something_else_is_one_fault(check: Findings, answer: Any) -> None:
    """The port may be another's; a traceback would hide all findings that come after it."""
    if check is grafana_findings and answer == []:
        answer = {"boards": 0}
    found = await found_by(check, {"": answer})
    assert [each.level for each in found] == [Level.FAULT]
    assert "answers with something else than expected" in found[0].what


@pytest.mark.parametrize(
    "config", ["", "route: 7", "route: {", "route: {matchers: 7}", "[]", "receivers: [7]\nroute: {}"]
)
async def test_configuration_of_alertmanager_that_is_none_is_one_fault(config: str) -> None:
    """It is text out of a file of somebody's."""
    (found,) = await found_by(alertmanager_findings, configured(config))
    assert (found.level, "is none of Alertmanager" in found.what) == (Level.FAULT, True)


@pytest.mark.parametrize("matcher", [r'alertname =~ "\\pL+"', '"a b" = "c"', "{severity=page}"])
async def test_route_that_cannot_be_judged_here_is_told_with_what_judges_it(matcher: str) -> None:
    """Alertmanager's patterns are RE2's: a receiver that is guessed would be believed."""
    config = json.dumps({"route": {"receiver": "all", "routes": [{"matchers": [matcher]}]}, "receivers": []})
    found = await found_by(alertmanager_findings, configured(config))
    assert [each.level for each in found] == [Level.WARNING, Level.WARNING]
    assert "amtool config routes test severity=page" in found[0].advice


@pytest.mark.parametrize("check", [prometheus_findings, alertmanager_findings, grafana_findings])
async def test_password_in_an_address_is_shown_nowhere(check: Findings) -> None:
    """Findings are pasted into tickets."""
    others: list[dict[str, Any]] = [{"": {}}, PROMETHEUS, {"/api/health": {}, "/api/search": []}]
    for answers in others:
        assert "hidden" not in repr(await found_by(check, answers))
    for address in (
        "http://admin:hidden@127.0.0.1:1",
        "http://admin:hidden@",
        "admin:hidden@host",
        "http://a:hidden@h:x",
    ):
        async with aiohttp.ClientSession() as session:
            found = [each async for each in check(Web(session, address))]
        assert [each.level for each in found] == [Level.FAULT]
        assert "hidden" not in repr(found)


async def test_test_page_is_told_with_the_receivers_that_it_was_given_to() -> None:
    """Whoever is not paged wants to know where it went."""
    found = await found_of_test_page({"page-team": True}, [("page", "page-team"), ("warn", "warn-team")])
    assert (found.level, "was given to: page-team;" in found.what) == (Level.OK, True)


async def test_test_page_that_leads_nowhere_is_a_fault() -> None:
    """Another finding of the same run says that nobody hears such alerts: this one must not call it well."""
    found = await found_of_test_page({"page-team": False}, [("page", "page-team")])
    assert found.level is Level.FAULT
    assert "was given to: page-team; without a destination nobody hears it" in found.what


async def test_test_page_that_no_receiver_has_is_no_success() -> None:
    """Alertmanager has taken it, and that is not yet a page."""
    assert (await found_of_test_page({"page-team": True}, [])).level is Level.WARNING


async def found_of_test_page(receivers: dict[str, bool], taken: list[tuple[str, str]]) -> Diagnosed:
    """Return what is found of a test page of severity page.

    Args:
        receivers: By name, whether it has a destination.
        taken: Severity and receiver of each test page that Alertmanager shows.
    """
    webhooks = [{"url": "http://127.0.0.1:1/"}]
    config = {
        "route": {"receiver": "page-team"},
        "receivers": [{"name": name, "webhook_configs": webhooks if led else []} for name, led in receivers.items()],
    }
    shown = [{"labels": {"severity": severity}, "receivers": [{"name": name}]} for severity, name in taken]
    async with served({**configured(json.dumps(config)), "/api/v2/alerts": shown}) as service:
        (found,) = [each async for each in send_test_page(service, "page")]
    return found


async def test_test_page_that_nobody_is_there_to_take_is_a_fault(nothing_set: None) -> None:
    """Whoever asks for a page and sees no fault believes that it was sent."""
    del nothing_set
    away = Settings(kafka_bootstrap="127.0.0.1:1", redis_url="redis://127.0.0.1:1/0")
    found = [each async for each in findings(away, Addresses(), "page")]
    assert [(each.area, each.level) for each in found if "test page" in each.what] == [("alertmanager", Level.FAULT)]
    assert [each.area for each in found if each.level is Level.FAULT] == ["kafka", "redis", "alertmanager"]
