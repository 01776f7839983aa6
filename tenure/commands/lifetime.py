"""`tenure lifetime`: how long customers stay."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, By, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm


def lifetime(
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
    """Print how long customers stay, as a survival curve.

    With it come the median, the mean and the shares that last longer than 7, 30, 90 and 365 days. It is the
    Kaplan-Meier estimate, which counts stays that go on for as long as they have been seen; the range below a share
    holds it with 95 % confidence. docs/cohorts-and-lifetime.md says more. For example:
    tenure lifetime --file docs/examples/golden.ndjson --by plan
    """
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=by, file=file, options=options, where=where)
    from tenure.reports.formats import standard_console
    from tenure.reports.lifetime import read_lifetime
    from tenure.reports.lifetime_text import lifetime_tables

    width = standard_console().width
    print_scanned(read_lifetime(settings, scope), lambda report: lifetime_tables(report, width), as_json=as_json)
