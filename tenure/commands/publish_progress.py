"""Progress of `tenure publish`: a bar on a terminal, lines elsewhere, and a summary at the end.

Progress goes to standard error, the summary to standard output.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from schemas.wording import counted
from tenure.commands.as_json import print_json
from tenure.commands.progress import Progress
from tenure.commands.say import say, say_error

if TYPE_CHECKING:
    from types import TracebackType

    from tenure.files.publish import Summary
    from tenure.files.reader import EventFile

LINE_SECONDS: Final = 5.0


class PublishProgress:
    """Shows progress while it is entered, and the summary afterwards.

    Args:
        file: Whose size and position the bar shows.
        as_json: Whether the summary is JSON.
    """

    def __init__(self, file: EventFile, *, as_json: bool) -> None:
        self._file = file
        self._as_json = as_json
        self._progress = Progress(file.total_bytes, "connecting")
        self._told_at_seconds = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, traceback)

    def show(self, summary: Summary) -> None:
        """Show how far it is; as often as one likes."""
        told = f"{summary.records:,} sent, {summary.records / max(summary.seconds, 0.001):,.0f}/s"
        if self._progress.is_shown:
            self._progress.show(self._file.bytes_read, told)
        elif time.monotonic() - self._told_at_seconds >= LINE_SECONDS:
            self._told_at_seconds = time.monotonic()
            say_error(told)

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
