"""The worker under measurement: one `tenure worker` process on one core, and its progress."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any, Final, Self

from bench import machine
from bench.servers import GROUP, PREFIX, Servers
from services.installation import BYTECODE
from services.process import Process, free_port, wait_until

COMMAND: Final = (sys.executable, "-c", "from tenure.cli import main; main()")
"""This tree's own command, not one that is installed: the working folder is first on its path."""
SESSION_SECONDS: Final = 600
"""Longer than the worker stands still while records are produced."""


class Worker:
    """One worker; `settings` are further TENURE_ variables, without the prefix."""

    def __init__(self, servers: Servers, *, core: int, **settings: str) -> None:
        """Prepare it; it starts when the block is entered."""
        self.port = free_port()
        self.environment = {
            "TENURE_KAFKA_BOOTSTRAP": servers.kafka.bootstrap,
            "TENURE_REDIS_URL": servers.redis.url,
            "TENURE_REDIS_PREFIX": PREFIX,
            "TENURE_GROUP": GROUP,
            "TENURE_INSTANCE_ID": "bench-0",
            "TENURE_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS),
            "TENURE_METRICS_PORT": str(self.port),
            "TENURE_LOG_LEVEL": "warning",
            **BYTECODE,
            **{f"TENURE_{name.upper()}": value for name, value in settings.items()},
        }
        self.process = Process(
            ["taskset", "--cpu-list", str(core), *COMMAND, "worker"],
            log=servers.folder / "worker.log",
            environment=self.environment,
        )

    def __enter__(self) -> Self:
        self.process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def wait_ready(self, *, seconds: float = 60.0) -> None:
        """Wait until it owns partitions and all their counters are in memory."""
        wait_until(self._is_ready, seconds=seconds, what="a worker that is ready")

    def _is_ready(self) -> bool:
        assert self.process.running, self.process.output[-2000:]
        try:
            return b"\ntenure_partition_owned{" in self.scrape() and self._get("/readyz").startswith(b"ready")
        except OSError:
            return False

    def scrape(self) -> bytes:
        """Return what Prometheus would read."""
        return self._get("/metrics")

    def scrape_seconds(self) -> float:
        """Return how long a scrape takes."""
        began = time.perf_counter()
        self.scrape()
        return time.perf_counter() - began

    def cpu_seconds(self) -> float:
        """Return the CPU time it has taken, with all threads and children (seconds)."""
        return machine.cpu_seconds(self.process.pid)

    def peak_memory_bytes(self) -> int:
        """Return the most memory it has had (bytes)."""
        return machine.peak_memory_bytes(self.process.pid)

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return bytes(answer.read())


def command_json(worker: Worker, *arguments: str) -> Any:
    """Return what another `tenure` command with the worker's settings prints as JSON."""
    environment = {**os.environ, **worker.environment}
    done = subprocess.run([*COMMAND, *arguments, "--json"], env=environment, check=True, capture_output=True)
    return json.loads(done.stdout)
