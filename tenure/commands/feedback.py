"""`tenure feedback`: how long customers stay after what they answered."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.as_json import print_json
from tenure.commands.explain_options import Limit
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope
from tenure.files.notation import MoneyForm, TimeForm


def feedback(
    where: Where = None,
    at: AtOne = None,
    limit: Limit = 10,
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
    """Print how long customers stay after an answer, by what they answered.

    Each answer begins a spell of its band (promoters, passives, detractors; satisfied, unsatisfied), and so does a
    survey that nobody answered within 14 days. It lasts until the customer leaves, or answers again. With each band
    come the shares who left within 30 and 90 days, with the ranges that hold them with 95 % confidence, and a log-rank
    test of whether the bands differ; then how many answers were followed up, and the detractors whose answer waits.
    docs/feedback.md says more. For example:
    tenure feedback --file docs/examples/answers.ndjson
    """
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.commands.printing import print_losses
    from tenure.reports.feedback import read_feedback
    from tenure.reports.feedback_text import feedback_tables
    from tenure.reports.formats import standard_console

    with quiet_logs():
        report = run_until_stopped(read_feedback(settings, scope, limit=limit))
    if as_json:
        print_json(report)
        return
    console = standard_console()
    console.print(feedback_tables(all_readable(report), console.width))
    print_losses(report)
