"""From a stream to whoever is on call: Prometheus and Alertmanager with what is shipped, and a receiver.

What is changed of the shipped files, and nothing else is:

- addresses: of the worker, of Alertmanager, of the receivers;
- durations, all by one factor (`hurried`): how long an alert lasts before it fires (`for`) and after
  (`keep_firing_for`), and Alertmanager's `group_interval`. No threshold, no expression and no window is touched;
- how often Prometheus looks, which is every second; `group_wait` is as many looks as shipped: it waits for them;
- receivers, which are the example in the comments of alertmanager.yml, and a webhook beside it, which tells labels.

Alertmanager starts when Prometheus has read the worker: the first targets are known five seconds after a start, which
with such durations is a page.
"""

from __future__ import annotations

import json
import re
import shutil
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

import yaml

from services.alertmanager import Alertmanager
from services.process import free_port, wait_until
from services.prometheus import Prometheus
from services.webhook import Request, Webhook

ROOT: Final = Path(__file__).parents[1]
RULES: Final = tuple(sorted((ROOT / "prometheus" / "rules").glob("*.yml")))
#: Five minutes are two seconds.
FACTOR: Final = 1 / 150
INTERVAL_SECONDS: Final = 1
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d)")
_EXAMPLE: Final = re.compile(r"(?m)^#   - name: page$(?:\n#.*)+")


def seconds_of(duration: str) -> float:
    """Return how long a duration of Prometheus is (seconds)."""
    return sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))


def hurried(duration: str, factor: float) -> str:
    """Return a duration of Prometheus times a factor, rounded to milliseconds; 0 stays 0."""
    return f"{round(seconds_of(duration) * factor * 1000)}ms"


def hurried_rules(shipped: str, factor: float) -> str:
    """Return a file of rules whose alerts fire and end sooner by a factor; nothing else differs."""
    document = yaml.safe_load(shipped)
    for group in document["groups"]:
        group.pop("interval", None)
        for rule in group["rules"]:
            for key in ("for", "keep_firing_for"):
                if key in rule:
                    rule[key] = hurried(rule[key], factor)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10_000)


def shipped_page() -> dict[str, float]:
    """Return what a page of ChurnSpike waits for as shipped, by name (seconds)."""
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))["global"]
    route = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))["route"]
    scores = yaml.safe_load((ROOT / "prometheus" / "rules" / "alerts-scores.yml").read_text(encoding="utf-8"))
    rules = [rule for group in scores["groups"] for rule in group["rules"]]
    spike = next(rule for rule in rules if rule["alert"] == "ChurnSpike" and rule["labels"]["severity"] == "page")
    named = {
        "scrape_interval": config["scrape_interval"],
        "evaluation_interval": config["evaluation_interval"],
        "for": spike["for"],
        "keep_firing_for": spike["keep_firing_for"],
        "group_wait": route["group_wait"],
        "group_interval": route["group_interval"],
    }
    return {name: seconds_of(duration) for name, duration in named.items()}


