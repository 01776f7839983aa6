"""The gateway under senders that mean no good: whoever is honest is answered meanwhile, and what counts counts once."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

import pytest

from services.gateway import TOKEN, GatewayProcess
from services.installation import Installation, until
from tests.integration.test_gateway import deliver, event, running
from tests.unit.tenure.gateway.served import SECRET, signature, stripe

SECRETS: Final = {"TENURE_GATEWAY_WEBHOOK_SECRETS": f"stripe={SECRET}"}
OTHER_TOKEN: Final = "other-token-9876543210"


def dribbling(gateway: GatewayProcess, opened: ExitStack, head: bytes) -> socket.socket:
    """Open a connection that says a part of what it announced, and stays."""
    connection = opened.enter_context(socket.create_connection(("127.0.0.1", gateway.port), timeout=60))
    connection.sendall(head)
    return connection


def test_senders_that_dribble_cost_no_honest_sender_an_answer(installation: Installation) -> None:
    """A hundred connections that never finish hold no more than their own places, and these for a limited time."""
    installation.create_topics()
    gateway = running(installation, TENURE_GATEWAY_MAX_IN_FLIGHT_REQUESTS="200")
    line = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    with ExitStack() as opened:
        amid_head = [dribbling(gateway, opened, line) for _ in range(50)]
        amid_body = [dribbling(gateway, opened, line + b"Content-Length: 1000\r\n\r\n[") for _ in range(50)]
        assert [gateway.send(event(number)).status for number in range(10)] == [200] * 10
        for connection in amid_body:
            assert b" 408 " in connection.recv(4096).split(b"\r\n")[0]
        for connection in amid_head:
            assert connection.recv(4096) in {b"", b"HTTP/1.1 408 Request Timeout\r\n"}
    until(lambda: "tenure_gateway_in_flight_bytes 0.0" in gateway.text_of("/metrics"), "no bytes are held")


def test_webhook_that_is_sent_again_counts_once_and_an_old_one_is_refused(installation: Installation) -> None:
    """Who has heard a webhook can send it again: within the tolerance it changes nothing, and later it is refused."""
    installation.create_topics()
    gateway, worker = running(installation, **SECRETS), installation.worker()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "the assignment")
    body = stripe()
    headers = {"Authorization": "", "Stripe-Signature": signature(body)}
    again = [gateway.post("/v1/webhooks/stripe", body, headers).status for _ in range(20)]
    old = {"Authorization": "", "Stripe-Signature": signature(body, at=1_772_350_000)}
    assert again == [200] * 20
    assert gateway.post("/v1/webhooks/stripe", body, old).status == 401
    installation.until_applied()
    (report,) = installation.kpi("--at", "2026-04-01")
    assert report["totals"]["customers_active"] == 1
    assert (report["events"]["applied"], report["events"]["duplicate"]) == (1, 19)


@pytest.mark.alone
def test_flood_of_one_sender_and_of_wrong_signatures_leaves_room_to_others(installation: Installation) -> None:
    """Each sender has a rate of its own; who has no right to send reaches neither Kafka nor the room of the others."""
    installation.create_topics()
    tokens = f"app={TOKEN},other={OTHER_TOKEN}"
    gateway = running(
        installation, **SECRETS, TENURE_GATEWAY_TOKENS=tokens, TENURE_GATEWAY_REQUESTS_PER_SECOND="5"
    )  # fmt: skip
    other = {"Authorization": f"Bearer {OTHER_TOKEN}"}
    with ThreadPoolExecutor(8) as pool:
        forged = [pool.submit(deliver, gateway, stripe(id=f"evt_{n}"), "whsec_wrong") for n in range(200)]
        flood = [pool.submit(gateway.send, event(number)) for number in range(200)]
        honest = [gateway.post("/v1/events", b'[{"type":"x"}]', other).status for _ in range(5)]
        answers = [each.result() for each in flood]
        assert {each.result()[0] for each in forged} <= {401, 429}
    assert honest == [422] * 5  # it is answered, and told what is wrong
    statuses = {answer.status for answer in answers}
    assert statuses == {200, 429}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status == 429)
    taken = sum(answer.status == 200 for answer in answers)
    assert len(installation.records_in(installation.topics["signup"])) == taken
    until(lambda: gateway.send(event(1)).status == 200, "the sender's own rate")
