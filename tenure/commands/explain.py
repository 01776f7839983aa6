"""`tenure explain`: which customers make up a number."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from schemas.catalogue.lenses import Lens
from streams.errors import UsageError
from tenure.commands.as_json import print_json
from tenure.commands.completion import complete_kpi
from tenure.commands.explain_options import Limit, OneBy, OneWindow, check_agreement, checked_query
from tenure.commands.file_options import As, FileFormat, FileOptions, Map, Money, Query, Times, TimeZone
from tenure.commands.options import AsJson, Config, Where
from tenure.commands.scanned import AtOne, File
from tenure.files.notation import MoneyForm, TimeForm

if TYPE_CHECKING:
    from schemas.documents.explanation import Explanation


def explain(
    kpi: Annotated[
        str,
        typer.Argument(
            metavar="KPI",
            help="A count or a ratio, such as customers_lost or churn.",
            autocompletion=complete_kpi,
        ),
    ],
    window: OneWindow = None,
    at: AtOne = None,
    lens: Annotated[
        Lens | None,
        typer.Option("--lens", help="Which definition `churn` means.", show_default=Lens.STANDARD.value),
    ] = None,
    by: OneBy = None,
    value: Annotated[
        str | None, typer.Option("--value", metavar="V", help="Only this value of the dimension of --by.")
    ] = None,
    where: Where = None,
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
    """Print which customers make up a number, by which events, and why.

    Each member comes with what it adds, the rule that included it, and its events with id and place: topic, partition
    and offset, or the line of the file. Then come those who were nearly members, with the rule that left them out. A
    ratio is explained by its numerator and its denominator. The sum over all members is compared with the counters;
    where the two differ, the exit status is 1.
    docs/explain.md says more. For example: tenure explain churn --file docs/examples/golden.ndjson --at 2025-03-31
    """
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    options = FileOptions(file_format, money, times, time_zone, adapter, adapter_options, query)
    name = checked_explainable(kpi, lens)
    asked = checked_query(
        settings, window=window, at=at, by=by, value=value, limit=limit, file=file, options=options, where=where
    )
    from tenure.commands.printing import print_losses
    from tenure.reports.explain import read_explanation
    from tenure.reports.explain_text import explanation_text
    from tenure.reports.formats import standard_console

    with quiet_logs():
        answer = run_until_stopped(read_explanation(settings, name, asked))
    if as_json:
        print_json(answer)
    else:
        standard_console().print(explanation_text(all_readable(answer)), soft_wrap=True)
        print_losses(answer)
    check_agreement(answer, _fault(answer))


def checked_explainable(kpi: str, lens: Lens | None) -> str:
    """Return the name of a count or a ratio of the catalogue.

    Raises:
        UsageError: There is none of that name; or it is not `churn`, and a definition of churn is given.
    """
    from schemas.catalogue.counts import COUNT_BY_NAME, FACTS_WITHOUT_EFFECT
    from schemas.catalogue.ratios import RATIO_BY_NAME
    from schemas.wording import nearest_name

    name = kpi.removeprefix("tenure_")
    if name == "churn":
        return (lens or Lens.STANDARD).ratio
    if lens is not None:
        raise UsageError(f"--lens {lens.value} chooses a definition of churn, and {kpi} has one; leave it out")
    known = [*COUNT_BY_NAME, FACTS_WITHOUT_EFFECT.name, *RATIO_BY_NAME]
    if name in known:
        return name
    hint = nearest_name(name, [*known, "churn"], cutoff=0.5)
    raise UsageError(f"{kpi}: docs/kpis.md has no count or ratio of this name{hint}")


def _fault(answer: Explanation) -> str:
    for part in answer.parts:
        if not part.agrees:
            return f"the members of {part.count} add up to {part.sum:,}, the counters say {part.counted:,}"
    return ""
