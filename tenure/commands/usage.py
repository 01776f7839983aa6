"""`tenure usage`: on how many days customers use the product, who fell asleep and who woke up."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm


def usage(
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
    """Print on how many of the last 30 days customers used the product, who fell asleep and who woke up.

    Dormant is who used it in the window before the last one, and not since; resurrected, who uses it again.
    docs/usage.md says more. For example: tenure usage --file docs/examples/golden.ndjson
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.reports.usage import read_usage
    from tenure.reports.usage_text import usage_tables

    print_scanned(read_usage(settings, scope), usage_tables, as_json=as_json)
