"""Progress of `tenure publish`: a bar on a terminal, lines elsewhere, and a summary at the end.

Progress goes to standard error, the summary to standard output.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from schemas.wording import counted
from tenure.commands.as_json import print_json
from tenure.commands.say import say
from tenure.reports.formats import standard_console

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from tenure.files.publish import Summary
    from tenure.files.reader import EventFile

LINE_SECONDS: Final = 5.0


class PublishProgress:
    """Shows progress while it is entered, and the summary afterwards.

    Args:
        file: Whose size and position the bar shows.
        as_json: Whether the summary is JSON.
        console: Where progress goes.
    """

    def __init__(self, file: EventFile, *, as_json: bool, console: Console) -> None:
        self._file = file
        self._as_json = as_json
        self._console = console
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._told_at_seconds = time.monotonic()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (TextColumn("{task.fields[told]}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task("", total=self._file.total_bytes, told="connecting")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, summary: Summary) -> None:
        """Show how far it is; as often as one likes."""
        told = f"{summary.records:,} sent, {summary.records / max(summary.seconds, 0.001):,.0f}/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=self._file.bytes_read, told=told)
        elif time.monotonic() - self._told_at_seconds >= LINE_SECONDS:
            self._told_at_seconds = time.monotonic()
            say(told, err=True)

    def conclude(self, summary: Summary) -> None:
        """Print the summary on standard output."""
        if self._as_json:
            print_json(summary.document())
            return
        by_type = ", ".join(f"{number:,} {name}" for name, number in summary.sent.most_common())
        say(
            f"{counted(summary.records, 'records')} ({counted(summary.bytes, 'bytes')}) sent in {summary.seconds:.1f} s"
            + (f": {by_type}" if by_type else "")
        )


def shown_progress(file: EventFile, *, as_json: bool) -> PublishProgress:
    """Return the progress of a file on standard error."""
    return PublishProgress(file, as_json=as_json, console=standard_console(stderr=True))
