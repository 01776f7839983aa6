"""`make up`: the whole system without Docker comes up, works together, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from devstack.__main__ import running_process
from devstack.configuration import (
    ROOT,
    USUAL_PORTS,
    PortError,
    choose_ports,
    prometheus_configuration,
    wished_ports,
)
from devstack.parts import LEAST_SECONDS, let_notice
from services.process import free_port, wait_until
from services.prometheus import Prometheus

if TYPE_CHECKING:
    from services.process import StartProcess

pytestmark = pytest.mark.alone


def answer_of(url: str) -> Any:
    """Return what an API answers, out of its JSON."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
        return json.load(answer)["data"]


def send_an_event(url: str, tokens: str) -> None:
    """Send an event to the gateway that is printed, with the token of the file that is printed."""
    event = {"id": "e", "type": "activity", "customer_id": "c", "time": "2026-03-01T09:30:00Z"}
    _, _, token = Path(tokens).read_text(encoding="utf-8").strip().partition("=")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(event).encode(), headers)  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
        assert json.load(answer)["accepted"] == 1


def test_the_system_comes_up_works_together_and_ends_at_the_first_ctrl_c(
    start_process: StartProcess, tmp_path: Path
) -> None:
    """Whoever works on a rule or a dashboard starts it ten times a day; a server that stays behind breaks the next."""
    folder = tmp_path / "up"
    port = free_port()
    command = [sys.executable, "-m", "devstack", "--folder", str(folder), "--no-company", "--redis-port", str(port)]
    process = start_process(command, {"PYTHONPATH": str(ROOT)})
    process.wait_until(lambda: "Ctrl-C" in process.output, seconds=120, what="the system")
    prometheus = re.findall(r"Prometheus +(http://\S+)", process.output)[0]
    targets = f"{prometheus}/api/v1/targets?state=active"

    def reads_all() -> bool:
        found = [(target["labels"]["job"], target["health"]) for target in answer_of(targets)["activeTargets"]]
        jobs = ("alertmanager", "prometheus", "tenure", "tenure", "tenure-gateway")
        return sorted(found) == [(job, "up") for job in jobs]

    process.wait_until(reads_all, seconds=60, what="Prometheus reads all parts")
    assert len(answer_of(f"{prometheus}/api/v1/rules")["groups"]) > 0
    assert len(answer_of(f"{prometheus}/api/v1/alertmanagers")["activeAlertmanagers"]) == 1
    assert f"Redis         127.0.0.1:{port}\n" in process.output
    rules = [rule for group in answer_of(f"{prometheus}/api/v1/rules")["groups"] for rule in group["rules"]]
    names = {rule["name"] for rule in rules if rule["type"] == "alerting"}
    runbooks = answer_of(f"{prometheus}/api/v1/status/config")["yaml"]
    base = yaml.safe_load(runbooks)["global"]["external_labels"]
    for link in (*(f"{base['runbooks']}/{name}.md" for name in names), f"{base['dashboards']}/d/tenure-stream"):
        with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 - our own
            assert answer.headers.get_content_type() == "text/html", link
    settings = dict(re.findall(r"(TENURE_\w+)=(\S+)", process.output))
    listed = subprocess.run(
        [str(Path(sys.executable).with_name("tenure")), "target", "list", "--json"],
        env=settings,
        capture_output=True,
        check=True,
    )
    assert len(json.loads(listed.stdout)) == 10
    send_an_event(*re.findall(r"Gateway +(http://\S+), its token in (\S+)", process.output)[0])
    up_since = time.monotonic()
    process.wait_until(lambda: time.monotonic() - up_since > LEAST_SECONDS, what="it has been up for some time")
    os.kill(
        next(pid for pid, command in running_commands().items() if is_worker_of(pid, command, port)), signal.SIGKILL
    )
    process.wait_until(lambda: "is started again" in process.output, seconds=30, what="the worker is started again")
    process.wait_until(reads_all, seconds=60, what="Prometheus reads all parts again")
    assert running_process(folder / "pid") == process.pid
    assert process.interrupt(seconds=60) == 0
    assert running_process(folder / "pid") is None
    assert [command for command in running_commands().values() if str(folder).encode() in command] == []


