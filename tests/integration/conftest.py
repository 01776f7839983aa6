"""A stream of the test's own on the session's Kafka and a Redis of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from services.certificates import Certificates
from services.installation import Installation
from services.kafka import Kafka, Secured
from services.process import StartProcess
from services.redis import Redis

USER: Final = "tenure"
PASSWORD: Final = "corr3ct-h0rse"


@pytest.fixture
def installation(
    kafka: Kafka, redis_server: Redis, prefix: str, start_process: StartProcess, tmp_path: Path
) -> Iterator[Installation]:
    """A stream without topics and workers: four partitions."""
    under_test = Installation(kafka, redis_server, prefix, start_process, tmp_path)
    yield under_test
    under_test.delete_topics()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority that no machine trusts, and the certificates of a server and of a client."""
    return Certificates(tmp_path_factory.mktemp("security") / "certificates")


@pytest.fixture(scope="session")
def secured_kafka(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker with listeners that want TLS and a password, a token or a certificate."""
    broker = Kafka(tmp_path_factory.mktemp("secured-kafka"), secured=Secured(certificates, USER, PASSWORD))
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
