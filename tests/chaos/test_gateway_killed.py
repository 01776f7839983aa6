"""Whoever is killed, and whenever: an event that the gateway has acknowledged is in Kafka."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from services.gateway import GatewayAnswer, GatewayProcess
from services.installation import Installation, until

pytestmark = pytest.mark.alone

SENDERS = 4
BATCH = 5
ROUNDS = 3
#: answers between two kills: they must fall among requests that are under way
BETWEEN = 40


class Senders:
    """Producers that send numbered events, again until they are acknowledged, and note those that were.

    Args:
        gateway: Where to.
    """

    def __init__(self, gateway: GatewayProcess) -> None:
        self.acknowledged: set[str] = set()
        self.answers = 0
        self.failures = 0
        self.surprises: list[GatewayAnswer] = []
        self._gateway = gateway
        self._numbers = count()
        self._ends = threading.Event()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Send as long as the block runs."""
        threads = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ends.set()
            for thread in threads:
                thread.join()

    def more(self, answers: int) -> None:
        """Wait until more batches are acknowledged."""
        wanted = self.answers + answers
        until(lambda: self.answers >= wanted, f"{answers} more answers", seconds=120.0)

    def _send(self) -> None:
        while not self._ends.is_set():
            events = [self._event(next(self._numbers)) for _ in range(BATCH)]
            while not self._ends.is_set():
                answer = self._gateway.send(*events)
                if answer.status == 200 and answer.json["accepted"] == BATCH:
                    self.acknowledged |= {event["id"] for event in events}
                    self.answers += 1
                    break
                self.failures += 1
                if answer.status not in (0, 503):
                    self.surprises.append(answer)

    def _event(self, number: int) -> dict[str, Any]:
        time = "2026-03-01T09:30:00Z"
        return {"id": f"e{number}", "type": "activity", "customer_id": f"c{number % 50}", "time": time}


@pytest.mark.parametrize("who", ["gateway", "broker", "both"])
def test_no_event_is_acknowledged_and_lost(who: str, installation: Installation) -> None:
    """A sender that was told 200 forgets the event. Events may come twice: their ids make that harmless."""
    installation.create_topics()
    gateway = installation.gateway(
        TENURE_GATEWAY_TIMEOUT_SECONDS="2", TENURE_GATEWAY_REQUESTS_PER_SECOND="100000"
    )  # fmt: skip
    until(gateway.is_ready, "a gateway")
    senders = Senders(gateway)
    with senders.sending():
        for _ in range(ROUNDS):
            senders.more(BETWEEN)
            if who != "broker":
                gateway.process.kill()
            if who != "gateway":
                installation.kafka.kill()
            failed = senders.failures
            until(lambda failed=failed: senders.failures > failed, "a sender that is not answered")  # type: ignore[misc]
            if who != "gateway":
                installation.kafka.bring_back()
            if who != "broker":
                gateway.process.start()
        senders.more(BETWEEN)
    records = installation.records_in(installation.topics["activity"])
    stored = {json.loads(record.value() or b"")["id"] for record in records}
    assert len(senders.acknowledged) >= BATCH * BETWEEN * (ROUNDS + 1)
    assert senders.acknowledged - stored == set()
    assert senders.surprises == []
