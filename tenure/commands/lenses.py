"""`tenure lenses`: customer churn by four definitions, and who makes them differ."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.as_json import print_json
from tenure.commands.explain_options import Limit, OneBy, OneWindow, check_agreement, checked_query
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config
from tenure.commands.scanned import AtOne, File
from tenure.files.notation import MoneyForm, TimeForm


def lenses(
    window: OneWindow = None,
    at: AtOne = None,
    by: OneBy = None,
    limit: Limit = 20,
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
    """Print customer churn by four definitions, and the customers that make them differ.

    The definitions differ by whether who came back inside the window, who cancelled more than once, and who was new in
    it counts. The sums of the differences are exact; where they are not, the exit status is 1. docs/explain.md says
    more. For example: tenure lenses --file docs/examples/golden.ndjson --at 2025-03-31
    """
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    asked = checked_query(settings, window=window, at=at, by=by, value=None, limit=limit, file=file, options=options)
    from tenure.commands.printing import print_losses
    from tenure.reports.explain import read_lenses
    from tenure.reports.explain_text import lenses_text
    from tenure.reports.formats import standard_console

    with quiet_logs():
        answer = run_until_stopped(read_lenses(settings, asked))
    if as_json:
        print_json(answer)
    else:
        standard_console().print(lenses_text(all_readable(answer)), soft_wrap=True)
        print_losses(answer)
    check_agreement(answer, str(answer.fault))
