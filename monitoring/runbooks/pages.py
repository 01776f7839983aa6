"""The runbooks: one page an alert, out of what the alert says itself and what people know about it.

Whoever is called reads it at three in the morning: what it means, whether it is real, where to look, what to do.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

from monitoring.alerts.rule import Alert
from monitoring.runbooks.runbook import Runbook

FEEDBACK: Final = "<!-- Written by `python -m monitoring.rules` out of monitoring/runbooks/*.py; do not edit. -->"
SEVERITIES: Final = {
    "page": "gets somebody up",
    "warn": "is for the next working day",
    "info": "is for dashboards and for holding other alerts back",
    "none": "goes to a receiver outside that misses it",
}
FOLDER: Final = "docs/runbooks"
PROGRAMS: Final = ("tenure", "curl")
"""What is asked in a console; all else is asked of Prometheus."""
_WHERE: Final = """\
## Where to run a command

The settings, passwords among them, are where a worker runs:

```console
$ docker compose exec worker-1 tenure topics
$ kubectl -n tenure exec tenure-worker-0 -- tenure topics
```

After `make up` they are printed where it runs, as the line `Commands`:

```console
$ TENURE_KAFKA_BOOTSTRAP=127.0.0.1:9092 TENURE_REDIS_URL=redis://127.0.0.1:6379/0 .venv/bin/tenure topics
```
"""
_ELSEWHERE: Final = "[Where to run it](README.md#where-to-run-a-command)."
_AREAS: Final = {
    "kpi": "KPIs",
    "stream": "The stream",
    "targets": "Targets",
    "watchdog": "The alert that always fires",
}


def pages(alerts: Sequence[Alert], runbooks: Mapping[str, Runbook]) -> dict[str, str]:
    """Return the text of every page by its path: one an alert, and the list of them.

    Raises:
        AssertionError: An alert has no runbook, or a runbook no alert.
    """
    by_name = {name: list(found) for name, found in groupby(sorted(alerts, key=_name), key=_name)}
    assert set(by_name) == set(runbooks), set(by_name) ^ set(runbooks)
    texts = {f"{FOLDER}/{name}.md": _page(name, found, runbooks[name]) for name, found in by_name.items()}
    return {**texts, f"{FOLDER}/README.md": _index(alerts, runbooks)}


def _name(alert: Alert) -> str:
    return alert.name


def _page(name: str, alerts: Sequence[Alert], runbook: Runbook) -> str:
    looks = "\n\n".join(_look(what, how) for what, how in runbook.look)
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(runbook.do, 1))
    parts = [
        f"# {name}\n\n{FEEDBACK}\n",
        _when(alerts),
        f"## What it means\n\n{runbook.means}\n",
        f"## Is it real\n\n{runbook.real}\n",
        f"## What to look at\n\n{looks}\n",
        f"## What to do\n\n{steps}\n",
        f"## Rules\n\n{_rules(alerts)}",
        "All runbooks: [the list](README.md).\n",
    ]
    return "\n".join(parts)


def _when(alerts: Sequence[Alert]) -> str:
    seen: dict[tuple[str, str], None] = {(alert.severity, alert.lasting): None for alert in alerts}
    rows = [f"| {severity} | {lasting} | {SEVERITIES[severity]} |" for severity, lasting in seen]
    return "\n".join(["| severity | after | it |", "| --- | --- | --- |", *rows]) + "\n"


def _look(what: str, how: str) -> str:
    said = f"{what}\n\n" if what else ""
    if how.split(" ", 1)[0] in PROGRAMS:
        return f"{said}```console\n$ {how}\n```\n\n{_ELSEWHERE}"
    return f"{said}```promql\n{how}\n```"


def _rules(alerts: Sequence[Alert]) -> str:
    blocks: dict[str, None] = {}
    for alert in alerts:
        blocks[f"{alert.severity}:\n\n```promql\n{alert.expr.strip()}\n```\n"] = None
    return "\n".join(blocks) + "\n"


def _index(alerts: Iterable[Alert], runbooks: Mapping[str, Runbook]) -> str:
    lines = [
        "# Runbooks\n",
        f"{FEEDBACK}\n",
        "One page for each alert: what it means, whether it is real, what to look at, what to do.\n",
    ]
    known = list(alerts)
    for area, heading in _AREAS.items():
        lines += [f"## {heading}\n", "| alert | severities | says |", "| --- | --- | --- |"]
        names = dict.fromkeys(alert.name for alert in known if alert.area == area)
        for name in names:
            severities = ", ".join(dict.fromkeys(alert.severity for alert in known if alert.name == name))
            lines.append(f"| [{name}]({name}.md) | {severities} | {runbooks[name].short} |")
        lines.append("")
    return "\n".join([*lines, _WHERE])
