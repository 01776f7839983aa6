"""`tenure export`: customers, subscriptions, movements, surveys and renewals into tables elsewhere."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config
from tenure.commands.scanned import File, checked_scope
from tenure.files.notation import MoneyForm, TimeForm

if TYPE_CHECKING:
    from schemas.documents.export import ExportSummary
    from streams.settings.settings import Settings
    from tenure.outlets.export import ExportTarget


class ExportKind(StrEnum):
    """The kinds of targets."""

    PARQUET = "parquet"
    POSTGRES = "postgres"
    KAFKA = "kafka"


def export(
    to: Annotated[
        ExportKind,
        typer.Option("--to", help="parquet, files in a folder; postgres, tables in a schema; or kafka, a topic."),
    ],
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="The folder; or a connection string without a password.",
            show_default="the setting export_postgres",
        ),
    ] = None,
    schema: Annotated[str, typer.Option("--schema", metavar="NAME", help="The schema in PostgreSQL.")] = "tenure",
    file: File = None,
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
    """Write customers, subscriptions, their history, movements, surveys and renewals to Parquet or PostgreSQL.

    Or, of these, the movements to a topic of Kafka.

    Each customer who has changed since the last export is replaced as a whole; run it again, after a kill too, and it
    goes on. Rows are there once, as of now. docs/export.md says more. For example:
    tenure export --to parquet build/export --file docs/examples/golden.ndjson
    """
    from streams.errors import UsageError
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.say import say, say_error
    from tenure.worker.signals import run_until_stopped

    if to is ExportKind.KAFKA and target is not None:
        raise UsageError(f"--to kafka: {target}: the setting movement_topic names the topic; leave it out")
    if to is ExportKind.KAFKA and file is not None:
        raise UsageError("--to kafka and --file: leave one out; the topic holds the movements of a running stream")
    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=None, by=None, file=file, options=options)
    from tenure.commands.printing import print_losses

    if to is ExportKind.KAFKA:
        from tenure.outlets.movements_topic import export_movements

        exporting = export_movements(settings, say_error)
    else:
        from tenure.outlets.export import export as export_to

        exporting = export_to(settings, scope, _target(settings, to, target, schema), kind=to.value)
    with quiet_logs():
        summary = run_until_stopped(exporting)
    if as_json:
        print_json(summary)
        return
    say(_line(summary))
    print_losses(summary)


def _target(settings: Settings, kind: ExportKind, target: str | None, schema: str) -> ExportTarget:
    """Return where to.

    Raises:
        UsageError: It is not said, cannot be read, or what it needs is not installed.
    """
    from streams.errors import UsageError

    if kind is ExportKind.PARQUET:
        from tenure.outlets.parquet import ParquetTarget

        if target is None:
            raise UsageError("--to parquet: name the folder; for example tenure export --to parquet build/export")
        return ParquetTarget(Path(target), settings)
    from tenure.outlets.postgres import PostgresTarget, check_schema, checked_dsn

    setting = settings.export_postgres
    dsn = checked_dsn(target, None if setting is None else setting.get_secret_value())
    return PostgresTarget(dsn, check_schema(schema), settings)


def _line(summary: ExportSummary) -> str:
    from schemas.wording import counted

    rows = ", ".join(f"{name} {count:,}" for name, count in summary.rows.items())
    removed = f", {counted(summary.removed, 'customers')} removed" if summary.removed else ""
    return (
        f"As of {summary.as_of}: {counted(summary.changed, 'customers')} of {summary.customers:,} written{removed}\n"
        f"Rows: {rows}"
    )
