"""Diagnosis of Prometheus: whether it reads every worker, has the rules, and reaches an Alertmanager."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from schemas.wording import counted
from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.doctor.web import NoAnswer, Web

AREA: Final = "prometheus"
#: groups of rules are named so in prometheus/rules
RULES_PREFIX: Final = "tenure"
#: what Prometheus may read beside these is not ours
JOBS: Final = frozenset({"tenure", "tenure-gateway"})
SERVICE: Final = "tenure"
"""The label `service` of every alert of ours."""


class _Series(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Result(msgspec.Struct):
    result: list[_Series]


class _Queried(msgspec.Struct):
    data: _Result


class _Target(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    scrape_url: str
    health: str
    last_error: str = ""


class _ActiveTargets(msgspec.Struct, rename="camel"):
    active_targets: list[_Target]


class _Targets(msgspec.Struct):
    data: _ActiveTargets


class _Rule(msgspec.Struct, rename="camel"):
    name: str
    type: str
    health: str
    last_error: str = ""


class _RuleGroup(msgspec.Struct):
    name: str
    rules: list[_Rule]


class _RuleGroups(msgspec.Struct):
    groups: list[_RuleGroup]


class _Rules(msgspec.Struct):
    data: _RuleGroups


class _Alertmanager(msgspec.Struct):
    url: str


class _ActiveAlertmanagers(msgspec.Struct, rename="camel"):
    active_alertmanagers: list[_Alertmanager]


class _Alertmanagers(msgspec.Struct):
    data: _ActiveAlertmanagers


class _Alert(msgspec.Struct):
    labels: dict[str, str]
    state: str


class _Alerts(msgspec.Struct):
    alerts: list[_Alert]


class _AlertsNow(msgspec.Struct):
    data: _Alerts


async def prometheus_findings(web: Web) -> AsyncIterator[Diagnosed]:
    """Yield what there is to say of a Prometheus; nothing but a fault where it does not answer."""
    try:
        for finding in [
            *await _workers(web),
            *await _rules(web),
            *await _alertmanagers(web),
            *await _firing(web),
        ]:
            yield finding
    except NoAnswer as silence:
        yield fault(AREA, str(silence), "start Prometheus, or name its address with --prometheus")


async def _queried(web: Web, expression: str) -> list[_Series]:
    return (await web.get("/api/v1/query", _Queried, query=expression)).data.result


async def _workers(web: Web) -> list[Diagnosed]:
    targets = (await web.get("/api/v1/targets", _Targets, state="active")).data.active_targets
    series = await _queried(web, "tenure_build_info")
    ours = JOBS | {each.metric.get("job", "") for each in series}
    found = [
        fault(
            AREA,
            f"{target.scrape_url} is not read: {target.last_error or target.health}",
            "start it, or correct the target in Prometheus' configuration",
        )
        for target in targets
        if target.health != "up" and target.labels.get("job", "") in ours
    ]
    workers = {each.metric.get("instance", "") for each in series}
    if not workers:
        advice = "add every worker's /metrics as a target: docs/metrics.md"
        return [*found, fault(AREA, f"{web.url} reads no worker: no sample of tenure_build_info", advice)]
    found.append(ok(AREA, f"{web.url} reads {counted(len(workers), 'workers')}"))
    complete = await _queried(web, "stream:complete:bool")
    if not complete:
        advice = "load prometheus/rules, and make every worker a target"
        found.append(warning(AREA, "stream:complete:bool has no sample: recording rules are not loaded", advice))
    elif complete[0].value[1] != "1":
        advice = "every partition needs one worker that Prometheus reads: compare the targets with the group's members"
        found.append(fault(AREA, "the samples do not cover every partition once: KPIs have no value now", advice))
    return found


async def _rules(web: Web) -> list[Diagnosed]:
    groups = (await web.get("/api/v1/rules", _Rules)).data.groups
    rules = [rule for group in groups if group.name.startswith(RULES_PREFIX) for rule in group.rules]
    alerts = [rule for rule in rules if rule.type == "alerting"]
    if not alerts:
        return [fault(AREA, "no alert of Tenure is loaded: nobody would be paged", "load prometheus/rules/*.yml")]
    found = [
        fault(AREA, f"the rule {rule.name} fails: {rule.last_error}", "load the rules of this version")
        for rule in rules
        if rule.health == "err"
    ]
    return [*found, ok(AREA, f"{counted(len(rules), 'rules')} loaded, {len(alerts)} of them alerts")]


async def _known_alertmanagers(web: Web) -> list[_Alertmanager]:
    return (await web.get("/api/v1/alertmanagers", _Alertmanagers)).data.active_alertmanagers


async def _alertmanagers(web: Web) -> list[Diagnosed]:
    if await _known_alertmanagers(web):
        return []
    advice = "name an Alertmanager in the section `alerting` of Prometheus' configuration"
    return [fault(AREA, "Prometheus knows no Alertmanager: alerts reach nobody", advice)]


async def _firing(web: Web) -> list[Diagnosed]:
    alerts = (await web.get("/api/v1/alerts", _AlertsNow)).data.alerts
    ours = [alert for alert in alerts if alert.state == "firing" and alert.labels.get("service") == SERVICE]
    if not ours:
        return []
    names = sorted({alert.labels.get("alertname", "") for alert in ours})
    return [warning(AREA, f"firing now: {', '.join(names)}", "docs/runbooks has a page for each")]


async def alertmanager_of(web: Web) -> str | None:
    """Return the address of the first Alertmanager that a Prometheus knows; None where it knows none, or is away."""
    try:
        known = await _known_alertmanagers(web)
    except NoAnswer:
        return None
    return known[0].url.removesuffix("/api/v2/alerts") if known else None
