"""The gateway's own metrics: what `schemas.instruments` declares of it, made and kept up to date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest

from schemas import instruments
from schemas.instruments import Instrument
from schemas.refusals import Reason
from streams.metrics.meters import family_of
from tenure.gateway.room import IntakeRoom

EVENTS: Final = "events"
WEBHOOKS: Final = "webhooks"


class GatewayMeters:
    """All families, in a registry of their own.

    Args:
        room: Whose use is shown.
        is_up: Tells whether Kafka takes what is sent.
        senders: Path and name of each sender that there may be: what is wrong with theirs is counted from 0 on.
    """

    def __init__(self, room: IntakeRoom, is_up: Callable[[], bool], senders: Iterable[tuple[str, str]]) -> None:
        self.registry = CollectorRegistry()
        self._families: dict[str, Any] = {
            declared.name: family_of(declared, self.registry) for declared in instruments.OF_THE_GATEWAY
        }
        self[instruments.GATEWAY_IN_FLIGHT_REQUESTS].set_function(lambda: room.requests)
        self[instruments.GATEWAY_IN_FLIGHT_BYTES].set_function(lambda: room.bytes)
        self[instruments.GATEWAY_KAFKA_UP].set_function(lambda: int(is_up()))
        for path, sender in senders:
            for reason in Reason:  # a rise from nothing to one would be no rise to Prometheus
                self[instruments.GATEWAY_REFUSED].labels(path, sender, reason.value)

    def __getitem__(self, declared: Instrument) -> Any:
        return self._families[declared.name]

    def exposition(self) -> bytes:
        """Return all families in Prometheus' text format."""
        return generate_latest(self.registry)

    def answered(self, path: str, sender: str, status: int, seconds: float) -> None:
        """Count an answer, and how long it took."""
        self[instruments.GATEWAY_REQUESTS].labels(path, sender, str(status)).inc()
        self[instruments.GATEWAY_SECONDS].labels(path).observe(seconds)

    def sent(self, path: str, sender: str, types: Iterable[str | None]) -> None:
        """Count events that Kafka has, by type; None is what will become a dead letter, which is counted elsewhere."""
        for event_type, count in Counter(types).items():
            if event_type is not None:
                self[instruments.GATEWAY_EVENTS].labels(path, sender, event_type).inc(count)

    def refused(self, path: str, sender: str, reasons: Iterable[Reason]) -> None:
        """Count what is wrong."""
        for reason, count in Counter(reasons).items():
            self[instruments.GATEWAY_REFUSED].labels(path, sender, reason.value).inc(count)

    def ignored(self, sender: str) -> None:
        """Count a record of an adapter that says nothing that is counted."""
        self[instruments.GATEWAY_IGNORED].labels(sender).inc()
