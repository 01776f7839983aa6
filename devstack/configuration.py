"""Ports, folders and configuration files of the system that `make up` runs."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Final

import yaml

from tests.services.process import free_port

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "build" / "up"
"""Where data and logs lie, if nothing else is said."""
RULES: Final = ROOT / "prometheus" / "rules"
ALERTMANAGER: Final = ROOT / "alertmanager" / "alertmanager.yml"
#: Where one expects them; a port that is taken is replaced by a free one.
USUAL_PORTS: Final = {
    "kafka": 9092,
    "redis": 6379,
    "worker-1": 9464,
    "worker-2": 9465,
    "prometheus": 9090,
    "alertmanager": 9093,
}
WORKERS: Final = ("worker-1", "worker-2")
PARTITIONS: Final = 6


def choose_ports() -> dict[str, int]:
    """Return a port for each part: the usual one, or a free one where that is taken."""
    return {name: port if _is_free(port) else free_port() for name, port in USUAL_PORTS.items()}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: what was just closed is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def worker_environment(ports: dict[str, int], name: str) -> dict[str, str]:
    """Return the settings of a worker, and of commands that look at the same stream."""
    return {
        "TENURE_KAFKA_BOOTSTRAP": f"127.0.0.1:{ports['kafka']}",
        "TENURE_REDIS_URL": f"redis://127.0.0.1:{ports['redis']}/0",
        "TENURE_METRICS_HOST": "127.0.0.1",
        "TENURE_METRICS_PORT": str(ports[name]),
        "TENURE_INSTANCE_ID": name,
    }


def prometheus_configuration(ports: dict[str, int], shipped: str) -> str:
    """Return the shipped configuration with the addresses and paths of this machine.

    Args:
        ports: Of the parts.
        shipped: prometheus/prometheus.yml.

    Raises:
        KeyError: It reads a job that is none of the parts'.
    """
    config: dict[str, Any] = yaml.safe_load(shipped)
    targets = {
        "tenure": [f"127.0.0.1:{ports[name]}" for name in WORKERS],
        "prometheus": [f"127.0.0.1:{ports['prometheus']}"],
        "alertmanager": [f"127.0.0.1:{ports['alertmanager']}"],
    }
    for job in config["scrape_configs"]:
        job["static_configs"] = [{"targets": targets[job["job_name"]]}]
    config["rule_files"] = [str(RULES / Path(pattern).name) for pattern in config["rule_files"]]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": targets["alertmanager"]}]}]
    return yaml.safe_dump(config, sort_keys=False)
