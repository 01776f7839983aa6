"""`tenure rebuild`: the tables of a stream built anew, beside it, and put in the place of those that hold."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from schemas.wording import counted
from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config
from tenure.commands.progress_lines import ProgressLines
from tenure.commands.say import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemas.documents.rebuilding import Rebuilding

_SHOWN: Final = 20


class BuiltFrom(StrEnum):
    """The source of new tables."""

    TABLES = "tables"
    KAFKA = "kafka"


def rebuild(
    source: Annotated[
        BuiltFrom, typer.Option("--from", help="Count the facts in the tables, or all records in Kafka.")
    ] = BuiltFrom.TABLES,
    partitions: Annotated[
        int | None,
        typer.Option(
            "--partitions", metavar="N", min=1, help="Spread customers over so many.", show_default="as many as now"
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it nothing is done.")] = False,
    accept_differences: Annotated[
        bool, typer.Option("--accept-differences", help="Put the new tables in place although they count otherwise.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, for those who look back.", show_default="nothing")
    ] = "",
    said_by: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who does it.", show_default="the user who is logged in"),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Build the stream's tables anew beside it, compare every count, and put them in place; a dry run unless --yes.

    The stream goes on meanwhile, and is held still at the end for as long as its tables take to be read once. Targets,
    shown values, the schedule of surveys, restatements, accepted losses and the forgotten stay. Workers begin again
    with the new tables by themselves. Where counts differ, nothing changes and it ends with 1, unless
    --accept-differences is given, as after a change of settings. docs/rebuilding.md says more.
    """
    from streams.errors import CheckFailed
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.commands.user import current_user
    from tenure.operations.lines import LONGEST_NAME, one_line
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    by = one_line("--as", current_user() if said_by is None else said_by, least=1, most=LONGEST_NAME)
    from tenure.rebuilding.rebuild import Wish
    from tenure.rebuilding.rebuild import rebuild as rebuild_tables

    wish = Wish(source.value, partitions, yes, accept_differences, by, one_line("--reason", reason))
    with quiet_logs():
        found = run_until_stopped(rebuild_tables(settings, wish, ProgressLines().tell))
    if as_json:
        print_json(found)
    else:
        say("\n".join(_lines(all_readable(found))))
    if found.outcome == "different":
        raise CheckFailed("the new tables count otherwise, and were removed; nothing has changed")


def _lines(found: Rebuilding) -> Iterator[str]:
    over = counted(found.partitions, "partitions")
    if found.partitions != found.partitions_before:
        over = f"{found.partitions_before} partitions before, {found.partitions} from now on"
    what = "the facts in the tables" if found.source == "tables" else "all records in Kafka"
    yield f"counted from {what}; {over}"
    if found.settings:
        yield f"settings that change with it: {', '.join(found.settings)}"
    for each in found.earlier:
        yield f"before: {each.at} from {each.source}, {counted(each.partitions, 'partitions')}, by {each.by}"
    if found.outcome == "planned":
        yield "Nothing was done: this is a dry run. Say --yes to build, compare and put in place."
        return
    yield f"{counted(found.customers or 0, 'customers')} were taken over"
    yield from _compared(found)
    yield f"the stream was held still for {found.held_seconds:.1f} s"
    if found.outcome == "switched":
        yield "The new tables hold. Workers begin again with them within seconds."


def _compared(found: Rebuilding) -> Iterator[str]:
    if found.compared == "nothing":
        yield "not compared: the old tables are of a version whose counters this one does not read"
    elif found.compared == "cells":
        told = "all of them the same" if not found.different_cells else f"{found.different_cells:,} of them differ"
        yield f"{counted(found.cells or 0, 'cells')} were compared, {told}"
    else:
        yield "the numbers of now were compared, since other settings decide what cells mean"
    for each in found.differences[:_SHOWN]:
        yield f"  {each.number}: {each.before} before, {each.after} after"
    if len(found.differences) > _SHOWN:
        yield f"  and {len(found.differences) - _SHOWN:,} more: --json"
