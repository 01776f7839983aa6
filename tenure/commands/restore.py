"""`tenure restore`: the tables of a stream out of a file of `tenure snapshot`."""

# ruff: noqa: PLC0415 - options are parameters, and imports wait until the command runs.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemas.wording import counted
from tenure.commands.as_json import print_json
from tenure.commands.options import AsJson, Config
from tenure.commands.progress_lines import ProgressLines
from tenure.commands.say import say


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `tenure snapshot` has written.")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Restore a snapshot into an empty place: another Redis, another cluster, or another redis_prefix.

    The file is checked before anything is written, and what was written is read back before there is a stream. A place
    that holds anything is refused; so are other settings than those that decide what the numbers mean. Workers that are
    started then go on from the stored positions. docs/snapshots.md says more.
    """
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from tenure.snapshots.restoring import restore_snapshot
    from tenure.snapshots.summary import summary_of

    with quiet_logs():
        restored = run_until_stopped(restore_snapshot(settings, file, ProgressLines().tell))
    found = summary_of(
        file, restored.header, sha256=restored.sha256, customers=restored.customers, cells=restored.cells
    )
    if as_json:
        print_json(found)
        return
    found = all_readable(found)
    say(
        f"{found.file}, taken {found.taken_at}: {counted(found.customers, 'customers')} and"
        f" {counted(found.cells, 'cells')} of {counted(found.partitions, 'partitions')} restored and read back"
    )
    if restored.needs_rebuild:
        say("Its tables are of an earlier version: run `tenure rebuild --yes` before you start workers.")
    else:
        say("Workers that you start now go on from the stored positions.")
