"""`tenure validate FILE`: what the stream would do with events, and what a sceptic would ask of them."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from schemas.wording import counted
from streams.errors import CheckFailed, UsageError
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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.documents.validation import ValidationReport
    from streams.settings.settings import Settings


def validate(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="NDJSON, CSV or Parquet; - is standard input.")
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="NAME", help="A topic of Kafka instead of a file. Repeatable."),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            "--last",
            metavar="N",
            min=1,
            help="With --topic: only the latest N records of each partition.",
            show_default="from the earliest on",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="T", help="With FILE: when it is sent, such as 2026-03-01T00:00:00Z.", show_default="now"
        ),
    ] = None,
    file_format: FileFormat = None,
    money: Money = MoneyForm.MINOR,
    times: Times = TimeForm.RFC3339,
    time_zone: TimeZone = None,
    adapter: As = None,
    adapter_options: Map = None,
    query: Query = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say what the stream would do with the events of a file, or of topics, before they count.

    A dry run with the live rules: what would be applied, mended, refused and without effect, which members are ignored,
    and what may be a mistake though it is formally right. Nothing is sent, stored or committed. Ends with 1 if any
    event would be refused, or all is ignored. docs/validate.md says more.
    """
    from streams.settings.loading import load_settings
    from tenure.commands.as_json import print_json
    from tenure.commands.file_findings import check_anything_translated
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.say import say

    if (file is None) == (not topic):
        raise UsageError("name a file, or topics with --topic; not both")
    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    with quiet_logs():
        if topic:
            _check_alone_with("--as-of", as_of)
            report = _of_topics(topic, settings, options, last)
        else:
            assert file is not None, "there is no topic"
            if last is not None:
                raise UsageError(f"--last {last}: it is for --topic; leave it out")
            report = _of_file(file, settings, options, as_of)
    if as_json:
        print_json(report)
    else:
        from tenure.validation.text import report_lines

        for line in report_lines(report):
            say(line)
    if report.refused:
        raise CheckFailed(f"{report.refused:,} of {counted(report.records, 'events')} would be refused; see above")
    if file is not None:
        check_anything_translated(report.translation)


def _of_file(file: str, settings: Settings, options: FileOptions, as_of: str | None) -> ValidationReport:
    import time

    from tenure.commands.progress import Progress
    from tenure.files.reader import EventFile
    from tenure.validation.files import validate_file

    events = EventFile(file, checked_notation(settings, options))
    as_of_ms = int(time.time() * 1000) if as_of is None else _instant_ms(as_of, settings)
    with Progress(events.total_bytes) as progress:
        return validate_file(
            events,
            settings,
            as_of_ms=as_of_ms,
            progress=lambda count: progress.show(events.bytes_read, f"{count:,} records"),
        )


def _instant_ms(text: str, settings: Settings) -> int:
    from streams.clock import WallClock
    from tenure.reports.instants import parse_instant_ms

    now_ms = WallClock().now_ms()
    return parse_instant_ms(text, time_zone=settings.business_time_zone, option="--as-of", now_ms=now_ms)


def _of_topics(topics: Sequence[str], settings: Settings, options: FileOptions, last: int | None) -> ValidationReport:
    from streams.kafka.schema_registry import registry_of
    from streams.settings.rules import check_topic
    from tenure.commands.file_options import topic_adapter
    from tenure.commands.progress import Progress
    from tenure.validation.topics import TopicValidation
    from tenure.worker.signals import run_until_stopped

    for topic in topics:
        try:
            check_topic(topic)
        except ValueError as error:
            raise UsageError(f"--topic: {error}") from error
    registry = registry_of(settings, () if options.adapter is None else (options.adapter,))
    adapter = topic_adapter(settings, options, None if registry is None else registry.schema_of)

    async def validated(progress: Progress) -> ValidationReport:
        validation = TopicValidation(
            topics,
            settings,
            last=last,
            adapter=adapter,
            schemas=registry,
            progress=lambda done, total: progress.show(done, f"{done:,} of {total:,} records", total),
        )
        try:
            return await validation.report()
        finally:
            if registry is not None:
                await registry.close()

    with Progress(None) as progress:
        return run_until_stopped(validated(progress))


def _check_alone_with(option: str, value: object) -> None:
    if value is not None:
        raise UsageError(f"{option} {value}: it is for a file; records of a topic have timestamps of their own")
