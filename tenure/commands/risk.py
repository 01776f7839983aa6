"""`tenure risk`: who is about to go."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.explain_options import Limit
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope
from tenure.files.notation import MoneyForm, TimeForm


def risk(
    where: Where = None,
    at: AtOne = None,
    limit: Limit = 20,
    publish: Annotated[
        str | None,
        typer.Option(
            "--publish", metavar="TOPIC", help="Also send the customers that are listed to this topic: tenure.risks."
        ),
    ] = None,
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
    """Print who is about to go: known cancellations first, then the risk of everybody else.

    A known cancellation is a cancel that will end the last subscription that counts. The risk is the probability to
    leave within 30 days, by a model of age, plan, use, answers and failed renewals that is fitted to the last year when
    the command runs. With it come its reasons, the MRR at risk, and what the model was worth on the last quarter, which
    it had not seen. Where it was no better than plan and age alone, nobody is scored, and the command ends with 1.
    Needs scikit-learn: pip install 'tenure[risk]'. docs/risk.md says more. For example: tenure risk --limit 50
    """
    from schemas.wording import counted
    from streams.errors import CheckFailed
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.say import say_error
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.commands.printing import print_losses
    from tenure.reports.formats import standard_console
    from tenure.reports.risk import read_risk
    from tenure.reports.risk_text import risk_tables

    with quiet_logs():
        report = run_until_stopped(read_risk(settings, scope, limit=limit))
    if publish is not None:
        from tenure.operations.risks import send_risks

        with quiet_logs():
            sent = run_until_stopped(send_risks(settings, report, publish))
        say_error(f"sent {counted(sent, 'customers')} to {publish}")
    if as_json:
        print_json(report)
    else:
        standard_console().print(risk_tables(all_readable(report)))
        print_losses(report)
    if report.refused is not None:
        raise CheckFailed(f"nobody is scored: {report.refused}")
