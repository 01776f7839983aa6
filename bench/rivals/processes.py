"""The rivals as processes: their commands, and a run of one; tools/install-rivals lays out what they need."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.rivals.figures import Outcome
from bench.rivals.rules import Cells
from bench.servers import Servers
from schemas.topics import DEFAULT_TOPIC_NAMES, MIXED_TOPIC_SETTING

TOPIC: Final = DEFAULT_TOPIC_NAMES[MIXED_TOPIC_SETTING]
ROOT: Final = Path(__file__).parents[2]
INSTALLED: Final = ROOT / "build" / "rivals"
_JAVA: Final = ("java", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
# Flink's serializers look into classes of Java's own.
_OPENED: Final = tuple(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "time", "util"))
_TIMEOUT_SECONDS: Final = 900


class RivalError(Exception):
    """A rival did not come to its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Rival:
    """One rival.

    Attributes:
        name: For tables.
        folder: Below build/rivals.
        command: Its job; bootstrap, topic, number of records and a folder for its state follow.
        options: What follows them.
        versioned: The file whose name tells the version, up to it.
        all_counts: It counts what the product counts for all customers (counts.py), not the six counters of rules.py.
    """

    name: str
    folder: str
    command: tuple[str, ...]
    options: tuple[str, ...] = ()
    versioned: str = ""
    all_counts: bool = False

    @property
    def installed(self) -> bool:
        """Return whether all is there that it needs."""
        return (INSTALLED / self.folder / ".ready").exists()

    @property
    def version(self) -> str:
        """The version that is installed."""
        found = next((INSTALLED / self.folder).glob(f"{self.versioned}[0-9]*"))
        return found.name.removeprefix(Path(self.versioned).name).removesuffix(".jar").removesuffix(".dist-info")


def _java(name: str, folder: str, job: str, option: str, versioned: str, *flags: str) -> Rival:
    path = INSTALLED / folder
    return Rival(name, folder, (*_JAVA, *flags, "-cp", f"{path}/classes:{path}/lib/*", job), (option,), versioned)


def _streams(name: str, guarantee: str) -> Rival:
    return _java(f"Kafka Streams, {name}", "kafka-streams", "StreamsJob", guarantee, "lib/kafka-streams-")


def _flink(name: str, backend: str, job: str = "FlinkJob") -> Rival:
    return _java(f"Flink, {name}", "flink", job, backend, "lib/flink-runtime-", *_OPENED)


def _flink_of_all_counts(name: str, backend: str) -> Rival:
    return replace(_flink(f"{name}, all counts", backend, "FlinkCountsJob"), all_counts=True)


def _python(name: str, folder: str, job: str, *arguments: str, package: str) -> Rival:
    command = (str(INSTALLED / folder / "bin" / "python"), "-m", f"bench.rivals.{job}", *arguments)
    return Rival(name, folder, command, versioned=f"lib/python*/site-packages/{package}-")


RIVALS: Final = (
    _streams("at least once", "at_least_once"),
    _streams("exactly once", "exactly_once_v2"),
    _flink("heap", "hashmap"),
    _flink("RocksDB", "rocksdb"),
    _flink_of_all_counts("heap", "hashmap"),
    _flink_of_all_counts("RocksDB", "rocksdb"),
    _python("Bytewax", "bytewax", "bytewax_job", package="bytewax"),
    _python("DuckDB, a recount of a file", "recounts", "recount_job", "duckdb", package="duckdb"),
    _python("chdb, a recount of the topic", "recounts", "recount_job", "chdb", package="chdb"),
)


def java_version() -> str:
    """Return what Java says of itself, where there is one."""
    if shutil.which("java") is None:
        return "no Java"
    told = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True)
    return (told.stderr or told.stdout).splitlines()[0]


def run_rival(servers: Servers, rival: Rival, *, core: int, records: int) -> tuple[Outcome, Cells]:
    """Run a rival on the measured core until it has counted so many records; return its cost, and its cells.

    Raises:
        RivalError: It failed, or took too long.
    """
    folder = servers.folder / rival.name.replace(" ", "-").replace(",", "").lower()
    folder.mkdir()
    command = [*rival.command, servers.kafka.bootstrap, TOPIC, str(records), str(folder), *rival.options]
    kafka_before = servers.kafka_cpu_seconds()
    pinned = ["taskset", "--cpu-list", str(core), *command]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            pinned, cwd=ROOT, env=environment, capture_output=True, timeout=_TIMEOUT_SECONDS, check=True
        )
    except subprocess.CalledProcessError as error:
        raise RivalError(f"{rival.name} ended with {error.returncode}: {error.stderr[-2000:].decode()}") from error
    except subprocess.TimeoutExpired as error:
        raise RivalError(f"{rival.name} took more than {_TIMEOUT_SECONDS} s") from error
    found = json.loads(done.stdout.splitlines()[-1])
    cells = found.pop("cells")
    return Outcome(**found, kafka_seconds=servers.kafka_cpu_seconds() - kafka_before), cells
