"""The gateway on a real Kafka: what is answered is there, whoever is away is said, and it ends in good order."""

from __future__ import annotations

import json
import socket
import ssl
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, Final

import pytest

from services.certificates import Certificates
from services.gateway import TOKEN, GatewayProcess
from services.installation import Installation, headers_of, until
from streams.batching.partitioner import partition_of
from tests.integration.test_refusals import refusal_of
from tests.unit.tenure.gateway.served import SECRET, signature, stripe

TIMEOUT_SECONDS: Final = "2"


def event(number: int, **members: Any) -> dict[str, Any]:
    """Return a signup of a customer of its own."""
    return {
        "id": f"evt-{number}",
        "type": "signup",
        "customer_id": f"c-{number}",
        "time": "2026-03-01T09:30:00Z",
        "plan": "pro",
        "mrr_minor": 4900,
        **members,
    }


def running(installation: Installation, **settings: str) -> GatewayProcess:
    """Start a gateway, and wait until it takes requests."""
    gateway = installation.gateway(**{"TENURE_GATEWAY_TIMEOUT_SECONDS": TIMEOUT_SECONDS, **settings})
    until(gateway.is_ready, "a gateway that is ready")
    return gateway


def deliver(gateway: GatewayProcess, body: bytes, secret: str = SECRET) -> tuple[int, Any]:
    """Deliver a webhook as Stripe would; return status and answer."""
    headers = {"Authorization": "", "Stripe-Signature": signature(body, secret=secret)}
    answer = gateway.post("/v1/webhooks/stripe", body, headers)
    return answer.status, answer.json


def test_events_and_webhooks_are_counted_and_what_is_wrong_is_a_dead_letter(installation: Installation) -> None:
    """The whole way: HTTP, Kafka, the worker, the numbers."""
    installation.create_topics()
    secrets = {"TENURE_GATEWAY_WEBHOOK_SECRETS": f"stripe=whsec_next,stripe={SECRET}", "TENURE_LOG_LEVEL": "debug"}
    gateway, worker = running(installation, **secrets), installation.worker()
    assert gateway.send(*(event(number) for number in range(100))).json["accepted"] == 100
    assert gateway.send(event(0)).json["accepted"] == 1  # once more: it counts once
    assert deliver(gateway, stripe()) == (200, {"accepted": 1})
    assert deliver(gateway, stripe(), "whsec_next") == (200, {"accepted": 1})
    assert deliver(gateway, stripe(), "whsec_wrong")[0] == 401
    assert deliver(gateway, stripe(type="invoice.created")) == (200, {"accepted": 0, "ignored": "invoice.created"})
    assert deliver(gateway, stripe(created="yesterday"))[0] == 200
    records = installation.records_in(installation.topics["signup"])
    assert len(records) == 103
    misplaced = [r.key() for r in records if r.partition() != partition_of(r.key() or b"", 4)]
    assert misplaced == []
    installation.until_applied()
    (report,) = installation.kpi("--at", "2026-04-01")
    assert report["totals"]["customers_active"] == 101
    assert (report["events"]["applied"], report["events"]["duplicate"]) == (101, 2)
    until(lambda: len(installation.records_in(installation.dead_letter_topic)) == 1, "a dead letter")
    (letter,) = installation.records_in(installation.dead_letter_topic)
    assert headers_of(letter)["tenure-reason"] == b"invalid_member"
    assert headers_of(letter)["tenure-detail"] == b"stripe: created: must be an integer, got yesterday"
    assert worker.total("tenure_records_forwarded_total") == 0
    seen = gateway.process.output + gateway.text_of("/metrics")
    assert [secret for secret in (TOKEN, SECRET, "whsec_") if secret in seen] == []
    assert gateway.process.stop() == 0


@pytest.mark.alone
def test_nothing_is_acknowledged_while_kafka_is_away(installation: Installation) -> None:
    """Senders keep what they have, come again when they are told, and are let in once it is back."""
    installation.create_topics()
    gateway = running(installation)
    assert gateway.send(event(0)).status == 200
    installation.kafka.kill()
    answer = gateway.send(event(1))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "it has not taken 1 records within 2 s; send it again" in answer.json["error"]
    until(lambda: gateway.status_of("/readyz") == 503, "not ready")
    assert gateway.status_of("/healthz") == 200
    assert "tenure_gateway_kafka_up 0.0" in gateway.text_of("/metrics")
    installation.kafka.bring_back()
    until(gateway.is_ready, "ready again")
    until(lambda: gateway.send(event(2)).status == 200, "an event that is taken")
    # What was answered with 503 may have arrived all the same, and then counts once.
    found = {
        json.loads(record.value() or b"")["id"] for record in installation.records_in(installation.topics["signup"])
    }
    assert {"evt-0", "evt-2"} <= found <= {"evt-0", "evt-1", "evt-2"}
    assert '"kafka_unreachable"' in gateway.process.output


@pytest.mark.alone
def test_memory_that_waits_for_kafka_is_bounded(installation: Installation) -> None:
    """Senders that come again and again during an outage must not fill it up."""
    installation.create_topics()
    limits = {"TENURE_GATEWAY_MAX_BODY_BYTES": "100000", "TENURE_GATEWAY_MAX_IN_FLIGHT_BYTES": "250000"}
    gateway = running(installation, **limits, TENURE_GATEWAY_TIMEOUT_SECONDS="1")
    assert gateway.send(event(0)).status == 200
    installation.kafka.pause()
    answers = [gateway.send(event(1, note="x" * 90_000)) for _ in range(4)]
    assert [answer.status for answer in answers] == [503] * 4
    assert "gateway_max_in_flight_bytes has no room for" in answers[-1].json["error"]
    installation.kafka.resume()
    until(lambda: gateway.send(event(2)).status == 200, "an event that is taken")
    until(lambda: "tenure_gateway_in_flight_bytes 0.0" in gateway.text_of("/metrics"), "no more bytes are held")


