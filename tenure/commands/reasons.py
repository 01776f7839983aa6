"""`tenure reasons` and `tenure features`: why customers leave, what they answer, what they use."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure.commands.explain_options import OneWindow, checked_window
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, By, Config, Where
from tenure.commands.scanned import AtOne, File, checked_scope, print_scanned
from tenure.files.notation import MoneyForm, TimeForm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from schemas.documents.reasons import ReasonsReport


def reasons(
    window: OneWindow = None,
    at: AtOne = None,
    by: By = None,
    where: Where = None,
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
    """Print why customers cancel and what they answer: the twenty most frequent reasons, and the rest.

    With each comes its count in the window before, and the change; of cancellations also how many were involuntary.
    docs/explain.md says more. For example: tenure reasons --file docs/examples/golden.ndjson --at 2025-03-31
    """
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    _print(["cancellations", "survey_answers"], window, at, by, where, file, options, as_json=as_json, config=config)


def features(
    window: OneWindow = None,
    at: AtOne = None,
    by: By = None,
    where: Where = None,
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
    """Print what customers use: the twenty features with the most engaged customers, and the rest.

    An engaged customer of a feature is active at the end of the window and used the feature in it. With each feature
    comes its number in the window before, and the change. docs/explain.md says more.
    """
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    _print(["features"], window, at, by, where, file, options, as_json=as_json, config=config)


def _print(
    kinds: Sequence[str],
    window: str | None,
    at: str | None,
    by: Sequence[str] | None,
    where: str | None,
    file: str | None,
    options: FileOptions,
    *,
    as_json: bool,
    config: Path | None,
) -> None:
    from streams.settings.loading import load_settings

    settings = load_settings(config)
    chosen = checked_window(window, settings)
    scope = checked_scope(settings, at=at, by=by, file=file, options=options, where=where)
    from tenure.reports.reasons import only, read_reasons
    from tenure.reports.reasons_text import reasons_tables

    async def reading() -> ReasonsReport:
        return only(await read_reasons(settings, scope, window=chosen), kinds)

    print_scanned(reading(), lambda report: reasons_tables(report, *kinds), as_json=as_json)
