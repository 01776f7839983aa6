"""`tenure publish FILE`: sends a file of events to Kafka."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.file_options import (
    As,
    FileFormat,
    FileOptions,
    Map,
    Money,
    Query,
    Times,
    TimeZone,
    checked_notation,
)
from tenure.commands.options import AsJson, Config
from tenure.files.notation import MoneyForm, TimeForm


def publish(
    file: Annotated[str, typer.Argument(metavar="FILE", help="NDJSON, CSV or Parquet; - is standard input.")],
    topic: Annotated[
        str | None,
        typer.Option("--topic", metavar="NAME", help="One topic for everything.", show_default="each type its own"),
    ] = None,
    mixed: Annotated[bool, typer.Option("--mixed", help="Everything to the mixed topic (customer.events).")] = False,
    file_format: FileFormat = None,
    money: Money = MoneyForm.MINOR,
    times: Times = TimeForm.RFC3339,
    time_zone: TimeZone = None,
    adapter: As = None,
    adapter_options: Map = None,
    query: Query = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="N", min=0.001, max=1_000_000, help="Records a second, at most.", show_default="no limit"
        ),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Send a file of events to Kafka.

    Each record goes to the topic of its type, under its customer's key. What is no event is sent to the mixed topic,
    where it becomes a dead letter with its reason. What the stream refuses and mends of it is told on standard error,
    with examples. Ends with 1 if anything is refused, all is ignored, or Kafka did not take everything. docs/files.md
    says more.
    """
    from schemas.topics import MIXED_TOPIC_SETTING
    from streams.errors import Undelivered, UsageError
    from streams.settings.loading import load_settings
    from streams.settings.meaning import decoder_of
    from tenure.commands.file_findings import check_anything_translated, check_nothing_refused, say_findings
    from tenure.commands.publish_progress import PublishProgress
    from tenure.files.inspection import Inspection
    from tenure.files.publish import publish_file
    from tenure.files.reader import EventFile
    from tenure.worker.signals import run_until_stopped

    if topic is not None and mixed:
        raise UsageError("--topic and --mixed exclude each other; leave one out")
    settings = load_settings(config)
    events = EventFile(
        file,
        checked_notation(settings, FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)),
    )
    inspection = Inspection(events, decoder_of(settings))
    target = settings.topics[MIXED_TOPIC_SETTING] if mixed else topic
    with PublishProgress(events, as_json=as_json) as progress:
        summary = run_until_stopped(
            publish_file(events, settings, topic=target, rate=rate, inspection=inspection, progress=progress.show)
        )
    progress.conclude(summary)
    refused = inspection.refused.total()
    counts = {"sent": summary.records, "of them refused": refused}
    say_findings(file, counts, inspection.findings, summary.translation)
    if summary.undelivered:
        raise Undelivered(summary.undelivered, summary.first_reason)
    check_nothing_refused(refused, inspection.records, more=", and `tenure dlq list`")
    check_anything_translated(summary.translation)
