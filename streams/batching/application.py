"""The Faust application as a library: it runs inside an event loop that is already there, and takes nothing over.

No web server, no log or stdout redirection, no data folder, no signal handlers, no discovery of agents by import, no
pause at the start. Not here: agents (`agents`) and which log it reads (the URL: `streams.kafka.transport`,
`streams.embedded.transport`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast

import faust
from faust.app import base as faust_app
from faust.tables.manager import TableManager
from faust.transport import drivers

from streams.batching.ownership import PartitionOwner, ReadsEverything
from streams.tasks import heeding_cancellation, to_its_end

if TYPE_CHECKING:
    from faust.types.auth import CredentialsT

    from streams.batching.consumer import BatchConsumer
    from streams.batching.sender import Sender

REQUEST_TIMEOUT_SECONDS: Final = 60.0
REBALANCE_TIMEOUT_SECONDS: Final = 60.0
OFFSET_COMMIT_INTERVAL_SECONDS: Final = 5.0
"""How often the group's offsets are written, for lag tools."""
WAITING_BATCHES: Final = 8
"""Batches of one topic that may wait for its agent, over all partitions: a limit on memory."""


class _NoTables(TableManager):  # type: ignore[misc]  # mypy does not follow Faust
    """Faust's table manager without its pause: there are no Faust tables."""

    async def on_start(self) -> None:
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class App(faust.App):  # type: ignore[misc]  # mypy does not follow Faust
    """A Faust application whose positions are the business of `owner`."""

    owner: PartitionOwner
    #: the largest value that a reader need hold whole; of larger ones it may keep the beginning
    max_record_bytes: int

    @property
    def batch_consumer(self) -> BatchConsumer:
        """The consumer, with what it does beyond Faust's: `move_to`, `hold`, `halted`, heartbeat age, ends."""
        return cast("BatchConsumer", self.consumer)

    @property
    def sender(self) -> Sender:
        """The producer, as `streams.batching.sender` describes it; started with the application."""
        return cast("Sender", self.producer)

    def _create_directories(self) -> None:
        """Leave the disk alone."""


class _NoDiscovery:
    """Faust's notes for the discovery of agents by import, not taken: each looks up the source of whoever calls."""

    @staticmethod
    def attach(*_found: Any, **_options: Any) -> None:
        """Note nothing: agents and tasks are added explicitly."""


faust_app.venusian = _NoDiscovery


def build_app(
    group: str, *, broker: str, owner: PartitionOwner | None = None, instance_id: str | None = None,
    batch_max_records: int = 10_000, max_record_bytes: int = 1_048_576, session_timeout_seconds: float = 10.0,
    credentials: CredentialsT | None = None, **settings: Any,
) -> App:  # fmt: skip
    """Build an application without agents.

    Args:
        group: The consumer group; also the application's id.
        broker: `embedded://NAME`, or the result of `streams.kafka.transport.broker_url`.
        owner: Who keeps positions; None reads everything from the start at each assignment.
        instance_id: Static membership: a worker that comes back under it keeps its partitions.
        batch_max_records: Records in a batch, and in one read over all partitions (count).
        max_record_bytes: The largest value that is read whole; of larger ones the beginning may be kept (bytes).
        session_timeout_seconds: Without a heartbeat for so long, a worker's partitions go to others.
        credentials: For Kafka; see `streams.kafka.security.credentials`.
        settings: Any other setting of Faust.
    """
    ours = {scheme for scheme, module in drivers.TRANSPORTS.aliases.items() if module.startswith("streams.")}
    assert broker.partition("://")[0] in ours, f"broker {broker!r} is none of {sorted(ours)}, as far as imported"
    options: dict[str, Any] = {
        "broker": broker,
        "broker_credentials": credentials,
        "broker_max_poll_records": batch_max_records,
        "broker_session_timeout": session_timeout_seconds,
        "broker_heartbeat_interval": min(3.0, session_timeout_seconds / 4),
        "broker_rebalance_timeout": max(REBALANCE_TIMEOUT_SECONDS, session_timeout_seconds),
        "broker_request_timeout": max(REQUEST_TIMEOUT_SECONDS, session_timeout_seconds),
        "broker_commit_interval": OFFSET_COMMIT_INTERVAL_SECONDS,
        "consumer_group_instance_id": instance_id,
        "stream_buffer_maxsize": WAITING_BATCHES,
        # A rebalance must not wait for Redis: what an agent has in hand is fenced off at its commit instead.
        "stream_wait_empty": False,
        "topic_disable_leader": True,
        "topic_allow_declare": False,
        "value_serializer": "raw",
        "key_serializer": "raw",
        "store": "memory://",
        "cache": "memory://",
        "web_enabled": False,
        "worker_redirect_stdouts": False,
        "autodiscover": False,
        "reply_to": "unused",
        "datadir": "unused",
        "TableManager": _NoTables,
    }
    app = App(group, **{**options, **settings})
    app.max_record_bytes = max_record_bytes
    app.owner = ReadsEverything() if owner is None else owner
    return app


async def run_until_stopped(app: faust.App, stop: asyncio.Event | None = None) -> None:
    """Start an application and run it until it is told to stop, or crashes.

    Faust alone tells nobody of a crash: its fetcher would spin and its agents wait for ever.

    Args:
        app: Not started yet.
        stop: Set it to end the run; cancelling does as well.

    Raises:
        Exception: What crashed the application, after it was stopped.
    """
    ending = asyncio.ensure_future(stop.wait()) if stop is not None else None
    try:
        await heeding_cancellation(app.start)
        stopped = asyncio.ensure_future(app.wait_until_stopped())
        await asyncio.wait({stopped} if ending is None else {stopped, ending}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
    finally:
        if ending is not None:
            ending.cancel()
        await to_its_end(app.stop)
    if app.crash_reason is not None:
        raise app.crash_reason
