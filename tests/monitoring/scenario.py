"""What Prometheus scraped, minute by minute, and which alerts the real promtool finds firing.

A scenario begins as a healthy stream: two workers that share four partitions and are up to date. A test changes what
it is about and asks at some minute. Times are minutes since the beginning; a track says from when on a series has
which value, None being no sample at all.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "prometheus" / "rules"
EVERYTHING: Final = tuple(sorted(path.name for path in RULES.glob("*.yml")))
KPIS: Final = ("recording.yml", "alerts-kpi.yml")
SCORES: Final = ("recording.yml", "alerts-scores.yml")
STREAM: Final = ("recording.yml", "alerts-stream.yml")

Group = dict[str, Any]
#: Groups of rules by their file.
Rules = dict[str, list[Group]]
#: From a minute on, a value; a number alone holds from the beginning; a text is in promtool's own notation.
Track = float | Sequence[tuple[int, float | None]] | str
EXTERNAL: Final = {"runbooks": "https://runbooks.example", "dashboards": "https://grafana.example"}
TYPES: Final = (
    "signup",
    "cancel",
    "revoke",
    "upgrade",
    "downgrade",
    "pause",
    "resume",
    "survey",
    "renewal",
    "onboarding",
    "activity",
)

_ALERT: Final = re.compile(r"Labels:\{(?P<labels>.*)\}\n\s*Annotations:\{(?P<annotations>.*)\}")
_PAIR: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Firing:
    """One alert that fires."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def severity(self) -> str:
        """Whom it is for."""
        return self.labels["severity"]

    @property
    def text(self) -> str:
        """What whoever is on call reads."""
        return f"{self.annotations['summary']}\n{self.annotations['description']}"


@dataclass
class Scenario:
    """Series by name with labels, and the files of rules that are looked at."""

    files: Sequence[str] = EVERYTHING
    minutes: int = 60
    interval: str = "1m"
    series: dict[str, Track] = field(default_factory=dict)
    #: of what is recorded by span, only these: days of all spans take promtool a minute
    spans: Sequence[str] = ()

    def put(self, name: str, track: Track, **labels: object) -> Scenario:
        """Add a series, or replace it."""
        self.series[named(name, labels)] = track
        return self

    def drop(self, name: str, **labels: object) -> Scenario:
        """Take a series away, all with these labels."""
        gone = [key for key in self.series if key.startswith(f"{name}{{") and _has(key, labels)]
        assert gone, f"no series {name} with {labels}"
        for key in gone:
            del self.series[key]
        return self

    def firing(self, alert: str, at: int) -> list[Firing]:
        """Return the alerts of a name that fire at a minute, as promtool finds them.

        It is told to expect none, and says what it got instead.
        """
        asked = {"alertname": alert, "eval_time": self._time(at), "exp_alerts": []}
        output = self._run({"alert_rule_test": [asked]}, self._of_spans(_asked_for(alert, self.files)))
        found = [Firing(_pairs(match["labels"]), _pairs(match["annotations"])) for match in _ALERT.finditer(output)]
        assert found or "SUCCESS" in output, output
        return sorted(found, key=lambda alert: sorted(alert.labels.items()))

    def severities(self, alert: str, at: int) -> set[str]:
        """Return the severities in which an alert fires at a minute."""
        return {found.severity for found in self.firing(alert, at)}

    def values(self, expr: str, at: int) -> dict[str, float]:
        """Return the values of an expression at a minute, by the labels' values in the order of their names."""
        asked = {"expr": expr, "eval_time": self._time(at), "exp_samples": [{"labels": "none{}", "value": 0}]}
        output = self._run({"promql_expr_test": [asked]}, _looked_at(expr, self.files))
        assert "FAILED" in output, output
        samples = re.findall(r"\{([^{}]*)\} ([-+.\deEInfNa]+)(?=[,\s])", output.split("got:")[1])
        return {_without_name(labels): float(value) for labels, value in samples}

    def _of_spans(self, rules: Rules) -> Rules:
        if not self.spans:
            return rules

        def kept(rule: Mapping[str, Any]) -> bool:
            span = re.fullmatch(r"\w+:events_applied:increase(\w+)", rule.get("record", ""))
            return (span[1] if span else rule.get("labels", {}).get("span", self.spans[0])) in self.spans

        return {
            name: [{**group, "rules": [rule for rule in group["rules"] if kept(rule)]} for group in groups]
            for name, groups in rules.items()
        }

    def _time(self, at: int) -> str:
        unit = self.interval[-1]
        return f"{at * int(self.interval[:-1])}{unit}"

    def _run(self, test: Mapping[str, object], rules: Rules) -> str:
        inputs = [{"series": name, "values": self._values(track)} for name, track in self.series.items()]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            document = {
                "rule_files": _written(rules, folder),
                "evaluation_interval": self.interval,
                "group_eval_order": _in_order(rules),
                "tests": [{"interval": self.interval, "input_series": inputs, "external_labels": EXTERNAL, **test}],
            }
            file = folder / "test.yml"
            file.write_text(yaml.safe_dump(document, allow_unicode=True, width=10_000), encoding="utf-8")
            done = subprocess.run(
                ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False, timeout=120
            )
        return done.stdout + done.stderr

    def _values(self, track: Track) -> str:
        if isinstance(track, str):
            return track
        steps = [(0, float(track))] if isinstance(track, int | float) else list(track)
        ends = [start for start, _ in steps[1:]] + [self.minutes + 1]
        parts = [f"_x{steps[0][0]}"] if steps[0][0] else []
        for (start, value), end in zip(steps, ends, strict=True):
            count = end - start
            if value is None:
                # Prometheus marks a series stale when a scrape does not bring it any more.
                parts += ["stale", f"_x{count - 1}"] if count > 1 else ["stale"]
            else:
                parts.append(f"{value:g}+0x{count - 1}")
        return " ".join(parts)


