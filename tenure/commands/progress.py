"""Progress of a command that reads for a while: a bar on a terminal, on standard error, and nothing elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tenure.reports.formats import standard_console

if TYPE_CHECKING:
    from types import TracebackType


class Progress:
    """Shows progress while it is entered.

    Args:
        total: Of what is to be done, in any unit; None where that is not known yet, or never.
        told: Shown before anything is done.
    """

    def __init__(self, total: int | None, told: str = "reading") -> None:
        self._total = total
        self._told = told
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        console = standard_console(stderr=True)
        if console.is_terminal:
            columns = (TextColumn("{task.fields[told]}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=console, transient=True)
            self._bar.add_task("", total=self._total, told=self._told)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def is_shown(self) -> bool:
        """Return whether there is a terminal to show it on."""
        return self._bar is not None

    def show(self, done: int, told: str, total: int | None = None) -> None:
        """Show how far it is; as often as one likes."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, told=told, total=total or self._total)