class Paging:
    """Prometheus, Alertmanager and the receivers; use it in a `with` statement, and `watch` a worker."""

    def __init__(self, folder: Path, worker_port: int, factor: float = FACTOR) -> None:
        """Lay them out.

        Args:
            folder: Where they live; it is made.
            worker_port: Where the worker shows its metrics.
            factor: Of all durations.
        """
        folder.mkdir()
        self.factor = factor
        self._look = INTERVAL_SECONDS / shipped_page()["evaluation_interval"]
        self.webhook = Webhook()
        self._ends = ExitStack()
        self.alertmanager = Alertmanager(folder, config=self._alertmanager_config(folder))
        (folder / "rules").mkdir()
        for file in RULES:
            text = hurried_rules(file.read_text(encoding="utf-8"), factor)
            (folder / "rules" / file.name).write_text(text, encoding="utf-8")
        port = free_port()
        self.prometheus = Prometheus(folder, config=self._prometheus_config(worker_port, port), port=port)

    def __enter__(self) -> Self:
        self._ends.callback(self.webhook.stop)
        self.webhook.start()
        self._ends.callback(self.prometheus.process.kill)
        self.prometheus.start()
        wait_until(lambda: self.value("stream:complete:bool") == 1, seconds=60.0, what="KPIs in Prometheus")
        self._ends.callback(self.alertmanager.process.kill)
        self.alertmanager.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _prometheus_config(self, worker_port: int, port: int) -> str:
        config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
        interval = f"{INTERVAL_SECONDS}s"
        config["global"] |= {"scrape_interval": interval, "evaluation_interval": interval, "scrape_timeout": interval}
        ports = {"tenure": worker_port, "prometheus": port, "alertmanager": self.alertmanager.port}
        # What is not part of this system, such as a gateway, has no port.
        config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] in ports]
        for job in config["scrape_configs"]:
            job["static_configs"] = [{"targets": [f"127.0.0.1:{ports[job['job_name']]}"]}]
        config["alerting"]["alertmanagers"] = [
            {"static_configs": [{"targets": [f"127.0.0.1:{self.alertmanager.port}"]}]}
        ]
        return yaml.safe_dump(config, sort_keys=False)

    def _alertmanager_config(self, folder: Path) -> Path:
        shipped = (ROOT / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
        (example,) = _EXAMPLE.findall(shipped)
        (folder / "routing-key").write_text("key", encoding="utf-8")
        (folder / "slack-url").write_text(f"{self.webhook.url}/slack", encoding="utf-8")
        page, warn, _ = yaml.safe_load(re.sub("(?m)^#", "", example))
        del warn["email_configs"]
        page["pagerduty_configs"][0] |= {
            "routing_key_file": str(folder / "routing-key"),
            "url": f"{self.webhook.url}/pagerduty",
        }
        page["webhook_configs"] = [{"url": f"{self.webhook.url}/page"}]
        warn["slack_configs"][0]["api_url_file"] = str(folder / "slack-url")
        warn["webhook_configs"] = [{"url": f"{self.webhook.url}/warn"}]
        config = yaml.safe_load(shipped)
        own = {"page": page, "warn": warn}
        config["receivers"] = [own.get(receiver["name"], receiver) for receiver in config["receivers"]]
        config["route"] |= {
            "group_wait": hurried(config["route"]["group_wait"], self._look),
            "group_interval": hurried(config["route"]["group_interval"], self.factor),
        }
        shutil.copytree(ROOT / "alertmanager" / "templates", folder / "templates")
        path = folder / "alertmanager.yml"
        path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path

    # -- what whoever is on call gets

    def pages(self, alert: str, status: str = "firing") -> list[Request]:
        """Return the pages of an alert, or the ends of them (status `resolved`)."""
        return [page for page in self.webhook.at("/page") if _is(page, alert, status)]

    def story(self) -> list[tuple[str, str]]:
        """Return all pages so far, as name of the alert and status."""
        return [(page.body["groupLabels"]["alertname"], page.body["status"]) for page in self.webhook.at("/page")]

    def alerts(self, where: str) -> list[tuple[str, str]]:
        """Return the alerts that Prometheus has pending or firing, as name and state.

        Args:
            where: Matchers, such as `area="kpi"`.
        """
        return sorted(
            {(found["alertname"], found["alertstate"]) for found, _ in self.prometheus.query(f"ALERTS{{{where}}}")}
        )

    def annotations(self, alert: str, severity: str = "page") -> dict[str, str]:
        """Return the annotations of the one alert of a name that fires, as of now."""
        (found,) = [
            found["annotations"]
            for found in self.prometheus.get("/api/v1/alerts")["data"]["alerts"]
            if (found["labels"]["alertname"], found["labels"]["severity"]) == (alert, severity)
        ]
        return dict(found)

    def texts(self) -> list[str]:
        """Return all pages as PagerDuty would show them: title and text."""
        payloads = [request.body for request in self.webhook.at("/pagerduty")]
        return [
            f"{body['payload']['summary']}\n{body['payload']['custom_details']['text']}"
            for body in payloads
            if "payload" in body
        ]

    def next_page(self, alert: str, status: str = "firing", *, seen: int = 0, seconds: float = 30.0) -> Request:
        """Wait for the page after the first `seen` of an alert and status, and return it.

        Raises:
            NotReadyError: It did not come in time.
        """
        wait_until(
            lambda: len(self.pages(alert, status)) > seen,
            seconds=seconds,
            what=f"{alert} {status}, after {self.story()}",
        )
        return self.pages(alert, status)[seen]

    def states(self, alert: str) -> set[str]:
        """Return the states (active, suppressed) in which Alertmanager holds the pages of an alert."""
        wanted = urllib.parse.urlencode([("filter", f'alertname="{alert}"'), ("filter", 'severity="page"')])
        with urllib.request.urlopen(f"{self.alertmanager.url}/api/v2/alerts?{wanted}", timeout=10) as answer:
            return {found["status"]["state"] for found in json.load(answer)}

    def value(self, expression: str) -> float | None:
        """Return what Prometheus answers to an expression of at most one sample; None where it has none."""
        found = self.prometheus.query(expression)
        assert len(found) < 2, found
        return found[0][1] if found else None


def _is(page: Request, alert: str, status: str) -> bool:
    return bool(page.body["groupLabels"]["alertname"] == alert and page.body["status"] == status)
