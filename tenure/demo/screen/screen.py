"""The live screen of `tenure demo`, and the plain lines that stand in for it where there is no terminal.

Rendering only: whoever runs the demo fills a `DemoView` and calls `show`. The screen remembers nothing but the course
of the numbers that it has shown. What the numbers mean: docs/kpis.md.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

from rich.live import Live

from streams.readable import visible
from tenure.demo.screen.history import ShownHistory
from tenure.demo.screen.layout import SHOWN_VALUES, demo_line, demo_screen, topic_lines
from tenure.demo.screen.view import DemoView, Health, Notice
from tenure.reports.formats import standard_console

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console

__all__ = ["DemoScreen", "DemoView", "Health", "LiveScreen", "Notice", "PlainScreen", "open_screen"]

PLAIN_LINE_SECONDS: Final = 3.0
TURN_SECONDS: Final = 5.0
"""How long a topic stays on a screen that has no room for all of them: each comes up within a minute."""


class DemoScreen(Protocol):
    """The output of the demo; a context, because a terminal must be left as it was found."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the terminal as it was found, with the last numbers standing."""

    def show(self, view: DemoView) -> None:
        """Show the numbers of this moment; as often as one likes."""

    def say(self, line: str) -> None:
        """Show one line before the numbers are there: what is being started."""


class LiveScreen:
    """A screen that redraws itself in place.

    Args:
        console: The terminal.
        currency: The currency that MRR is counted in (ISO 4217).
        now_seconds: A clock that never steps back; only differences count.
    """

    def __init__(self, console: Console, currency: str, now_seconds: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._currency = currency
        self._history = ShownHistory(SHOWN_VALUES)
        self._live = Live(console=console, auto_refresh=False, screen=False, vertical_overflow="crop")
        self._shown = False
        self._now_seconds = now_seconds
        self._began_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._shown:
            self._live.stop()

    def show(self, view: DemoView) -> None:
        """Redraw the screen."""
        self._history.observe(view.report)
        if not self._shown:
            self._live.start()
            self._shown = True
            self._began_seconds = self._now_seconds()
        width, height = self._console.size
        turn = int((self._now_seconds() - self._began_seconds) / TURN_SECONDS)
        drawn = demo_screen(view, self._history, currency=self._currency, width=width, height=height - 1, turn=turn)
        self._live.update(drawn, refresh=True)

    def say(self, line: str) -> None:
        """Print a line, or a block of lines, above the screen; the terminal wraps what is long, and copies it whole."""
        self._console.print(line, style="dim", markup=False, soft_wrap=True)


class PlainScreen:
    """A line every few seconds, and one topic after another; for pipes, logs and terminals that cannot redraw.

    Args:
        output: Where lines go.
        currency: The currency that MRR is counted in (ISO 4217).
        now_seconds: A clock that never steps back; only differences count.
    """

    def __init__(self, output: TextIO, currency: str, now_seconds: Callable[[], float] = time.monotonic) -> None:
        self._output = output
        self._currency = currency
        self._now_seconds = now_seconds
        self._shown_at_seconds: float | None = None
        self._last: DemoView | None = None
        self._lines = 0
        self._notices_told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._last is not None:
            self._write(demo_line(self._last, currency=self._currency))
            for line in topic_lines(self._last, currency=self._currency):
                self._write(line)

    def show(self, view: DemoView) -> None:
        """Print what is new to tell, and the numbers if it is time again."""
        for notice in view.notices[self._notices_told :]:
            self._write(f"{notice.at:%Y-%m-%d %H:%M}  {'! ' if notice.warning else ''}{notice.text}")
        self._notices_told = len(view.notices)
        now_seconds = self._now_seconds()
        if self._shown_at_seconds is None or now_seconds - self._shown_at_seconds >= PLAIN_LINE_SECONDS:
            self._shown_at_seconds = now_seconds
            self._last = None
            self._write(demo_line(view, currency=self._currency))
            topics = topic_lines(view, currency=self._currency)
            self._write(topics[self._lines % len(topics)])
            self._lines += 1
        else:
            self._last = view

    def say(self, line: str) -> None:
        """Print a line, or a block of lines of our own."""
        self._write(line, keep="\n")

    def _write(self, line: str, *, keep: str = "") -> None:
        self._output.write(visible(line, keep=keep) + "\n")
        self._output.flush()


def open_screen(*, currency: str, plain: bool = False, console: Console | None = None) -> DemoScreen:
    """Return the screen that suits standard output.

    Args:
        currency: The currency that MRR is counted in (ISO 4217).
        plain: Lines, also on a terminal.
        console: The terminal; without it, that of standard output.
    """
    terminal = console or standard_console()
    if plain or not terminal.is_terminal or terminal.is_dumb_terminal:
        return PlainScreen(sys.stdout, currency)
    return LiveScreen(terminal, currency)