@pytest.mark.alone
def test_gateway_that_is_told_to_stop_answers_what_is_in_flight(installation: Installation) -> None:
    """A deployment must not cost a sender its answer; whoever balances the load is told first."""
    installation.create_topics()
    gateway = running(installation, TENURE_GATEWAY_TIMEOUT_SECONDS="60", TENURE_GATEWAY_DRAIN_SECONDS="5")
    assert gateway.send(event(0)).status == 200
    installation.kafka.pause()
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(gateway.send, event(1))
        until(lambda: "tenure_gateway_in_flight_requests 1.0" in gateway.text_of("/metrics"), "a request in flight")
        stopping = pool.submit(gateway.process.stop, seconds=90.0)
        until(lambda: gateway.status_of("/readyz") == 503, "it says that it stops")
        until(lambda: gateway.status_of("/readyz") == 0, "it takes no more")
        assert not sending.done()
        installation.kafka.resume()
        assert sending.result().status == 200
        assert stopping.result() == 0
    assert '"gateway_stopped"' in gateway.process.output


def test_gateway_speaks_tls_with_the_certificate_that_it_is_given(
    installation: Installation, certificates: Certificates
) -> None:
    """Tokens cross the network with every request."""
    installation.create_topics()
    files = {
        "TENURE_GATEWAY_CERTIFICATE_FILE": str(certificates.certificate),
        "TENURE_GATEWAY_KEY_FILE": str(certificates.key),
    }
    context = ssl.create_default_context(cafile=str(certificates.authority))
    gateway = installation.gateway(**files)
    gateway.context = context
    until(gateway.is_ready, "a gateway with TLS")
    assert gateway.send(event(0)).status == 200


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TENURE_GATEWAY_TOKENS": ""}, "TENURE_GATEWAY_TOKENS is not set: nobody could send anything"),
        ({"TENURE_GATEWAY_TOKENS": "app=short"}, "the token of entry 1 is shorter than 16 characters"),
        ({"TENURE_GATEWAY_WEBHOOK_SECRETS": "strip=whsec_0"}, "entry 1 is of no adapter; known are"),
        ({"TENURE_GATEWAY_HOST": "192.0.2.1"}, "TENURE_GATEWAY_HOST is '192.0.2.1': it is no address of this machine"),
        ({"TENURE_GATEWAY_CERTIFICATE_FILE": __file__}, "no certificate can be read from it"),
        ({}, "create them with `tenure topics --create`"),
    ],
    ids=["nobody", "short", "no-adapter", "host", "certificate", "topics"],
)
def test_gateway_that_cannot_work_ends_with_one_line(
    settings: dict[str, str], words: str, installation: Installation
) -> None:
    """A gateway that starts and takes nothing is found by its senders."""
    named = {"TENURE_GATEWAY_TOKENS": f"app={TOKEN}", "TENURE_GATEWAY_PORT": "0", **settings}
    line = refusal_of(installation.run("gateway", **named))
    assert words in line
    assert [secret for secret in (TOKEN, "whsec_0", "app=short") if secret in line] == []


def test_connection_that_says_nothing_is_ended(installation: Installation) -> None:
    """Who connects and sends half a head holds a place that a sender needs."""
    installation.create_topics()
    gateway = running(installation)
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as half:
        half.sendall(b"POST /v1/events HTTP/1.1\r\nHost:")
        assert half.recv(1) == b""


def test_connection_that_does_not_shake_hands_is_ended(installation: Installation, certificates: Certificates) -> None:
    """It is counted nowhere until it has: thousands of them would take all descriptors."""
    installation.create_topics()
    files = {
        "TENURE_GATEWAY_CERTIFICATE_FILE": str(certificates.certificate),
        "TENURE_GATEWAY_KEY_FILE": str(certificates.key),
    }
    gateway = installation.gateway(**files)
    gateway.context = ssl.create_default_context(cafile=str(certificates.authority))
    until(gateway.is_ready, "a gateway with TLS")
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as silent:
        assert silent.recv(1) == b""


def test_webhook_that_is_too_large_for_kafka_is_answered_and_what_follows_is_taken(installation: Installation) -> None:
    """A record that Kafka refuses must not cost the next ones of its partition their place."""
    installation.create_topics(config={"max.message.bytes": "2000"})
    secrets = {"TENURE_GATEWAY_WEBHOOK_SECRETS": f"stripe={SECRET}"}
    gateway = running(installation, **secrets)
    noise = b64encode(Random(5).randbytes(100_000)).decode()
    for _ in range(3):
        status, answer = deliver(gateway, stripe(created="yesterday", filler=noise))
        assert (status, [each["reason"] for each in answer["dead_letters"]]) == (200, ["invalid_member"])
        assert gateway.post("/v1/events", json.dumps([event(1, note=noise)]).encode()).status == 413
        assert gateway.send(event(1)).status == 200
    kept = [record.value() for record in installation.records_in(installation.topics["events"])]
    assert {len(value or b"") for value in kept} == {512}
    assert len(installation.records_in(installation.topics["signup"])) == 3
