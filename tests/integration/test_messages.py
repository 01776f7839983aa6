"""What people are sent: e-mail, Slack and PagerDuty by the shipped templates, from a real Alertmanager."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from services.alertmanager import Alertmanager
from services.mailbox import Mailbox
from services.process import wait_until
from services.webhook import Webhook

pytestmark = pytest.mark.alone

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "alertmanager" / "alertmanager.yml"
EXAMPLE = re.compile(r"(?m)^#   - name: page$(?:\n#.*)+")
RUNBOOK, BOARD = "https://runbooks.example/EventSourceQuiet.md", "https://grafana.example/d/tenure-stream"
BEGAN = dt.datetime(2026, 3, 1, 3, 0, tzinfo=dt.UTC)
HOUR_MS = 3_600_000


class Receivers:
    """An Alertmanager with the receivers of the example in the comments of its configuration, and what they got."""

    def __init__(self, folder: Path) -> None:
        self.webhook, self.mailbox = Webhook(), Mailbox()
        self.alertmanager = Alertmanager(folder, config=self._config(folder))

    def _config(self, folder: Path) -> Path:
        text = SHIPPED.read_text(encoding="utf-8")
        (example,) = EXAMPLE.findall(text)
        page, warn, watchdog = yaml.safe_load(re.sub("(?m)^#", "", example))
        (folder / "key").write_text("key", encoding="utf-8")
        (folder / "slack").write_text(f"{self.webhook.url}/slack", encoding="utf-8")
        page["pagerduty_configs"][0] |= {
            "routing_key_file": str(folder / "key"),
            "url": f"{self.webhook.url}/pagerduty",
        }
        warn["slack_configs"][0]["api_url_file"] = str(folder / "slack")
        warn["email_configs"][0] |= {"smarthost": self.mailbox.address, "require_tls": False}
        watchdog["webhook_configs"][0]["url"] = f"{self.webhook.url}/dog"
        config = yaml.safe_load(text)
        own = {"page": page, "warn": warn, "watchdog": watchdog}
        config["receivers"] = [own.get(receiver["name"], receiver) for receiver in config["receivers"]]
        config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
        shutil.copytree(ROOT / "alertmanager" / "templates", folder / "templates")
        path = folder / "alertmanager.yml"
        path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return path

    def fire(self, severity: str, *sources: str, over: tuple[str, ...] = (), name: str = "EventSourceQuiet") -> None:
        """Post alerts as Prometheus does; some of them are over for a minute."""
        now = dt.datetime.now(dt.UTC)
        alerts = [
            {
                "labels": {"alertname": name, "severity": severity, "service": "tenure", "source": source},
                "annotations": {
                    "summary": f"No cancel from {source} <b>",
                    "description": "Nothing has come.\nFirst: ask.",
                    "runbook_url": RUNBOOK,
                    "dashboard_url": f"{BOARD}?var-type=cancel",
                },
                "startsAt": BEGAN.isoformat(),
                **({"endsAt": (now - dt.timedelta(minutes=1)).isoformat()} if source in over else {}),
            }
            for source in sources
        ]
        url = f"{self.alertmanager.url}/api/v2/alerts"
        answer = httpx.post(url, json=alerts, timeout=10)
        assert answer.status_code == 200, answer.text

    def last(self, path: str, seen: int = 0) -> Any:
        """Wait for more than `seen` requests at a path; return the last one's body."""
        wait_until(lambda: len(self.webhook.at(path)) > seen, seconds=30.0, what=path)
        return self.webhook.at(path)[-1].body


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[Receivers]:
    """All of them listen."""
    found = Receivers(tmp_path)
    found.webhook.start()
    found.mailbox.start()
    found.alertmanager.start()
    yield found
    found.alertmanager.process.kill()
    found.mailbox.stop()
    found.webhook.stop()


def test_mail_and_slack_say_several_alerts_as_one_paragraph_and_what_is_over_apart(receivers: Receivers) -> None:
    """Forty alerts of one kind are one fault; a list of forty paragraphs hides the one that is another."""
    receivers.fire("warn", "billing", "crm")
    slack = receivers.last("/slack")["attachments"][0]
    assert slack["title"] == "EventSourceQuiet, 2 alerts"
    assert slack["color"] == "warning"
    assert slack["text"].count("Nothing has come.") == slack["text"].count("Runbook: ") == 1
    from_ms = int(BEGAN.timestamp() * 1000) - HOUR_MS
    assert slack["title_link"] == f"{BOARD}?var-type=cancel&from={from_ms}&to=now"
    wait_until(lambda: len(receivers.mailbox.mails) == 1, seconds=30.0, what="a mail")
    mail = receivers.mailbox.mails[0]
    assert mail["Subject"] == "EventSourceQuiet, 2 alerts"
    text = mail.get_body(("plain",))
    assert text is not None
    page = _html(mail)
    assert "No cancel from billing &lt;b&gt;" in page
    assert "OVER" not in page
    assert page.count("Nothing has come.") == 1
    assert f"var-type=cancel&amp;from={from_ms}&amp;to=now" in page
    assert "2 alerts fire:\n- No cancel from billing" in text.get_content().replace("\r", "")
    receivers.fire("warn", "billing", "crm", over=("crm",))
    later = receivers.last("/slack", 1)["attachments"][0]
    assert later["title"] == "No cancel from billing <b> (1 over)"
    assert "Over since " in later["text"]
    wait_until(lambda: "OVER" in _html(receivers.mailbox.mails[-1]), seconds=30.0, what="what is over")


def _html(mail: EmailMessage) -> str:
    html = mail.get_body(("html",))
    assert html is not None
    return str(html.get_content())


def test_pagerduty_gets_severity_text_and_links(receivers: Receivers) -> None:
    """Whoever is woken goes to the runbook by one touch."""
    receivers.fire("page", "billing")
    event = receivers.last("/pagerduty")
    assert event["payload"]["summary"] == "PAGE: No cancel from billing <b>"
    assert event["payload"]["severity"] == "critical"
    assert "First: ask." in event["payload"]["custom_details"]["text"]
    hrefs = {link["text"]: link["href"] for link in event["links"]}
    assert hrefs["Runbook"] == RUNBOOK
    assert hrefs["Dashboard"].startswith(f"{BOARD}?var-type=cancel&from=")


def test_watchdog_reaches_its_own_receiver_and_nobody_else(receivers: Receivers) -> None:
    """An alert that always fires and is sent to people teaches them to ignore alerts."""
    receivers.fire("none", "prometheus", name="Watchdog")
    assert receivers.last("/dog")["groupLabels"] == {"alertname": "Watchdog"}
    assert not receivers.webhook.at("/slack")
    assert not receivers.mailbox.mails
