"""`tenure forecast`: customers and MRR of the next twelve months."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm


def forecast(
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
    """Print customers and MRR of the next twelve months, with bands that are to hold 80 % of what comes.

    Customers leave at the rates at which those of their plan and age left in the last year, and others come as they
    came in up to three years, with the trend and the season that there were. With the forecast comes how often the
    bands of forecasts from the last 24 months held what came. Six months of history are needed. docs/forecast.md says
    more.
    For example: tenure forecast --where 'plan = pro'
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.reports.forecast import read_forecast
    from tenure.reports.forecast_text import forecast_tables

    print_scanned(read_forecast(settings, scope), forecast_tables, as_json=as_json)
