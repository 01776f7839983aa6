"""`tenure value`: what a customer brings, and what one cost to acquire."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, By, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm


def value(
    by: By = None,
    where: Where = None,
    at: AtOne = None,
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
    """Print what a customer brings in the time that they stay, with a range that holds it with 95 % confidence.

    By channel it stands beside the cost of acquiring one, where the setting acquisition_costs has it. docs/value.md
    says more. For example: tenure value --file docs/examples/golden.ndjson --by channel
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=by, file=file, options=options, where=where)
    from tenure.reports.value import read_value
    from tenure.reports.value_text import value_tables

    print_scanned(read_value(settings, scope), value_tables, as_json=as_json)
