"""`tenure customer`: one customer's timeline, and the counts that the customer is in."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import Annotated

import typer

from tenure.commands.as_json import print_json
from tenure.commands.file_options import FileFormat, FileOptions, Money, Times, TimeZone
from tenure.commands.options import AsJson, Config, Windows, checked_windows
from tenure.commands.say import say
from tenure.commands.scanned import AtOne, File, checked_scope
from tenure.files.notation import MoneyForm, TimeForm


def customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="The customer's id, as events have it.")],
    window: Windows = None,
    at: AtOne = None,
    file: File = None,
    file_format: FileFormat = None,
    money: Money = MoneyForm.MINOR,
    times: Times = TimeForm.RFC3339,
    time_zone: TimeZone = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Print what is known of one customer: events, subscriptions, movements, and the counts they are in.

    Each event comes with what it did, also when that was nothing, and with id, source, topic, partition and offset.
    The rules by which the customer is in each count stand in the JSON. Ends with 1 if there is no such customer.
    docs/explain.md says more. For example: tenure customer old-001 --file docs/examples/golden.ndjson --at 2025-03-31
    """
    from schemas.catalogue.windows import MONTH
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    windows = checked_windows(window, settings) or (*(f"{days}d" for days in settings.windows_days), MONTH)
    options = FileOptions(file_format, money, times, time_zone)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options)
    from tenure.commands.printing import print_losses
    from tenure.reports.customer import read_customer_timeline
    from tenure.reports.customer_text import customer_lines

    with quiet_logs():
        found = run_until_stopped(read_customer_timeline(settings, customer_id, scope, windows))
    if as_json:
        print_json(found)
        return
    say("\n".join(customer_lines(all_readable(found))))
    print_losses(found)
