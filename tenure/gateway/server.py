"""The server of the gateway: how it starts and ends. What it listens with: `tenure.http_server`.

Asked to stop, `/readyz` fails first; requests are still taken while the drain lasts; then nothing
new is, and what is in flight is finished.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import structlog
import uvloop

from streams.clock import WallClock
from streams.errors import ConfigurationError
from streams.kafka.delivery import KafkaDelivery
from streams.logs import configure_logs
from streams.metrics.listening import Listening
from streams.settings.adapter_options import adapters_of_settings
from streams.settings.gateway import named_secrets
from streams.tasks import cancel_and_wait
from tenure.gateway.application import Endpoint, Gateway
from tenure.gateway.intake import Intake
from tenure.gateway.meters import EVENTS, WEBHOOKS, GatewayMeters
from tenure.gateway.room import IntakeRoom
from tenure.gateway.senders import Tokens
from tenure.gateway.signatures import signature_of
from tenure.http_server import HttpServer, http_configuration, listening_socket, tls_context
from tenure.worker.signals import Stopped, run_until_stopped

if TYPE_CHECKING:
    from streams.settings.settings import Settings

log = structlog.get_logger(__name__)

_CERTIFICATE: Final = ("TENURE_GATEWAY_CERTIFICATE_FILE", "TENURE_GATEWAY_KEY_FILE")
_ADDRESS: Final = Listening("TENURE_GATEWAY_HOST", "TENURE_GATEWAY_PORT")


def serve(settings: Settings) -> None:
    """Run a gateway in an event loop of its own, until a signal ends it; see `run`."""
    try:
        run_until_stopped(run(settings), uvloop.new_event_loop)
    except Stopped:
        return  # being stopped is how it ends


async def run(settings: Settings) -> None:
    """Run a gateway until it is cancelled; waits for Kafka where it is away, and answers meanwhile that it is.

    Raises:
        ConfigurationError: Nobody could send anything, an option or a certificate cannot be used, the port is taken,
            Kafka does not let us in, or topics are missing.
    """
    configure_logs(settings)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # whoever sends what is no HTTP would fill the log
    endpoints = endpoints_of(settings)
    tokens = named_secrets(settings.gateway_tokens)
    if not tokens and not endpoints:
        advice = "nobody could send anything: set it, or gateway_webhook_secrets; docs/gateway.md says how"
        raise ConfigurationError("TENURE_GATEWAY_TOKENS", None, advice)
    context = tls_context(settings.gateway_certificate_file, settings.gateway_key_file, _CERTIFICATE)
    room = room_of(settings)
    delivery = KafkaDelivery(settings)
    senders = [*((EVENTS, name) for name, _ in tokens), *((WEBHOOKS, name) for name in endpoints)]
    meters = GatewayMeters(room, lambda: delivery.is_up, dict.fromkeys(senders))
    running = _Running(delivery)
    intake = Intake.of(settings, delivery, meters, WallClock())
    gateway = Gateway(intake, room, Tokens(tokens), endpoints, running.not_ready)
    server = HttpServer(
        http_configuration(
            gateway.application,
            context,
            most_requests=settings.gateway_max_in_flight_requests,
            # To receive what is on its way, and to have Kafka take it.
            graceful_seconds=2 * settings.gateway_timeout_seconds + 1,
        )
    )
    listening = listening_socket(settings.gateway_host, settings.gateway_port, _ADDRESS)
    log.info("gateway_started", port=listening.getsockname()[1], tls=context is not None, adapters=sorted(endpoints))
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="gateway-server")
    delivering = asyncio.create_task(delivery.run(), name="gateway-delivery")
    try:
        done, _ = await asyncio.wait([serving, delivering], return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
    except asyncio.CancelledError:
        running.is_draining = True
        await asyncio.sleep(settings.gateway_drain_seconds)
        raise
    finally:
        server.should_exit = True
        await asyncio.wait([serving])
        await cancel_and_wait([delivering])
        await delivery.stop()
        log.info("gateway_stopped")


def endpoints_of(settings: Settings) -> dict[str, Endpoint]:
    """Return the receivers of webhooks: one for each adapter that has a secret.

    Raises:
        ConfigurationError: An option of an adapter cannot work.
    """
    secrets: dict[str, list[str]] = {}
    for name, secret in named_secrets(settings.gateway_webhook_secrets):
        secrets.setdefault(name, []).append(secret)
    adapters, tolerance = adapters_of_settings(secrets, settings, None), settings.gateway_clock_tolerance_seconds
    return {
        name: Endpoint(adapters[name], signature_of(settings.gateway_signatures[name], of_it, tolerance))
        for name, of_it in secrets.items()
    }


def room_of(settings: Settings) -> IntakeRoom:
    """Return the room that the settings give to requests."""
    return IntakeRoom(
        settings.gateway_max_in_flight_requests, settings.gateway_max_in_flight_bytes, settings.gateway_max_body_bytes
    )


class _Running:
    """The state of the gateway, for `/readyz`."""

    def __init__(self, delivery: KafkaDelivery) -> None:
        self.is_draining = False
        self._delivery = delivery

    def not_ready(self) -> str | None:
        """Return why no requests should be sent here; None: they should."""
        if self.is_draining:
            return "stopping: it was told to"
        return None if self._delivery.is_up else "waiting for Kafka: it does not answer"
