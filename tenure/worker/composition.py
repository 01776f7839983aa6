"""The composition root: the only place that chooses adapters and puts the parts of a worker together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from agents import register_all, survey_requests
from kpis.counting.rolling import RollingCounts
from schemas.adapters.adapter import Adapter
from streams.batching.application import App, build_app
from streams.clock import Clock
from streams.forgetting.forgotten import Forgotten
from streams.forgetting.watch import watch_tombstones
from streams.metrics.meters import Meters
from streams.partition.context import PartitionContext, context_of
from streams.partition.loss_watch import LossWatch
from streams.partition.loss_watch import register as register_loss_watch
from streams.partition.outbox import LogOutbox, Outbox
from streams.partition.stream import Stream
from streams.partition.unwritten import REDO_LIMITS, RedoLimits
from streams.records import TP
from streams.routing import Router
from streams.settings.settings import Settings
from streams.surveys import SurveyScheduler, policy_of
from streams.tables import Tables
from streams.translation.parcels import RecordTranslator
from streams.translation.translator import ForeignLog, Schemas, Translator


@dataclass(frozen=True, slots=True)
class Worker:
    """The parts of one worker; start and stop `app`."""

    app: App
    stream: Stream
    context: PartitionContext
    live: RollingCounts
    meters: Meters

    def lag_records(self) -> int:
        """Return how many records wait to be applied, over the partitions owned (count)."""
        consumer = self.app.batch_consumer
        partitions = self.stream.partitions.values()
        return sum(partition.lag(topic, consumer) for partition in partitions for topic in self.context.topics)


class Beside(Outbox, Protocol):
    """The surroundings of a worker that counts beside the stream what this has counted, and sends nothing."""

    def until(self, tp: TP) -> int | None:
        """Return the offset up to which a topic's partition may be counted; None: without end."""


def build_worker(
    settings: Settings,
    *,
    broker: str,
    tables: Tables,
    partitions: int,
    stream_id: str = "",
    latest_ms: int | None = None,
    meters: Meters | None = None,
    forgotten: Forgotten | None = None,
    beside: Beside | None = None,
    redo_limits: RedoLimits = REDO_LIMITS,
    **options: Any,
) -> Worker:
    """Put a worker together.

    Args:
        settings: What to do, and with which limits.
        broker: `embedded://NAME`, or what `streams.kafka.transport.broker_url` returns.
        tables: Where positions, states and counters are kept.
        partitions: Partitions of every input topic (count).
        stream_id: Of the mark in the tables; see `tenure.stored.mark`.
        latest_ms: For files: the first instant that is out of range, instead of the check against a record's timestamp.
        meters: Those that are served already; None makes new ones.
        forgotten: Who is forgotten; None where nobody can be.
        beside: Given where another worker has counted the same already; None: it is the stream itself.
        redo_limits: How long the redo log of a partition may get.
        options: More for `streams.batching.application.build_app`.
    """
    outbox: Outbox = LogOutbox(lambda: app.sender) if beside is None else beside
    context = context_of(
        settings,
        tables=tables,
        outbox=outbox,
        consumer=lambda: app.batch_consumer,
        partitions=partitions,
        stream_id=stream_id,
        latest_ms=latest_ms,
        forgotten=forgotten,
        until=None if beside is None else beside.until,
        redo_limits=redo_limits,
    )
    live = RollingCounts(
        context.windows,
        dimensions=context.new_names().dimensions,
        segment_windows=[f"{days}d" for days in settings.segment_windows_days],
    )
    meters = meters or Meters(settings.dimensions)
    stream = Stream(context, live=live, meters=meters)
    app = build_app(
        settings.group,
        broker=broker,
        owner=stream,
        instance_id=settings.instance_id,
        batch_max_records=settings.batch_max_records,
        max_record_bytes=settings.max_record_bytes,
        session_timeout_seconds=settings.session_timeout_seconds,
        **options,
    )
    register_all(app, settings.topics, stream)
    if beside is None:
        register_loss_watch(app, LossWatch(stream))
    if forgotten is not None:
        watch_tombstones(app, forgotten)
    return Worker(app, stream, context, live, meters)


def translate_topics(
    worker: Worker,
    settings: Settings,
    adapters: Mapping[str, Adapter],
    source: ForeignLog,
    schemas: Schemas | None = None,
) -> None:
    """Let a worker that has not started yet translate the topics of other systems.

    Args:
        worker: Whose outbox sends.
        settings: They name the topics of events.
        adapters: By topic of another system.
        source: Reads these.
        schemas: Has the schemas of framed values at hand.
    """
    records = RecordTranslator(adapters, Router(settings))
    translator = Translator(source, records, worker.context.outbox, worker.meters, schemas)

    @worker.app.task(traced=False)  # type: ignore[untyped-decorator]
    async def translate() -> None:
        await translator.run()


def ask_surveys(worker: Worker, settings: Settings, clock: Clock) -> None:
    """Let a worker that has not started yet ask for surveys that are due, if its settings say so."""
    if settings.survey_requests:
        scheduler = SurveyScheduler(
            worker.stream,
            policy_of(settings),
            topic=settings.survey_request_topic,
            clock=clock,
            session_timeout_seconds=settings.session_timeout_seconds,
        )
        survey_requests.register(worker.app, scheduler)
