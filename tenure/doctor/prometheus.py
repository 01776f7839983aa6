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
_COMPLETE: Final = "stream:complete:bool"
_INCOMPLETE: Final = "stream:incomplete:partitions"
_FOLLOWS: Final = "not_counted"
"""The cause that comes of others: it is named after them."""


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
        loaded = await _loaded_rules(web)
        for finding in [
            *await _workers(web),
            *await _completeness(web, loaded),
            *_rules(loaded),
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
    return found


async def _completeness(web: Web, loaded: list[_Rule]) -> list[Diagnosed]:
    """Return what makes numbers incomplete: `stream:complete:bool` is 1, or has no sample while there is a cause."""
    if not any(rule.name == _COMPLETE for rule in loaded):
        return [warning(AREA, f"the recording rule {_COMPLETE} is not loaded", "load prometheus/rules/*.yml")]
    found = await _queried(web, f"{_INCOMPLETE} or {_COMPLETE}")
    causes = {each.metric["cause"]: each.value[1] for each in found if "cause" in each.metric}
    if causes:
        named = ", ".join(f"{cause} {causes[cause]}" for cause in sorted(causes, key=lambda it: (it == _FOLLOWS, it)))
        advice = "look again in a minute; if it stays so, docs/runbooks/TenureIncomplete.md has a remedy for each"
        return [fault(AREA, f"numbers are incomplete, and KPIs have no value now: {named}", advice)]
    if not found:
        advice = "look again in a minute; if it stays so, read the log of Prometheus"
        return [warning(AREA, f"{_COMPLETE} is loaded and has no sample yet", advice)]
    return []


async def _loaded_rules(web: Web) -> list[_Rule]:
    groups = (await web.get("/api/v1/rules", _Rules)).data.groups
    return [rule for group in groups if group.name.startswith(RULES_PREFIX) for rule in group.rules]


def _rules(rules: list[_Rule]) -> list[Diagnosed]:
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
