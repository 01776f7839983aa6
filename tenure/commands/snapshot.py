"""`tenure snapshot`: the tables of a running stream as one file."""

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


def snapshot(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; nothing may be there yet.")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Write the tables of a stream into one file: positions, customers, counters, targets and all else that is stored.

    Each partition is held still for as long as it takes to be read, one after the other; the stream goes on. The file
    is read back before it gets its name. It says who the customers are: treat it as you treat the topics.
    docs/snapshots.md says more.
    """
    from streams.readable import all_readable
    from streams.settings.loading import load_settings
    from tenure.commands.quiet import quiet_logs
    from tenure.worker.signals import run_until_stopped

    settings = load_settings(config)
    from tenure.snapshots.summary import summary_of
    from tenure.snapshots.writing import write_snapshot

    with quiet_logs():
        written = run_until_stopped(write_snapshot(settings, file, ProgressLines().tell))
    found = summary_of(file, written.header, sha256=written.sha256, customers=written.customers, cells=written.cells)
    if as_json:
        print_json(found)
        return
    found = all_readable(found)
    say(
        f"{found.file}: {counted(found.customers, 'customers')} and {counted(found.cells, 'cells')} of"
        f" {counted(found.partitions, 'partitions')}, {written.bytes:,} bytes, read back and whole"
    )
    say(f"sha256 of its content: {found.sha256}")
