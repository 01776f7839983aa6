"""A stream of the test's own on the session's Kafka and a Redis of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.installation import Installation
from services.kafka import Kafka
from services.process import StartProcess
from services.redis import Redis


@pytest.fixture
def installation(
    kafka: Kafka, redis_server: Redis, prefix: str, start_process: StartProcess, tmp_path: Path
) -> Iterator[Installation]:
    """A stream without topics and workers: four partitions."""
    under_test = Installation(kafka, redis_server, prefix, start_process, tmp_path)
    yield under_test
    under_test.delete_topics()
