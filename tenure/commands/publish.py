"""`tenure publish FILE`: sends a file of events to Kafka."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.options import AsJson, Config


def publish(
    file: Annotated[str, typer.Argument(metavar="FILE", help="NDJSON, CSV or Parquet; - is standard input.")],
    topic: Annotated[
        str | None,
        typer.Option("--topic", metavar="NAME", help="One topic for everything.", show_default="each type its own"),
    ] = None,
    mixed: Annotated[bool, typer.Option("--mixed", help="Everything to the mixed topic (customer.events).")] = False,
    file_format: Annotated[
        str | None, typer.Option("--format", metavar="F", help="ndjson, csv or parquet.", show_default="by the name")
    ] = None,
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
    where it becomes a dead letter with its reason. Ends with 1 if Kafka did not take everything.
    """
    from schemas.topics import MIXED_TOPIC_SETTING
    from streams.errors import Undelivered, UsageError
    from streams.settings.loading import load_settings
    from tenure.commands.publish_progress import shown_progress
    from tenure.files.publish import publish_file
    from tenure.files.reader import EventFile
    from tenure.worker.signals import run_until_stopped

    if topic is not None and mixed:
        raise UsageError("--topic and --mixed exclude each other; leave one out")
    settings = load_settings(config)
    events = EventFile(file, file_format)
    target = settings.topics[MIXED_TOPIC_SETTING] if mixed else topic
    with shown_progress(events, as_json=as_json) as progress:
        summary = run_until_stopped(publish_file(events, settings, topic=target, rate=rate, progress=progress.show))
    progress.conclude(summary)
    if summary.undelivered:
        raise Undelivered(summary.undelivered, summary.first_reason)
