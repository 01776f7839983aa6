"""Fixtures for tests that need real parts; a test that names none of them starts nothing."""

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import structlog

from services.kafka import Kafka
from services.postgres import Postgres
from services.process import Process, StartProcess
from services.redis import Redis
from services.redis_cluster import RedisCluster


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undo what a test's commands configure: logs are configured for as long as a process lives."""
    before, handlers, level = structlog.get_config(), logging.root.handlers, logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers, logging.root.level = handlers, level


@pytest.fixture(scope="session")
def _kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    broker = Kafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@pytest.fixture(scope="session")
def kafka_bootstrap(_kafka: Kafka) -> str:
    """The running broker's address, `host:port`."""
    return _kafka.bootstrap


@pytest.fixture
def kafka(_kafka: Kafka) -> Iterator[Kafka]:
    """The running broker, one for the whole session; what a test stops, kills or pauses is back for the next one."""
    yield _kafka
    _kafka.bring_back()


@pytest.fixture
def prefix() -> str:
    """A prefix that no other test has, for names of topics and groups, which one broker holds for all."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    """A running Redis of this test's own: empty, append-only, `noeviction`."""
    folder = tmp_path / "redis"
    folder.mkdir()
    server = Redis(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL, one for the whole session; a test uses schemas of its own."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    cluster = RedisCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def redis_cluster(_redis_cluster: RedisCluster) -> RedisCluster:
    """A running Redis Cluster of three masters, emptied and made whole before each test."""
    _redis_cluster.flush()
    return _redis_cluster


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Start child processes, killed at the end: `start_process(["tenure", "worker"], {"TENURE_GROUP": "a"})`."""
    started: list[Process] = []

    def start(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
        process = Process(command, log=tmp_path / f"process-{len(started)}.log", environment=environment)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.kill()
