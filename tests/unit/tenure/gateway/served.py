"""A gateway in memory: its application, asked without a socket, and a log in place of Kafka."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from pydantic import SecretStr

from streams.clock import ManualClock
from streams.kafka.delivery import OutgoingRecord, Pending, RecordTooLarge
from streams.settings.gateway import named_secrets
from streams.settings.settings import Settings
from tenure.gateway.application import Gateway
from tenure.gateway.intake import Intake
from tenure.gateway.meters import EVENTS, WEBHOOKS, GatewayMeters
from tenure.gateway.senders import Tokens
from tenure.gateway.server import endpoints_of, room_of

NOW_MS = 1_772_359_200_000
TOKEN = "app-token-0123456789"
SECRET = "whsec_0123456789"
TIME = "2026-03-01T09:30:00Z"


class LogInMemory:
    """Takes records as `KafkaDelivery` does, or fails as it would; `most_bytes` is what a topic takes."""

    def __init__(self) -> None:
        self.records: list[OutgoingRecord] = []
        self.failure: Exception | None = None
        self.most_bytes: dict[str, int] = {}
        self.opened = asyncio.Event()
        self.opened.set()

    async def deliver(
        self, records: Sequence[OutgoingRecord], seconds: float, *, pending: Callable[[Pending], None]
    ) -> None:
        """Keep the records once it is opened."""
        pending([])
        await self.opened.wait()
        if self.failure is not None:
            raise self.failure
        for record in records:
            if len(record.value) > self.most_bytes.get(record.topic, len(record.value)):
                raise RecordTooLarge(record.topic, f"{len(record.value):,} bytes")
        self.records += records


class Served:
    """The gateway under test, and a client of it.

    Args:
        settings: Beside a token and a secret of Stripe.
    """

    def __init__(self, **settings: Any) -> None:
        defaults = {
            "gateway_tokens": SecretStr(f"app={TOKEN}"),
            "gateway_webhook_secrets": SecretStr(f"stripe={SECRET}"),
        }
        self.settings = Settings(**{**defaults, **settings})
        self.log = LogInMemory()
        self.not_ready: str | None = None
        self.room = room_of(self.settings)
        endpoints = endpoints_of(self.settings)
        tokens = named_secrets(self.settings.gateway_tokens)
        senders = [*((EVENTS, name) for name, _ in tokens), *((WEBHOOKS, name) for name in endpoints)]
        self.meters = GatewayMeters(self.room, lambda: True, dict.fromkeys(senders))
        intake = Intake.of(self.settings, self.log, self.meters, ManualClock(NOW_MS))
        gateway = Gateway(intake, self.room, Tokens(tokens), endpoints, lambda: self.not_ready)
        transport = httpx.ASGITransport(gateway.application)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://gateway")

    async def send(self, body: Any, path: str = "/v1/events", **headers: str) -> httpx.Response:
        """Send a body, with the token unless other headers say otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, content=body, headers={"authorization": f"Bearer {TOKEN}", **named})

    def samples(self) -> dict[str, float]:
        """Return the metrics that are not 0, as they are written."""
        lines = [line for line in self.meters.exposition().decode().splitlines() if not line.startswith("#")]
        found = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
        return {name: value for name, value in found.items() if value}


def signup(number: int, **members: Any) -> dict[str, Any]:
    """Return an event that is right."""
    return {
        "id": f"evt-{number}",
        "type": "signup",
        "customer_id": f"c-{number}",
        "time": TIME,
        "plan": "pro",
        "mrr_minor": 4900,
        **members,
    }


def stripe(**members: Any) -> bytes:
    """Return a webhook of a subscription that begins."""
    price = {"id": "p", "unit_amount": 4900, "currency": "usd", "recurring": {"interval": "month", "interval_count": 1}}
    item = {"price": price, "quantity": 1}
    subscription = {"id": "sub_1", "customer": "cus_1", "items": {"data": [item]}}
    record = {
        "id": "evt_1",
        "type": "customer.subscription.created",
        "created": 1_772_350_000,
        "livemode": True,
        "data": {"object": subscription},
        **members,
    }
    return json.dumps(record).encode()


def signature(body: bytes, *, secret: str = SECRET, at: float | None = None) -> str:
    """Return what Stripe would sign a body with."""
    seconds = int(time.time() if at is None else at)
    made = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={made}"


async def hook(served: Served, body: bytes) -> Any:
    """Deliver a webhook that is signed."""
    return await served.send(body, "/v1/webhooks/stripe", stripe_signature=signature(body))