class _Worker(http.server.BaseHTTPRequestHandler):
    """A worker that says which partition it owns, and nothing else."""

    def do_GET(self) -> None:
        """Answer Prometheus."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'tenure_partition_owned{partition="0"} 1\n')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_prometheus_does_not_end_before_it_has_seen_that_workers_are_gone(tmp_path: Path) -> None:
    """One that is started anew showed old workers beside new ones, and numbers were withheld for five minutes."""
    worker = http.server.HTTPServer(("127.0.0.1", 0), _Worker)
    threading.Thread(target=worker.serve_forever, daemon=True).start()
    targets = [{"targets": [f"127.0.0.1:{worker.server_port}"]}]
    jobs = [{"job_name": "tenure", "static_configs": targets, "scrape_interval": "1s"}]
    prometheus = Prometheus(tmp_path, config=yaml.safe_dump({"scrape_configs": jobs}))
    said: list[str] = []
    try:
        prometheus.start()
        wait_until(lambda: bool(prometheus.query("tenure_partition_owned")), seconds=30, what="a look")
        worker.shutdown()
        worker.server_close()
        let_notice(prometheus, said.append)
        prometheus.process.stop()
        prometheus.start()
        assert prometheus.query("tenure_partition_owned") == []
        let_notice(prometheus, said.append)
    finally:
        prometheus.process.kill()
    assert len(said) == 1, "nothing is waited for where no worker is seen"


def running_commands() -> dict[int, bytes]:
    """Return the command lines of all processes, by their ids."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            found[int(path.parent.name)] = path.read_bytes()
    return found


def is_worker_of(pid: int, command: bytes, redis_port: int) -> bool:
    """Whether a process is a worker of the system that has its Redis on a port."""
    if not command.endswith(b"tenure\0worker\0"):
        return False
    with contextlib.suppress(OSError):
        return f":{redis_port}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False


def test_a_port_that_is_wished_for_and_taken_is_refused() -> None:
    """Whoever asks for a port has told others of it; another one is no answer."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port}, which was wished for redis, is taken; choose another with"):
            choose_ports(wished_ports({"redis": port}, {}))
    assert choose_ports({"redis": port})["redis"] == port


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"UP_KAFKA_PORT": "x"}, "UP_KAFKA_PORT is 'x': a port is a number"),
        ({"UP_KAFKA_PORT": "70000"}, "a port is a number from 1 to 65535"),
        (
            {"UP_KAFKA_PORT": "9000", "UP_REDIS_PORT": "9000"},
            "UP_REDIS_PORT is 9000: that is the port of kafka already",
        ),
    ],
)
def test_a_port_that_cannot_be_is_refused_by_its_variable(environment: dict[str, str], said: str) -> None:
    """A server that does not start says nothing of who named its port."""
    with pytest.raises(PortError, match=said):
        wished_ports({}, environment)
    assert wished_ports({"kafka": 1, "redis": 2}, environment) == {"kafka": 1, "redis": 2}


def test_prometheus_is_given_what_is_shipped_with_the_addresses_of_this_machine() -> None:
    """A setting that only one of the two has is tried in vain."""
    shipped = (ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(prometheus_configuration(USUAL_PORTS, shipped))
    assert set(config) == set(yaml.safe_load(shipped))
    labels = config["global"].pop("external_labels")
    assert labels.keys() == yaml.safe_load(shipped)["global"]["external_labels"].keys()
    assert config["global"].items() <= yaml.safe_load(shipped)["global"].items()
    assert [job["static_configs"][0]["targets"] for job in config["scrape_configs"]] == [
        ["127.0.0.1:9464", "127.0.0.1:9465"],
        ["127.0.0.1:8464"],
        ["127.0.0.1:9090"],
        ["127.0.0.1:9093"],
    ]
    assert config["rule_files"] == [str(ROOT / "prometheus" / "rules" / "*.yml")]
