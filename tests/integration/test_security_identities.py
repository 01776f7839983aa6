"""Who the worker is, other than by a password: a certificate, a token; and Redis behind Sentinels with all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from services.certificates import KEY_PASSWORD, Certificates
from services.installation import Installation, until
from services.kafka import Kafka
from services.process import StartProcess
from services.redis import Redis
from services.redis_sentinel import RedisSentinel
from services.tokens import TokenEndpoint, token_of
from tests.integration.conftest import PASSWORD
from tests.integration.test_refusals import refusal_of
from tests.integration.test_security import SIGNUP, applied

CLIENT_ID: Final = "tenure:eu"
CLIENT_SECRET: Final = "t0ken&h0rse"
LIFE_SECONDS: Final = 3.0


@pytest.fixture
def stream(
    secured_kafka: Kafka, redis_server: Redis, prefix: str, start_process: StartProcess, tmp_path: Path
) -> Installation:
    """A stream that has not said yet who it is."""
    return Installation(secured_kafka, redis_server, prefix, start_process, tmp_path)


@pytest.fixture
def by_certificate(stream: Installation, certificates: Certificates, tmp_path: Path) -> Installation:
    """A stream whose Kafka asks for a certificate; the password of its key is in a file."""
    secret = tmp_path / "key-password"
    secret.write_text(KEY_PASSWORD + "\n", encoding="utf-8")
    stream.environment |= {
        "TENURE_KAFKA_BOOTSTRAP": stream.kafka.mutual_bootstrap,
        "TENURE_KAFKA_SECURITY_PROTOCOL": "SSL",
        "TENURE_KAFKA_CA_FILE": str(certificates.authority),
        "TENURE_KAFKA_CERTIFICATE_FILE": str(certificates.client_certificate),
        "TENURE_KAFKA_KEY_FILE": str(certificates.client_key),
        "TENURE_KAFKA_KEY_PASSWORD_FILE": str(secret),
    }
    return stream


@pytest.fixture
def by_token(stream: Installation, certificates: Certificates) -> Installation:
    """A stream whose Kafka asks for a token."""
    stream.environment |= {
        "TENURE_KAFKA_BOOTSTRAP": stream.kafka.secured_bootstrap,
        "TENURE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "TENURE_KAFKA_SASL_MECHANISM": "OAUTHBEARER",
        "TENURE_KAFKA_CA_FILE": str(certificates.authority),
    }
    return stream


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    """An endpoint whose tokens live for seconds."""
    issuer = TokenEndpoint(CLIENT_ID, CLIENT_SECRET, seconds=LIFE_SECONDS)
    issuer.start()
    yield issuer
    issuer.stop()


def test_stream_runs_on_a_kafka_that_knows_it_by_its_certificate(by_certificate: Installation) -> None:
    """Many companies hand out certificates and no passwords."""
    assert applied(by_certificate) == 1


def test_certificate_that_kafka_does_not_take_is_told_in_one_line(
    by_certificate: Installation, certificates: Certificates
) -> None:
    """In TLS 1.3 a client learns of it as of a broken connection, and would wait for ever."""
    for command in (["worker"], ["topics"]):
        line = refusal_of(by_certificate.run(*command, TENURE_KAFKA_KEY_FILE=str(certificates.key)))
        assert line.startswith(f"tenure: TENURE_KAFKA_KEY_FILE is '{certificates.key}': its key is not that of")
    for name in ("CERTIFICATE_FILE", "KEY_FILE", "KEY_PASSWORD_FILE"):
        del by_certificate.environment[f"TENURE_KAFKA_{name}"]
    for command in (["worker"], ["topics"]):
        line = refusal_of(by_certificate.run(*command))
        assert line.startswith("tenure: TENURE_KAFKA_CERTIFICATE_FILE is not set: Kafka at ")


def test_stream_runs_with_a_token_out_of_a_file(by_token: Installation, tmp_path: Path) -> None:
    """Some platform keeps the file fresh."""
    file = tmp_path / "token"
    file.write_text(token_of("tenure") + "\n", encoding="utf-8")
    by_token.environment["TENURE_KAFKA_TOKEN_FILE"] = str(file)
    assert applied(by_token) == 1


def test_token_that_kafka_does_not_take_is_told_in_one_line(by_token: Installation, tmp_path: Path) -> None:
    """The client takes itself for let in, and would wait for ever."""
    file = tmp_path / "token"
    file.write_text(token_of("tenure", seconds=-60), encoding="utf-8")
    for command in (["worker"], ["topics"]):
        line = refusal_of(by_token.run(*command, TENURE_KAFKA_TOKEN_FILE=str(file)))
        assert line.startswith(f"tenure: TENURE_KAFKA_TOKEN_FILE is '{file}': Kafka at ")
        assert "does not take the token" in line


def test_worker_goes_on_with_fresh_tokens_when_those_of_its_start_have_expired(
    by_token: Installation, endpoint: TokenEndpoint, tmp_path: Path
) -> None:
    """Tokens live for minutes, workers for weeks; Kafka closes the connection of a token that has expired."""
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET, encoding="utf-8")
    by_token.environment |= {
        "TENURE_KAFKA_TOKEN_URL": endpoint.url,
        "TENURE_KAFKA_TOKEN_SCOPE": "kafka",
        "TENURE_KAFKA_USERNAME": CLIENT_ID,
        "TENURE_KAFKA_PASSWORD_FILE": str(secret),
    }
    created = by_token.run("topics", "--create")
    assert created.returncode == 0, created.stderr
    worker = by_token.worker()
    for number in range(3):
        known = len(endpoint.issued)
        event = {**SIGNUP, "id": f"s{number}", "customer_id": f"c{number}"}
        send_as_others_do(by_token, event)
        by_token.until_applied()
        # Nobody but the worker asks now: it does when Kafka has closed a connection of a token that is over.
        until(lambda known=known: len(endpoint.issued) > known, "a fresh token", seconds=60)  # type: ignore[misc]
    (report,) = by_token.kpi()
    assert report["events"]["applied"] == 3
    assert {scope for form in endpoint.asked for scope in form["scope"]} == {"kafka"}
    assert worker.process.running
    assert CLIENT_SECRET not in worker.process.output
    assert [token for token in endpoint.issued if token in worker.process.output] == []
    assert worker.process.stop() == 0


def send_as_others_do(stream: Installation, event: dict[str, Any]) -> None:
    """Send an event by the listener that asks for nothing."""
    producer = stream.producer()
    producer.produce(stream.topics["signup"], json.dumps(event).encode(), key=event["customer_id"].encode())
    assert producer.flush(30) == 0


def test_endpoint_that_refuses_is_told_in_one_line_and_one_that_is_away_is_waited_for(
    by_token: Installation, endpoint: TokenEndpoint
) -> None:
    """A wrong secret does not mend by waiting; an endpoint that restarts does."""
    by_token.environment |= {"TENURE_KAFKA_TOKEN_URL": endpoint.url, "TENURE_KAFKA_USERNAME": CLIENT_ID}
    for command in (["worker"], ["topics"]):
        line = refusal_of(by_token.run(*command, TENURE_KAFKA_PASSWORD="wr0ng-h0rse"))
        assert line.startswith(f"tenure: TENURE_KAFKA_TOKEN_URL is '{endpoint.url}': it answers 401 invalid_client")
        assert "wr0ng" not in line
    assert by_token.run("topics", "--create", TENURE_KAFKA_PASSWORD=CLIENT_SECRET).returncode == 0
    endpoint.fault = (503, b"")
    worker = by_token.worker(TENURE_KAFKA_PASSWORD=CLIENT_SECRET)
    until(lambda: "waiting_for_kafka" in worker.process.output, "a worker that waits")
    endpoint.fault = None
    until(lambda: worker.owned() == {0, 1, 2, 3}, "a worker that was let in")


def test_stream_runs_on_a_redis_behind_sentinels_that_all_want_a_certificate_and_a_password(
    kafka: Kafka, certificates: Certificates, prefix: str, start_process: StartProcess, tmp_path: Path
) -> None:
    """All at once, and a fail-over in the middle: nothing is counted twice, nothing is missing."""
    folder = tmp_path / "behind"
    folder.mkdir()
    behind = RedisSentinel(folder, password=PASSWORD, certificates=certificates)
    secret = tmp_path / "redis-url"
    secret.write_text(behind.url + "\n", encoding="utf-8")
    try:
        behind.start()
        stream = Installation(kafka, behind.servers[1], prefix, start_process, tmp_path)
        del stream.environment["TENURE_REDIS_URL"]
        stream.environment["TENURE_REDIS_URL_FILE"] = str(secret)
        stream.create_topics()
        worker = stream.worker()
        stream.publish(stream.file_of([json.dumps(SIGNUP).encode()]))
        stream.until_applied()  # as the replica says
        behind.servers[0].kill()
        stream.publish(stream.file_of([json.dumps({**SIGNUP, "id": "s2", "customer_id": "c2"}).encode()]))
        behind.until_failed_over()
        stream.until_applied()
        (report,) = stream.kpi()
        assert report["events"]["applied"] == 2
        assert worker.process.stop() == 0
        assert [s for s in (PASSWORD, KEY_PASSWORD) if s in worker.process.output] == []
        stream.delete_topics()
    finally:
        behind.stop()
