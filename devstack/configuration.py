"""Ports, folders and configuration files of the system that `make up` runs."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from services.process import free_port
from tenure.demo.company.market import ACQUISITION_COSTS

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
    "gateway": 8464,
    "prometheus": 9090,
    "alertmanager": 9093,
    "documents": 3001,
}
WORKERS: Final = ("worker-1", "worker-2")
PARTITIONS: Final = 6


class PortError(Exception):
    """A port that was wished for cannot be had; the message says which, and what to do."""


def option_of(name: str) -> str:
    """Return the option that chooses a part's port."""
    return f"--{name}-port"


def variable_of(name: str) -> str:
    """Return the environment variable that chooses a part's port."""
    return f"UP_{name.replace('-', '_').upper()}_PORT"


def wished_ports(options: Mapping[str, int | None], environment: Mapping[str, str]) -> dict[str, int]:
    """Return the ports that were wished for, by part; an option wins over a variable.

    Raises:
        PortError: One is no port, or two parts would share one.
    """
    wished: dict[str, int] = {}
    for name in USUAL_PORTS:
        option = options.get(name)
        text = environment.get(variable_of(name), "")
        where, value = (option_of(name), str(option)) if option is not None else (variable_of(name), text)
        if not value:
            continue
        if not (value.isascii() and value.isdecimal() and len(value) <= 5 and 0 < int(value) < 65536):
            raise PortError(f"{where} is {value!r}: a port is a number from 1 to 65535")
        if int(value) in wished.values():
            other = next(part for part, port in wished.items() if port == int(value))
            raise PortError(f"{where} is {value}: that is the port of {other} already; every part needs its own")
        wished[name] = int(value)
    return wished


def choose_ports(wished: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return a port for each part: the one that is wished for, else the usual one, or a free one where that is taken.

    Raises:
        PortError: One that is wished for is taken.
    """
    wished = wished or {}
    for name, port in wished.items():
        if not _is_free(port):
            advice = f"choose another with {option_of(name)} or {variable_of(name)}, or end what listens there"
            raise PortError(f"port {port}, which was wished for {name}, is taken; {advice}")
    ports: dict[str, int] = dict(wished)
    for name, usual in USUAL_PORTS.items():
        if name not in ports:
            ports[name] = usual if usual not in ports.values() and _is_free(usual) else free_port()
    return ports


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
        "TENURE_ACQUISITION_COSTS": ",".join(f"{channel}={cost}" for channel, cost in ACQUISITION_COSTS.items()),
    }


def gateway_environment(ports: dict[str, int], tokens: Path) -> dict[str, str]:
    """Return the settings of the gateway, whose token stands in a file."""
    return {
        "TENURE_KAFKA_BOOTSTRAP": f"127.0.0.1:{ports['kafka']}",
        "TENURE_GATEWAY_HOST": "127.0.0.1",
        "TENURE_GATEWAY_PORT": str(ports["gateway"]),
        "TENURE_GATEWAY_TOKENS_FILE": str(tokens),
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
        "tenure-gateway": [f"127.0.0.1:{ports['gateway']}"],
        "tenure": [f"127.0.0.1:{ports[name]}" for name in WORKERS],
        "prometheus": [f"127.0.0.1:{ports['prometheus']}"],
        "alertmanager": [f"127.0.0.1:{ports['alertmanager']}"],
    }
    for job in config["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": targets[job["job_name"]]}]
    # What is served here in place of Grafana: the runbooks, and where the boards are.
    served = f"http://127.0.0.1:{ports['documents']}"
    config["global"]["external_labels"] = {"runbooks": f"{served}/runbooks", "dashboards": served}
    config["rule_files"] = [str(RULES / Path(pattern).name) for pattern in config["rule_files"]]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": targets["alertmanager"]}]}]
    return yaml.safe_dump(config, sort_keys=False)
