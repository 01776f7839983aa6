"""`make up`: the whole system without Docker comes up, works together, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from devstack.__main__ import running_process
from devstack.configuration import ROOT, USUAL_PORTS, prometheus_configuration

if TYPE_CHECKING:
    from tests.conftest import StartProcess


def answer_of(url: str) -> Any:
    """Return what an API answers, out of its JSON."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
        return json.load(answer)["data"]


def test_the_system_comes_up_works_together_and_ends_at_the_first_ctrl_c(
    start_process: StartProcess, tmp_path: Path
) -> None:
    """Whoever works on a rule or a dashboard starts it ten times a day; a server that stays behind breaks the next."""
    folder = tmp_path / "up"
    command = [sys.executable, "-m", "devstack", "--folder", str(folder), "--no-company"]
    process = start_process(command, {"PYTHONPATH": str(ROOT)})
    process.wait_until(lambda: "Ctrl-C" in process.output, seconds=120, what="the system")
    prometheus = re.findall(r"Prometheus +(http://\S+)", process.output)[0]
    targets = f"{prometheus}/api/v1/targets?state=active"

    def reads_all() -> bool:
        found = [(target["labels"]["job"], target["health"]) for target in answer_of(targets)["activeTargets"]]
        return sorted(found) == [("alertmanager", "up"), ("prometheus", "up"), ("tenure", "up"), ("tenure", "up")]

    process.wait_until(reads_all, seconds=60, what="Prometheus reads all parts")
    assert len(answer_of(f"{prometheus}/api/v1/rules")["groups"]) > 0
    assert len(answer_of(f"{prometheus}/api/v1/alertmanagers")["activeAlertmanagers"]) == 1
    settings = dict(re.findall(r"(TENURE_\w+)=(\S+)", process.output))
    listed = subprocess.run(
        [str(Path(sys.executable).with_name("tenure")), "target", "list", "--json"],
        env=settings,
        capture_output=True,
        check=True,
    )
    assert len(json.loads(listed.stdout)) == 10
    assert running_process(folder / "pid") == process.pid
    assert process.interrupt(seconds=60) == 0
    assert running_process(folder / "pid") is None
    assert [command for command in running_commands() if str(folder).encode() in command] == []


def running_commands() -> list[bytes]:
    """Return the command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            found.append(path.read_bytes())
    return found


def test_prometheus_is_given_what_is_shipped_with_the_addresses_of_this_machine() -> None:
    """A setting that only one of the two has is tried in vain."""
    shipped = (ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(prometheus_configuration(USUAL_PORTS, shipped))
    assert set(config) == set(yaml.safe_load(shipped))
    assert config["global"] == yaml.safe_load(shipped)["global"]
    assert [job["static_configs"][0]["targets"] for job in config["scrape_configs"]] == [
        ["127.0.0.1:9464", "127.0.0.1:9465"],
        ["127.0.0.1:9090"],
        ["127.0.0.1:9093"],
    ]
    assert config["rule_files"] == [str(ROOT / "prometheus" / "rules" / "*.yml")]
