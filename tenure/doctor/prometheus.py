"""Diagnosis of Prometheus: whether it reads every worker, has the rules, and reaches an Alertmanager."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from tenure.doctor.findings import Diagnosed, fault, ok, warning
from tenure.doctor.web import NoAnswer, Web

AREA: Final = "prometheus"
#: groups of rules are named so in prometheus/rules
RULES_PREFIX: Final = "tenure"


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


async def _value(web: Web, expression: str) -> float | None:
    found = await web.get("/api/v1/query", query=expression)
    result = found["data"]["result"]
    return float(result[0]["value"][1]) if result else None


async def _workers(web: Web) -> list[Diagnosed]:
    targets = (await web.get("/api/v1/targets", state="active"))["data"]["activeTargets"]
    workers = {instance async for instance in _instances(web)}
    down = [target for target in targets if target["health"] != "up"]
    found = [
        fault(
            AREA,
            f"{target['scrapeUrl']} is not read: {target['lastError'] or target['health']}",
            "start it, or correct the target in Prometheus' configuration",
        )
        for target in down
    ]
    if not workers:
        advice = "add every worker's /metrics as a target: docs/metrics.md"
        return [*found, fault(AREA, f"{web.url} reads no worker: no sample of tenure_build_info", advice)]
    found.append(ok(AREA, f"{web.url} reads {len(workers)} worker{'' if len(workers) == 1 else 's'}"))
    complete = await _value(web, "stream:complete:bool")
    if complete is None:
        advice = "load prometheus/rules, and make every worker a target"
        found.append(warning(AREA, "stream:complete:bool has no sample: recording rules are not loaded", advice))
    elif complete != 1:
        advice = "every partition needs one worker that Prometheus reads: compare the targets with the group's members"
        found.append(fault(AREA, "the samples do not cover every partition once: KPIs have no value now", advice))
    return found


async def _instances(web: Web) -> AsyncIterator[str]:
    for series in (await web.get("/api/v1/query", query="tenure_build_info"))["data"]["result"]:
        yield series["metric"].get("instance", "")


async def _rules(web: Web) -> list[Diagnosed]:
    groups = (await web.get("/api/v1/rules"))["data"]["groups"]
    ours = [group for group in groups if group["name"].startswith(RULES_PREFIX)]
    rules: list[dict[str, Any]] = [rule for group in ours for rule in group["rules"]]
    alerts = [rule for rule in rules if rule["type"] == "alerting"]
    if not alerts:
        return [fault(AREA, "no alert of Tenure is loaded: nobody would be paged", "load prometheus/rules/*.yml")]
    broken = [rule for rule in rules if rule["health"] == "err"]
    found = [
        fault(AREA, f"the rule {rule['name']} fails: {rule['lastError']}", "load the rules of this version")
        for rule in broken
    ]
    return [*found, ok(AREA, f"{len(rules)} rules are loaded, {len(alerts)} of them alerts")]


async def _alertmanagers(web: Web) -> list[Diagnosed]:
    active = (await web.get("/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
    if active:
        return []
    advice = "name an Alertmanager in the section `alerting` of Prometheus' configuration"
    return [fault(AREA, "Prometheus knows no Alertmanager: alerts reach nobody", advice)]


async def _firing(web: Web) -> list[Diagnosed]:
    alerts = (await web.get("/api/v1/alerts"))["data"]["alerts"]
    names = sorted({alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"})
    if not names:
        return []
    return [warning(AREA, f"firing now: {', '.join(names)}", "docs/runbooks has a page for each")]


async def alertmanager_of(web: Web) -> str | None:
    """Return the address of the first Alertmanager that a Prometheus knows; None where it knows none, or is away."""
    try:
        active = (await web.get("/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
    except NoAnswer:
        return None
    return active[0]["url"].removesuffix("/api/v2/alerts") if active else None
