"""Kafka and Redis behind TLS and passwords: settings are all it takes, and a wrong one is named without its secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from services.certificates import Certificates
from services.installation import Installation
from services.kafka import Kafka
from services.process import StartProcess
from services.redis import Redis
from tests.integration.conftest import PASSWORD, USER
from tests.integration.test_refusals import refusal_of

WRONG: Final = "wr0ng-h0rse"
SIGNUP: Final = {
    "type": "signup", "id": "s1", "customer_id": "c1", "time": "2025-01-01T00:00:00Z", "plan": "pro", "mrr_minor": 500
}  # fmt: skip


@pytest.fixture
def secured_redis(certificates: Certificates, tmp_path: Path) -> Iterator[Redis]:
    """A Redis that wants TLS and a password."""
    (tmp_path / "secured-redis").mkdir()
    server = Redis(tmp_path / "secured-redis", password=PASSWORD, certificates=certificates)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture
def behind_kafka(
    secured_kafka: Kafka,
    redis_server: Redis,
    certificates: Certificates,
    prefix: str,
    start_process: StartProcess,
    tmp_path: Path,
) -> Installation:
    """A stream that reaches Kafka by its secured listener alone."""
    stream = Installation(secured_kafka, redis_server, prefix, start_process, tmp_path)
    stream.environment |= {
        "TENURE_KAFKA_BOOTSTRAP": secured_kafka.secured_bootstrap,
        "TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "TENURE_KAFKA_SASL_MECHANISM": "PLAIN",
        "TENURE_KAFKA_USERNAME": USER,
        "TENURE_KAFKA_PASSWORD": PASSWORD,
        "TENURE_KAFKA_CA_FILE": str(certificates.authority),
    }
    return stream


def applied(stream: Installation, **settings: str) -> int:
    """Create topics, run a worker, publish an event, and return how many events `kpi` then says were applied."""
    created = stream.run("topics", "--create", **settings)
    assert created.returncode == 0, created.stderr
    worker = stream.worker(**settings)
    stream.publish(stream.file_of([json.dumps(SIGNUP).encode()]))
    stream.until_applied()
    (report,) = stream.kpi(**settings)
    said = worker.process.output + created.stdout + created.stderr + json.dumps(report)
    assert PASSWORD not in said
    assert worker.process.stop() == 0
    count: int = report["events"]["applied"]
    return count


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_stream_runs_on_a_kafka_that_wants_tls_and_a_password(mechanism: str, behind_kafka: Installation) -> None:
    """Most Kafkas outside of a laptop do; consumer, producer and administration connect each in a way of their own."""
    assert applied(behind_kafka, TENURE_KAFKA_SASL_MECHANISM=mechanism) == 1


def test_stream_runs_on_a_kafka_that_wants_a_password_without_tls(behind_kafka: Installation) -> None:
    """Inside of a network that encrypts by itself; the password itself never crosses it with SCRAM."""
    behind_kafka.environment |= {
        "TENURE_KAFKA_BOOTSTRAP": behind_kafka.kafka.password_bootstrap,
        "TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "TENURE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
    }
    del behind_kafka.environment["TENURE_KAFKA_CA_FILE"]
    assert applied(behind_kafka) == 1


def test_kafka_that_does_not_let_us_in_is_told_in_one_line_without_the_secret(
    behind_kafka: Installation, certificates: Certificates
) -> None:
    """The client says that it cannot connect, and a worker that waited would wait for ever."""
    file = str(behind_kafka.file_of([json.dumps(SIGNUP).encode()]))
    for command in (["worker"], ["topics"], ["publish", file]):
        line = refusal_of(behind_kafka.run(*command, TENURE_KAFKA_PASSWORD=WRONG))
        assert line.startswith("tenure: TENURE_KAFKA_PASSWORD is '****': ")
        assert WRONG not in line
    other = str(certificates.certificate)
    line = refusal_of(behind_kafka.run("worker", TENURE_KAFKA_CA_FILE=other))
    assert line.startswith(f"tenure: TENURE_KAFKA_CA_FILE is {other!r}: ")
    line = refusal_of(behind_kafka.run("topics", TENURE_KAFKA_SASL_MECHANISM="SCRAM-SHA-256"))
    assert line.startswith("tenure: TENURE_KAFKA_SASL_MECHANISM is 'SCRAM-SHA-256': ")
    line = refusal_of(behind_kafka.run("topics", TENURE_KAFKA_CA_FILE=str(certificates.key)))
    assert line.startswith(f"tenure: TENURE_KAFKA_CA_FILE is {str(certificates.key)!r}: the file holds no certificate")


def test_stream_runs_on_a_redis_that_wants_tls_and_a_password(
    kafka: Kafka, secured_redis: Redis, prefix: str, start_process: StartProcess, tmp_path: Path
) -> None:
    """A managed Redis has both."""
    stream = Installation(kafka, secured_redis, prefix, start_process, tmp_path)
    assert applied(stream) == 1
    url = secured_redis.url
    for command in (["worker"], ["kpi", "--json"]):
        line = refusal_of(stream.run(*command, TENURE_REDIS_URL=url.replace(PASSWORD, WRONG)))
        assert line.startswith("tenure: TENURE_REDIS_URL is 'rediss://:****@127.0.0.1:")
        assert "password" in line
        assert WRONG not in line
        line = refusal_of(stream.run(*command, TENURE_REDIS_URL=url.partition("?")[0]))
        assert "is not trusted (self-signed certificate in certificate chain)" in line
        assert PASSWORD not in line
    stream.delete_topics()
