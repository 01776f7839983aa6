"""A rule of Prometheus, and the text of a file of rules.

YAML of one shape only, written without a library, so that the same rules are the same bytes everywhere.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

Labels = Mapping[str, str]

PAGE: Final = ".md"
"""Behind the name of a page of docs/, where `devstack.documents` serves it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule.

    Attributes:
        name: `level:metric:operations`.
        expr: PromQL.
        labels: Added to what the expression has.
    """

    name: str
    expr: str
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule.

    Attributes:
        name: The symptom.
        severity: `page` gets somebody up, `warn` is for the working day, `info` for dashboards, `none` for Watchdog.
        area: `kpi`, `stream`, `targets` or `watchdog`.
        expr: PromQL; its value is what the summary speaks of.
        lasting: How long it must hold.
        keep: How long it survives without data; empty: not at all.
        labels: Added to what the expression has.
        summary: One line with value and unit.
        description: What is known, sentence by sentence.
        dashboard: Path of the dashboard, with the variables that fit.
        addresses: Of `runbooks` and `dashboards`, in place of Prometheus' external labels, and the `page` behind names.
    """

    name: str
    severity: str
    area: str
    expr: str
    lasting: str
    summary: str
    description: str
    dashboard: str
    keep: str = ""
    labels: Labels = field(default_factory=dict)
    addresses: Labels = field(default_factory=dict)


Rule = Recording | Alert


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, one after the other, as of the same instant.

    Attributes:
        name: Unique in all files.
        rules: In the order of evaluation.
        interval: How often; empty: as Prometheus' configuration says.
    """

    name: str
    rules: Sequence[Rule]
    interval: str = ""


FEEDBACK = "# Written by `python -m monitoring.rules` out of monitoring/ and the catalogue in schemas/; do not edit.\n"


def text_of(groups: Sequence[Group]) -> str:
    """Return a file of rules."""
    return FEEDBACK + "groups:\n" + "".join(line + "\n" for group in groups for line in _group(group))


def _group(group: Group) -> Iterator[str]:
    yield f"  - name: {group.name}"
    if group.interval:
        yield f"    interval: {group.interval}"
    yield "    rules:"
    for rule in group.rules:
        yield from _recording(rule) if isinstance(rule, Recording) else _alert(rule)


def _recording(rule: Recording) -> Iterator[str]:
    yield f"      - record: {rule.name}"
    yield from _block("expr", rule.expr)
    if rule.labels:
        yield from _mapping("labels", rule.labels)


def _alert(rule: Alert) -> Iterator[str]:
    yield f"      - alert: {rule.name}"
    yield from _block("expr", rule.expr)
    yield f"        for: {rule.lasting}"
    if rule.keep:
        yield f"        keep_firing_for: {rule.keep}"
    labels = {"severity": rule.severity, "service": "tenure", "area": rule.area, **rule.labels}
    yield from _mapping("labels", labels)
    external = {name: f"{{{{ $externalLabels.{name} }}}}" for name in ("runbooks", "dashboards")}
    addresses = {**external, "page": PAGE, **rule.addresses}
    annotations = {
        "summary": rule.summary,
        "description": rule.description,
        "runbook_url": f"{addresses['runbooks']}/{rule.name}{addresses['page']}",
        "dashboard_url": f"{addresses['dashboards']}{rule.dashboard}",
        **({} if rule.lasting == "0s" else {"lasting": rule.lasting}),
    }
    yield from _mapping("annotations", annotations)


def _mapping(key: str, values: Labels) -> Iterator[str]:
    yield f"        {key}:"
    for name, value in values.items():
        if "\n" in value or len(value) > 60:
            yield f"          {name}: |-"
            yield from (f"            {line}".rstrip() for line in value.splitlines())
        else:
            yield f"          {name}: {json.dumps(value, ensure_ascii=False)}"


def _block(key: str, text: str) -> Iterator[str]:
    yield f"        {key}: |-"
    yield from (f"          {line}".rstrip() for line in text.strip().splitlines())
