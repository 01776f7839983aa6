"""`tenure feedback`: how long customers stay after what they answered."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from tenure.commands.explain_options import Limit
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
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
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    scope = checked_scope(settings, at=at, by=None, file=file, options=options, where=where)
    from tenure.reports.feedback import read_feedback
    from tenure.reports.feedback_text import feedback_tables
    from tenure.reports.formats import standard_console

    width = standard_console().width
    print_scanned(
        read_feedback(settings, scope, limit=limit), lambda report: feedback_tables(report, width), as_json=as_json
    )
