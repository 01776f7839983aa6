"""`tenure support`: how long tickets wait, and who leaves after one."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.explain_options import OneWindow, checked_window
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm


def support(
    window: OneWindow = None,
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
    """Print how long tickets wait for an answer and for a solution, and who leaves after one.

    Waiting is told of the tickets that were opened in the window (event `support`); those that wait still count for as
    long as they have waited. docs/support.md says more.
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    chosen = checked_window(window, settings)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.reports.care_text import support_tables
    from tenure.reports.support import read_support

    print_scanned(read_support(settings, scope, window=chosen), support_tables, as_json=as_json)
