"""Secrets are seen nowhere: not in logs at their most talkative, not in pages, dead letters or lists of processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from services.certificates import KEY_PASSWORD, Certificates
from services.installation import Installation, WorkerProcess, until
from services.kafka import Kafka
from services.process import StartProcess
from services.redis import Redis
from services.tokens import token_of
from tests.integration.conftest import PASSWORD, USER
from tests.integration.test_security import SIGNUP

WRONG: Final = "wr0ng-h0rse"


@pytest.fixture
def stream(
    secured_kafka: Kafka, certificates: Certificates, prefix: str, start_process: StartProcess, tmp_path: Path
) -> Iterator[Installation]:
    """A stream with a secret in every place where there can be one, and logs at their most talkative."""
    (tmp_path / "guarded-redis").mkdir()
    server = Redis(tmp_path / "guarded-redis", password=PASSWORD, certificates=certificates, knows_clients=True)
    guarded = Installation(secured_kafka, server, prefix, start_process, tmp_path)
    guarded.environment |= {
        "TENURE_KAFKA_BOOTSTRAP": secured_kafka.secured_bootstrap,
        "TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "TENURE_KAFKA_SASL_MECHANISM": "PLAIN",
        "TENURE_KAFKA_USERNAME": USER,
        "TENURE_KAFKA_PASSWORD": PASSWORD,
        "TENURE_KAFKA_CA_FILE": str(certificates.authority),
        "TENURE_KAFKA_CERTIFICATE_FILE": str(certificates.client_certificate),
        "TENURE_KAFKA_KEY_FILE": str(certificates.client_key),
        "TENURE_KAFKA_KEY_PASSWORD": KEY_PASSWORD,
        "TENURE_LOG_LEVEL": "debug",
    }
    try:
        server.start()
        yield guarded
    finally:
        server.kill()


def seen_of(worker: WorkerProcess) -> str:
    """Return all that others see of a running worker."""
    shown = [worker.get(page)[1] for page in ("/metrics", "/readyz", "/healthz", "/")]
    called = Path(f"/proc/{worker.process.pid}/cmdline").read_bytes().decode()
    return "\n".join([worker.process.output, called, *shown])


def test_secrets_of_a_worker_that_works_are_seen_nowhere(stream: Installation) -> None:
    """Logs are shipped to many, dead letters are looked into, and everybody on a machine may list its processes."""
    stream.create_topics()
    worker = stream.worker()
    stream.publish(stream.file_of([json.dumps(SIGNUP).encode(), b"no event"]))
    stream.until_applied()
    seen = seen_of(worker)
    until(lambda: len(stream.records_in(stream.dead_letter_topic)) == 1, "a dead letter")
    letters = repr([(r.key(), r.value(), r.headers()) for r in stream.records_in(stream.dead_letter_topic)])
    assert [secret for secret in (PASSWORD, KEY_PASSWORD) if secret in seen + letters] == []
    assert worker.process.stop() == 0
    assert [secret for secret in (PASSWORD, KEY_PASSWORD) if secret in worker.process.output] == []


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_that_are_wrong_are_seen_nowhere(log_format: str, stream: Installation, tmp_path: Path) -> None:
    """A wrong secret is often the right one of another place, or a right one with a slip."""
    assert stream.run("topics", "--create").returncode == 0
    file = tmp_path / "secret"
    file.write_text(WRONG, encoding="utf-8")
    token = token_of(WRONG, seconds=-60)
    expired = tmp_path / "token"
    expired.write_text(token, encoding="utf-8")
    tokens = {"TENURE_KAFKA_SASL_MECHANISM": "OAUTHBEARER"}
    right = stream.redis.url
    attempts: list[dict[str, str]] = [
        {"TENURE_KAFKA_PASSWORD": WRONG},
        {"TENURE_KAFKA_PASSWORD": WRONG, "TENURE_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512"},
        {"TENURE_KAFKA_KEY_PASSWORD": WRONG},
        {"TENURE_KAFKA_PASSWORD_FILE": str(file)},
        {"TENURE_REDIS_URL": right.replace(PASSWORD, WRONG)},
        {"TENURE_REDIS_URL": right.replace(KEY_PASSWORD, WRONG)},
        {"TENURE_REDIS_URL": f"redis://u:{WRONG}/x@127.0.0.1/0"},
        {**tokens, "TENURE_KAFKA_TOKEN_FILE": str(expired)},
        {**tokens, "TENURE_KAFKA_TOKEN_URL": "http://127.0.0.1:1/token", "TENURE_KAFKA_PASSWORD": WRONG},
    ]
    for settings in attempts:
        worker = stream.worker(TENURE_LOG_FORMAT=log_format, **settings)
        if "TENURE_KAFKA_TOKEN_URL" in settings:
            until(lambda worker=worker: "waiting_for_kafka" in worker.process.output, "a worker that waits")  # type: ignore[misc]
            seen = seen_of(worker)
            worker.process.kill()
        else:
            assert worker.process.wait(seconds=60) == 2, worker.process.output
            seen = worker.process.output
        assert [secret for secret in (WRONG, PASSWORD, KEY_PASSWORD, token) if secret in seen] == [], settings
