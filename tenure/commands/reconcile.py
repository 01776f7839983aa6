"""`tenure reconcile EXPORT`: the subscriptions of a billing system's export beside those of the stream."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from schemas.wording import counted
from streams.errors import CheckFailed, UsageError
from tenure.commands.as_json import print_json
from tenure.commands.file_options import FileFormat, FileOptions, Map, Query, checked_notation
from tenure.commands.options import AsJson, Config
from tenure.commands.scanned import AtOne

if TYPE_CHECKING:
    from schemas.documents.reconciliation import Reconciliation


def reconcile(
    export: Annotated[
        str, typer.Argument(metavar="EXPORT", help="Records of another system, in a file; - is standard input.")
    ],
    adapter: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Whose export it is, such as stripe: docs/adapters.md. Required."),
    ] = None,
    adapter_options: Map = None,
    query: Query = None,
    at: AtOne = None,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="LOG", help="A file of events instead of the running stream."),
    ] = None,
    file_format: FileFormat = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="Name so many differences at most; JSON has all.")
    ] = 50,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Compare the subscriptions of an export with those of the stream.

    The export (--as says whose) is translated and counted by itself. Each subscription that is open on a side is
    compared: whether it is active, its plan, its amount. Every difference is named with its cause, and active
    subscriptions and MRR are added up by currency. Ends with 1 if anything differs, or a record of the export was not
    understood. docs/adapters.md says more.
    """
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.file_findings import say_findings
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.scanned import checked_scope
    from tenure.files.reader import EventFile
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    if adapter is None:
        raise UsageError("reconcile: say whose export this is, with --as; docs/adapters.md lists the systems")
    options = FileOptions(file_format, adapter=adapter, adapter_options=adapter_options, query=query)
    notation = checked_notation(settings, options)
    EventFile(export, notation)
    scope = checked_scope(settings, at=at, by=(), file=file, options=FileOptions())
    from tenure.commands.printing import print_losses
    from tenure.reports.formats import standard_console
    from tenure.reports.reconciliation import reconcile as reconcile_export
    from tenure.reports.reconciliation_text import reconciliation_text

    with quiet_logs():
        found = run_until_stopped(reconcile_export(settings, export, notation, scope))
    document = found.document
    if as_json:
        print_json(document)
    else:
        text = reconciliation_text(all_readable(document), settings.default_currency, limit=limit)
        standard_console().print(text, soft_wrap=True)
        print_losses(document)
    say_findings(export, {"refused": found.refused, "tests": found.tests}, found.findings, document.translation)
    _check(document, found.refused)


def _check(document: Reconciliation, refused: int) -> None:
    differ = len(document.differences)
    if not document.compared:
        raise CheckFailed("no subscription is open on either side as of this instant: nothing was compared; see above")
    if differ:
        raise CheckFailed(f"{differ:,} of {counted(document.compared, 'subscriptions')} differ; see above")
    if refused:
        do = "does" if refused == 1 else "do"
        raise CheckFailed(
            f"all subscriptions agree, but {counted(refused, 'records')} of the export {do} not count; see above"
        )
