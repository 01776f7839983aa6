"""Draws docs/images/terminal.svg: the live screen of `tenure demo`, as a terminal of 110 columns shows it.

Not a mock-up: it runs the demo for a few seconds and keeps what its screen shows last. Call it in a checkout, with
the Python of its environment: `.venv/bin/python docs/images/terminal.py`.
"""

# ruff: noqa: INP001, T201 - a script beside the picture that it draws, for someone who waits for it

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from streams.settings.settings import Settings
from tenure.demo.demo import run
from tenure.demo.screen.history import History
from tenure.demo.screen.layout import SHOWN_VALUES, demo_screen

if TYPE_CHECKING:
    from types import TracebackType

    from tenure.demo.screen.view import DemoView

PICTURE: Final = Path(__file__).with_suffix(".svg")
COLUMNS: Final = 110
LINES: Final = 44
SPEED: Final = 43_200.0
SECONDS: Final = 66.0
#: Where /metrics is served by default; here any free port will do.
METRICS_URL: Final = "http://127.0.0.1:9464/metrics"
THEME: Final = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        (72, 79, 88),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (177, 186, 196),
    ],
)


class KeptScreen:
    """A `tenure.demo.screen.screen.DemoScreen` that keeps what it was shown last."""

    def __init__(self) -> None:
        self.history = History(SHOWN_VALUES)
        self.view: DemoView | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave nothing behind."""

    def show(self, view: DemoView) -> None:
        """Keep the view."""
        self.history.observe(view.report)
        self.view = view

    def say(self, line: str) -> None:
        """Tell whoever waits for the picture."""
        print(line)


def main() -> None:
    """Run the demo and write the picture."""
    screen = KeptScreen()
    asyncio.run(run(Settings(metrics_port=0), screen, seconds=SECONDS, seed=1, speed=SPEED))
    if screen.view is None:
        raise SystemExit("the demo has shown nothing")
    console = Console(record=True, width=COLUMNS, height=LINES, file=io.StringIO(), force_terminal=True)
    console.print(demo_screen(screen.view, screen.history, currency="USD", width=COLUMNS, height=LINES))
    drawn = console.export_svg(title="tenure demo", theme=THEME, unique_id="tenure")
    # The reader's own monospace font: a picture in a README may not fetch one.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL).replace("Fira Code, ", "")
    drawn = re.sub(r"http://127\.0\.0\.1:\d+/metrics", METRICS_URL, drawn)
    PICTURE.write_text(drawn, encoding="utf-8")
    print(f"written: {PICTURE}")


if __name__ == "__main__":
    main()