def _asked_for(alert: str, files: Sequence[str]) -> Rules:
    """Return the rules of an alert, and of what they look at: to run all takes promtool ten times as long."""
    rules = [rule for name in files for group in _groups(name) for rule in group["rules"]]
    asked = [str(rule) for rule in rules if rule.get("alert") == alert]
    assert asked, f"no alert {alert} in {files}"
    return _kept(files, "\n".join(asked), {alert})


def _looked_at(expr: str, files: Sequence[str]) -> Rules:
    """Return the rules of what an expression looks at; all where it looks at alerts."""
    return {name: _groups(name) for name in files} if "ALERTS" in expr else _kept(files, expr, set())


def _kept(files: Sequence[str], text: str, alerts: set[str]) -> Rules:
    """Return some alerts, and the rules that record what a text names or what these look at in turn."""
    recording: dict[str, str] = {}  # several rules may record under one name
    for rule in (rule for name in files for group in _groups(name) for rule in group["rules"] if "record" in rule):
        recording[rule["record"]] = f"{recording.get(rule['record'], '')}\n{rule['expr']}"
    needed: set[str] = set()
    while found := {name for name in recording if name not in needed and name in text}:
        needed |= found
        text = "\n".join(recording[name] for name in found)
    kept: Rules = {}
    for name in files:
        groups = [
            {
                **group,
                "rules": [
                    each for each in group["rules"] if each.get("record") in needed or each.get("alert") in alerts
                ],
            }
            for group in _groups(name)
        ]
        kept[name] = [group for group in groups if group["rules"]]
    return kept


def _in_order(rules: Rules) -> list[str]:
    """Return the groups of rules, alerts last.

    promtool has an order of its own else, another one each time; a step may be longer than Prometheus looks back, and
    alerts that come before what they look at then find nothing.
    """
    alerts_last = sorted(rules, key=lambda name: (name.startswith("alerts"), name))
    return [str(group["name"]) for name in alerts_last for group in rules[name]]


def _written(rules: Rules, folder: Path) -> list[str]:
    """Write rules into a folder; return the files."""
    for name, groups in rules.items():
        (folder / name).write_text(json.dumps({"groups": groups}), encoding="utf-8")
    return [str(folder / name) for name, groups in rules.items() if groups]


@cache
def _groups(name: str) -> list[Group]:
    groups: list[Group] = yaml.load((RULES / name).read_text(encoding="utf-8"), yaml.CSafeLoader)["groups"]
    return groups


def named(name: str, labels: Mapping[str, object]) -> str:
    """Return a series as promtool writes it."""
    return f"{name}{{{', '.join(f'{key}={json.dumps(str(value))}' for key, value in labels.items())}}}"


def rising(per_minute: float, minutes: int) -> str:
    """Return a counter that rises evenly, in promtool's notation."""
    return f"0+{per_minute:g}x{minutes}"


