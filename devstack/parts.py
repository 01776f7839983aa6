"""The parts of the system as they run: started in the order of need, ended in the opposite one."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from pydantic import SecretStr

from devstack.configuration import (
    ALERTMANAGER,
    PARTITIONS,
    ROOT,
    WORKERS,
    choose_ports,
    gateway_environment,
    prometheus_configuration,
    worker_environment,
)
from services.alertmanager import Alertmanager
from services.kafka import Kafka
from services.process import Process, listens
from services.prometheus import Prometheus
from services.redis import Redis
from streams.clock import WallClock
from streams.settings.settings import Settings
from tenure.operations.targets import WantedTarget, changes, put

TENURE: Final = str(Path(sys.executable).with_name("tenure"))
LEAST_SECONDS: Final = 5.0
"""A part that ends sooner after its start would do so again."""
#: Two looks of Prometheus, and a while for the second to end.
_NOTICE_SECONDS: Final = 35.0
_LOOK_SECONDS: Final = 0.5
#: What a company would want of itself; set once, so that alerts and dashboards have something to compare with.
TARGETS: Final = (
    ("retention", "365d", "80%"),
    ("churn_standard", "30d", "4%"),
    ("dropoff_7d", "30d", "10%"),
    ("onboarding", "30d", "60%"),
    ("engagement", "30d", "60%"),
    ("renewal", "30d", "90%"),
    ("net_revenue_retention", "365d", "100%"),
    ("gross_revenue_retention", "365d", "80%"),
    ("nps", "30d", "30"),
    ("csat", "30d", "80%"),
)


class StartError(Exception):
    """A part did not start; the message says why."""


class System:
    """Kafka, Redis, two workers, the gateway, the demo's company, Alertmanager and Prometheus.

    Use it in a `with` statement: what was started ends with it.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        *,
        company: bool = True,
        wished: Mapping[str, int] | None = None,
    ) -> None:
        """Choose ports.

        Args:
            folder: Where data and logs lie.
            say: Told what happens, one line each.
            company: Whether an invented company sends events.
            wished: Ports that parts shall have, by name; the others have theirs as usual.

        Raises:
            PortError: A port that is wished for is taken.
        """
        self._folder = folder
        self._say = say
        self._with_company = company
        self.ports = choose_ports(wished)
        self.processes: dict[str, Process] = {}
        self._started_seconds: dict[str, float] = {}
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def start(self) -> None:
        """Start everything, and wait until it serves.

        Raises:
            StartError: A command failed.
            FileNotFoundError: A program is missing.
            NotReadyError: A server did not come up in time, or ended.
        """
        self._start_servers()
        documents = Process(
            [sys.executable, "-m", "devstack.documents", str(self.ports["documents"])],
            log=self.folder_of("documents") / "documents.log",
            environment={"PYTHONPATH": str(ROOT)},
        )
        self._keep("documents", documents, documents.start)
        documents.wait_until(lambda: listens(self.ports["documents"]), what="documents")
        self._run("topics", "--create", "--partitions", str(PARTITIONS))
        for name in WORKERS:
            process = Process(
                [TENURE, "worker"],
                log=self.folder_of(name) / "worker.log",
                environment=worker_environment(self.ports, name),
            )
            self._keep(name, process, process.start)
        gateway = Process(
            [TENURE, "gateway"],
            log=self.folder_of("gateway") / "gateway.log",
            environment=gateway_environment(self.ports, self._made_tokens()),
        )
        self._keep("gateway", gateway, gateway.start)
        for name in (*WORKERS, "gateway"):
            self.processes[name].wait_until(lambda name=name: self._serves(name), what=name)  # type: ignore[misc]
        self._set_targets()
        if self._with_company:
            process = Process(
                [TENURE, "company", "--live"],
                log=self.folder_of("company") / "company.log",
                environment=self.environment,
            )
            self._keep("company", process, process.start)

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which `tenure` looks at this system."""
        hidden = {"TENURE_METRICS_HOST", "TENURE_METRICS_PORT", "TENURE_INSTANCE_ID"}
        settings = worker_environment(self.ports, WORKERS[0])
        return {name: value for name, value in settings.items() if name not in hidden}

    @property
    def tokens_file(self) -> Path:
        """The file of the token that the gateway takes."""
        return self.folder_of("gateway") / "tokens"

    def folder_of(self, name: str) -> Path:
        """Return the folder of a part, made where it is missing."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def starts_again(self) -> bool:
        """Start again what has ended by itself or was killed; return False where something does not stay up."""
        for name, process in self.processes.items():
            if process.running:
                continue
            log = f"see {self.folder_of(name)}"
            if time.monotonic() - self._started_seconds[name] < LEAST_SECONDS:
                self._say(f"{name} has ended by itself right after its start: {log}")
                return False
            self._say(f"{name} has ended, and is started again: {log}")
            process.start()
            self._started_seconds[name] = time.monotonic()
        return True

    def _start_servers(self) -> None:
        kafka = Kafka(self.folder_of("kafka"), port=self.ports["kafka"])
        redis = Redis(self.folder_of("redis"), port=self.ports["redis"])
        shipped = (ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
        prometheus = Prometheus(
            self.folder_of("prometheus"),
            config=prometheus_configuration(self.ports, shipped),
            port=self.ports["prometheus"],
        )
        alertmanager = Alertmanager(
            self.folder_of("alertmanager"), config=ALERTMANAGER, port=self.ports["alertmanager"]
        )
        started: dict[str, Kafka | Redis | Alertmanager | Prometheus] = {
            "kafka": kafka,
            "redis": redis,
            "alertmanager": alertmanager,
            "prometheus": prometheus,
        }
        for name, server in started.items():
            self._keep(name, server.process)
        self._ends.callback(let_notice, prometheus, self._say)  # after the workers have ended, before Prometheus does
        with ThreadPoolExecutor() as pool:
            starts = [pool.submit(server.start) for server in started.values()]
        for start in starts:
            start.result()

    def _keep(self, name: str, process: Process, start: Callable[[], None] | None = None) -> None:
        """Have a part end when the others do, last come first."""
        self.processes[name] = process
        self._started_seconds[name] = time.monotonic()
        self._ends.callback(self._stop, name, process)
        if start is not None:
            start()

    def _stop(self, name: str, process: Process) -> None:
        if not process.running:
            return
        try:
            process.stop(seconds=20.0)
        except subprocess.TimeoutExpired:
            self._say(f"{name} does not end by itself: killed")
            process.kill()

    def _serves(self, name: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False  # it does not listen yet

    def _made_tokens(self) -> Path:
        """Return the file of the gateway's token; it is made once, for the user's eyes alone."""
        if not self.tokens_file.exists():
            self.tokens_file.touch(mode=0o600)
            self.tokens_file.write_text(f"local={secrets.token_hex(32)}\n", encoding="utf-8")
        return self.tokens_file

    def _set_targets(self) -> None:
        """Set some targets where nobody ever set one."""
        address = self.environment["TENURE_REDIS_URL"]
        asyncio.run(set_targets(Settings(redis_url=SecretStr(address)), WallClock().now_ms()))

    def _run(self, *arguments: str) -> str:
        return run_command([TENURE, *arguments], self.environment)


def let_notice(prometheus: Prometheus, say: Callable[[str], None]) -> None:
    """Wait until Prometheus has found the workers away: it then knows that their series have ended.

    Started anew, it would else show them beside those of the next workers for five minutes.
    """
    if not _sees_workers(prometheus):
        return
    say("waits until Prometheus has seen that the workers are gone, a quarter of a minute at most")
    deadline = time.monotonic() + _NOTICE_SECONDS
    while _sees_workers(prometheus) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _sees_workers(prometheus: Prometheus) -> bool:
    """Tell whether Prometheus runs, and shows what it has read of workers."""
    try:
        return prometheus.process.running and bool(prometheus.query("tenure_partition_owned"))
    except OSError:
        return False  # it was killed, or does not listen yet


def run_command(command: Sequence[str], environment: dict[str, str]) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        StartError: It failed.
    """
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout


async def set_targets(settings: Settings, now_ms: int) -> None:
    """Set `TARGETS`, unless somebody has set any before."""
    if await changes(settings):
        return
    for kpi, window, value in TARGETS:
        wanted = WantedTarget(
            settings,
            kpi=kpi,
            window=window,
            value=value,
            owner="demo",
            review=None,
            changed_by="make up",
            note="",
            now_ms=now_ms,
        )
        await put(settings, wanted, now_ms=now_ms)
