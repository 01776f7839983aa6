"""`tenure worker`: one worker of the stream, against Kafka and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import structlog
import uvloop
from aiokafka.errors import KafkaError

from kpis.native import IS_THERE
from schemas import instruments
from schemas.adapters.adapter import Adapter
from streams.backoff import Backoff
from streams.batching import application
from streams.clock import WallClock
from streams.errors import LogUnavailable, Superseded, TablesUnavailable, TenureError
from streams.forgetting.forgotten import Forgotten
from streams.kafka.errors import rights_refusal
from streams.kafka.schema_registry import SchemaRegistry, registry_of
from streams.kafka.security import client_options, credentials
from streams.kafka.topics import check_adapter_topics, check_topics, partition_counts
from streams.kafka.transport import broker_url
from streams.logs import configure_logs
from streams.metrics.meters import Meters
from streams.metrics.server import MetricsServer
from streams.redis.errors import refusal_of
from streams.redis.tables import RedisTables, check_durability, connect
from streams.settings.adapter_options import adapters_of_topics
from streams.settings.settings import Settings
from streams.tables import StreamMark
from streams.tasks import cancel_and_wait, heeding_cancellation
from streams.translation.foreign_log import KafkaForeignLog
from tenure.garbage import look_seldom
from tenure.stored.forgotten import known_forgotten
from tenure.stored.mark import check_version, claim_tables
from tenure.worker.composition import Worker, ask_surveys, build_worker, translate_topics
from tenure.worker.exporter import Exporter
from tenure.worker.mark_watch import MarkWatch
from tenure.worker.redis_watch import RedisWatch
from tenure.worker.retention_watch import RetentionWatch
from tenure.worker.signals import Stopped, run_until_stopped
from tenure.worker.switch_watch import SwitchWatch
from tenure.worker.verifier import Verifier

log = structlog.get_logger(__name__)
Extension: TypeAlias = Callable[[Worker], None]
"""Adds agents to a worker that has not started yet; docs/extending.md."""


def serve(settings: Settings, *extensions: Extension) -> None:
    """Run a worker in an event loop of its own, until a signal ends it (`end_signals`); see `run`."""
    try:
        run_until_stopped(run(settings, *extensions), uvloop.new_event_loop)
    except Stopped:
        # Being stopped is how a worker ends: nothing went wrong.
        return


class _Starting:
    """The server of a worker that still waits for Kafka or Redis: it lives, and says what it waits for."""

    def __init__(self, settings: Settings) -> None:
        self.meters = Meters(settings.dimensions)
        self.waits_for = "Kafka"
        self.reason = "it has not answered"
        self.server = MetricsServer(self._exposition, self._not_ready)

    async def _exposition(self) -> bytes:
        return self.meters.exposition()

    def _not_ready(self) -> str:
        return f"waiting for {self.waits_for} since the worker started: {self.reason}"

    def note_unavailable(self, error: TablesUnavailable) -> None:
        """Say from now on what Redis said, or what is wrong with what lies there."""
        self.meters[instruments.REDIS_UP].set(0)
        self.reason = error.reason


async def run(settings: Settings, *extensions: Extension) -> None:
    """Run a worker until it is cancelled; waits for Kafka and Redis where they are away.

    Where other tables take the place of its own (`tenure rebuild`), it begins again with these.

    Args:
        settings: What to do, and with which limits.
        extensions: Each adds agents of its own.

    Raises:
        ConfigurationError: Topics, Redis or the stream's tables do not fit the settings, or the port is taken.
        ForgetKeyUnfit: Customers are forgotten, and the settings do not have the key.
    """
    configure_logs(settings)
    while True:
        try:
            return await heeding_cancellation(lambda: _run(settings, *extensions))
        except Superseded as found:
            log.warning("tables_built_anew", generation=found.generation)


async def _run(settings: Settings, *extensions: Extension) -> None:
    registry = registry_of(settings, settings.adapter_topics.values())
    adapters = adapters_of_topics(settings, None if registry is None else registry.schema_of)
    topics = [*settings.input_topics, settings.dead_letter_topic]
    if settings.survey_requests:
        topics.append(settings.survey_request_topic)
    if settings.forget_key is not None:
        topics.append(settings.forgotten_topic)
    starting = _Starting(settings)
    await starting.server.start(settings.metrics_host, settings.metrics_port)
    try:
        options = client_options(settings)
        counts = await partition_counts([*topics, *adapters], settings, options)
        check_adapter_topics({topic: counts.pop(topic) for topic in adapters})
        partitions = check_topics(counts, input_topics=settings.input_topics)
        async with known_forgotten(settings, options, _read_patiently) as forgotten:
            starting.waits_for = "Redis"
            starting.meters[instruments.KAFKA_UP].set(1)
            tables, mark = await claimed_tables(settings, partitions=partitions, waiting=starting.note_unavailable)
            starting.meters[instruments.REDIS_UP].set(1)
            try:
                extensions = (partial(_translate, settings, adapters, registry, options), *extensions)
                await _work(settings, tables, starting, forgotten, mark=mark, options=options, extensions=extensions)
            finally:
                await tables.close()
    finally:
        await starting.server.stop()


async def _work(
    settings: Settings, tables: RedisTables, starting: _Starting, forgotten: Forgotten, *, mark: StreamMark,
    options: Mapping[str, Any], extensions: Sequence[Extension],
) -> None:  # fmt: skip
    worker = build_worker(
        settings,
        broker=broker_url(settings.kafka_bootstrap),
        tables=tables,
        partitions=mark.partitions,
        stream_id=mark.id,
        meters=starting.meters,
        forgotten=forgotten,
        credentials=credentials(options),
    )
    ask_surveys(worker, settings, WallClock())
    for extend in extensions:
        extend(worker)
    exporter = Exporter(worker, settings, WallClock(), starting.server)
    await exporter.start()
    log.info(
        "worker_started",
        group=settings.group,
        partitions=mark.partitions,
        metrics_port=starting.server.port,
        fold="native" if IS_THERE else "python",
    )
    retention = RetentionWatch(settings.input_topics, options, worker.meters)
    watches = [
        asyncio.create_task(RedisWatch(tables, worker.meters).run(), name="redis-watch"),
        asyncio.create_task(retention.run(), name="retention-watch"),
        asyncio.create_task(MarkWatch(tables, worker.app.crash).run(), name="mark-watch"),
        asyncio.create_task(SwitchWatch(tables, lambda: worker.stream.partitions).run(), name="switch-watch"),
    ]
    if settings.verify_cpu_share:
        watches.append(asyncio.create_task(Verifier(worker, settings).run(), name="verifier"))
    look_seldom()
    try:
        await application.run_until_stopped(worker.app)
    except KafkaError as error:
        raise rights_refusal(error, settings) or error from error
    finally:
        await cancel_and_wait(watches)
        await exporter.stop()
        await worker.stream.close()
        log.info("worker_stopped")


async def _read_patiently(forgotten: Forgotten) -> None:
    """Learn who is forgotten; wait while Kafka is away."""
    backoff = Backoff()
    while True:
        try:
            return await forgotten.refresh()
        except LogUnavailable as error:
            log.warning("waiting_for_kafka", reason=str(error), pause_seconds=backoff.seconds)
            await backoff.pause()


def _translate(
    settings: Settings,
    adapters: Mapping[str, Adapter],
    registry: SchemaRegistry | None,
    options: Mapping[str, Any],
    worker: Worker,
) -> None:
    """Let a worker translate the topics of other systems, if its settings name any."""
    if adapters:
        translate_topics(worker, settings, adapters, KafkaForeignLog(settings, options), registry)


async def claimed_tables(
    settings: Settings, *, partitions: int, waiting: Callable[[TablesUnavailable], None]
) -> tuple[RedisTables, StreamMark]:
    """Connect to the Redis of the settings, look whether it keeps what it is told, and claim the tables there.

    Waits while Redis is away, or its tables are of an earlier version, and tells `waiting` each time.

    Raises:
        ConfigurationError: It may lose data, and no setting allows that; or its tables belong to another stream.
    """
    backoff = Backoff()
    while True:
        try:
            claimed = await _claimed(settings, partitions)
        except TablesUnavailable as error:
            refusal = refusal_of(settings.redis_url.get_secret_value(), error)
            if error.cause == "refused" and refusal is not None:
                raise refusal from error
            waiting(error)
            log.warning(
                "waiting_for_redis",
                redis=settings.redis_address,
                reason=error.reason,
                pause_seconds=backoff.seconds,
            )
            await backoff.pause()
        else:
            return claimed


async def _claimed(settings: Settings, partitions: int) -> tuple[RedisTables, StreamMark]:
    client = await connect(settings.redis_url.get_secret_value())
    tables = RedisTables(client, prefix=settings.redis_prefix)
    try:
        await check_durability(client, address=settings.redis_address, allow_unsafe=settings.allow_unsafe_redis)
        known = await tables.read_mark()
        if known is not None and known.group == settings.group:  # settings may be new with the version
            await check_version(tables, known)
        mark = await claim_tables(settings, tables, partitions=partitions)
    except TenureError:
        await tables.close()
        raise
    return tables, mark