def healthy(files: Sequence[str] = EVERYTHING, *, minutes: int = 60, interval: str = "1m") -> Scenario:
    """Return a healthy stream: workers a and b, two partitions each, everything applied, no customers yet."""
    scenario = Scenario(files, minutes, interval)
    step = int(interval[:-1]) * {"m": 60, "h": 3600}[interval[-1]]
    for worker, partitions in (("a", (0, 1)), ("b", (2, 3))):
        scenario.put("up", 1, job="tenure", instance=worker)
        put_worker(scenario, worker)
        for number in partitions:
            put_partition(scenario, worker, number)
            scenario.put("tenure_watermark_timestamp_seconds", f"0+{step}x{minutes}", instance=worker, partition=number)
        for kind in TYPES:
            scenario.put("tenure_events_applied_total", rising(step, minutes), instance=worker, type=kind)
            labels = {"instance": worker, "type": kind, "source": f"customer.{kind}"}
            scenario.put("tenure_feed_events_total", rising(step, minutes), **labels)
    return scenario


def put_worker(scenario: Scenario, worker: str, track: Track = 1) -> None:
    """Add what a worker says of itself, while its track has a value."""

    def as_long(value: float) -> Track:
        if isinstance(track, int | float | str):
            return value
        return [(start, None if held is None else value) for start, held in track]

    for name, value in (
        ("tenure_partitions_expected", 4),
        ("tenure_kpis_withheld", 0),
        ("tenure_redis_up", 1),
        ("tenure_kafka_up", 1),
        ("tenure_identities_violated", 0),
        ("tenure_memory_bytes", 2e8),
        ("tenure_memory_limit_bytes", 1e9),
        ("tenure_commit_conflicts_total", 0),
        ("tenure_recounts_total", 0),
        ("tenure_events_late_total", 0),
    ):
        scenario.put(name, as_long(value), instance=worker)
    scenario.put("tenure_dead_letters_total", as_long(0), instance=worker, reason="malformed_json")
    scenario.put("tenure_events_conflicting_total", as_long(0), instance=worker, kind="contradiction")
    scenario.put("tenure_segment_values_over_limit", as_long(0), instance=worker, dimension="plan")


def put_partition(scenario: Scenario, worker: str, number: int, track: Track = 1) -> None:
    """Add what the owner of a partition says of it, while its track has a value."""
    nothing: Track = (
        [(start, None if value is None else 0) for start, value in track]
        if not isinstance(track, int | float | str)
        else 0
    )
    for name in ("tenure_partition_owned", "tenure_partition_counted"):
        scenario.put(name, track, instance=worker, partition=number)
    scenario.put("tenure_partition_recovering", nothing, instance=worker, partition=number)
    scenario.put("tenure_oldest_unapplied_age_seconds", nothing, instance=worker, partition=number)
    for name in ("tenure_lag_seconds", "tenure_lag_records"):
        scenario.put(name, nothing, instance=worker, topic="customer.cancel", partition=number)


def put_counts(
    scenario: Scenario, counts: Mapping[str, Track], *, window: str, dimension: str = "all", value: str = ""
) -> Scenario:
    """Add KPI counts, three quarters of them on worker a and the rest on b where they divide, else all on a."""
    for name, track in counts.items():
        where = {"window": window, "dimension": dimension, "value": value}
        labels = {key: text for key, text in where.items() if text and (key != "window" or window != "stock")}
        halves = _shared(track)
        for worker, share in zip("ab", halves, strict=True):
            scenario.put(f"tenure_{name}", share, instance=worker, **labels)
    return scenario


def _shared(track: Track) -> tuple[Track, Track]:
    if isinstance(track, str):
        return track, 0
    if isinstance(track, int | float):
        return track - track // 4, track // 4
    parts = [(start, value, None if value is None else value // 4) for start, value in track]
    mine = [(start, None if value is None or rest is None else value - rest) for start, value, rest in parts]
    return mine, [(start, rest) for start, _, rest in parts]


def _has(key: str, labels: Mapping[str, object]) -> bool:
    found = _pairs(key)
    return all(found.get(name) == str(value) for name, value in labels.items())


def _without_name(labels: str) -> str:
    found = _pairs(labels)
    return " ".join(found[name] for name in sorted(found) if name != "__name__")


def _pairs(text: str) -> dict[str, str]:
    return {name: json.loads(f'"{value}"') for name, value in _PAIR.findall(text)}
