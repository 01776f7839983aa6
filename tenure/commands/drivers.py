"""`tenure drivers`: what goes with staying."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm


def drivers(
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
    """Print what goes with staying: features, onboarding, answers, plans, channels and other dimensions.

    Customers are told apart 30 days after they first became active, by what they had used, done or said until then;
    those who are still there are compared from that age on. With each trait come the shares that stay 90 days more,
    their difference with the range that holds it with 95 % confidence, and a log-rank test. Of all that are reported no
    more than 5 % are expected to be false. What goes with staying need not keep anybody. docs/drivers.md says more.
    For example: tenure drivers --file docs/examples/answers.ndjson
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.reports.drivers import read_drivers
    from tenure.reports.drivers_text import drivers_tables

    print_scanned(read_drivers(settings, scope), drivers_tables, as_json=as_json)
