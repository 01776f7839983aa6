"""Log lines, as a person and as a program read them."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import structlog

from streams import logs
from streams.settings.settings import Settings
from tenure.commands.quiet import quiet_logs

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lines(io.StringIO):
    """A standard error that remembers each write."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.writes: list[str] = []
        self._terminal = terminal

    def isatty(self) -> bool:
        """Say whether it is a terminal."""
        return self._terminal

    def write(self, text: str) -> int:
        """Note it."""
        self.writes.append(text)
        return super().write(text)


@contextmanager
def logged(monkeypatch: pytest.MonkeyPatch, log_format: str, *, terminal: bool = False) -> Iterator[Lines]:
    """Log in a form, until the block ends."""
    written = Lines(terminal=terminal)
    monkeypatch.setattr("sys.stderr", written)
    before, handlers, level = structlog.get_config(), logging.root.handlers, logging.root.level
    logs.configure_logs(Settings(log_format=log_format))
    try:
        yield written
    finally:
        structlog.configure(**before)
        logging.root.handlers, logging.root.level = handlers, level


def test_log_lines_on_a_terminal_show_neither_escapes_nor_the_variables_of_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An id is in them, and so is whatever stands in the variables around a fault: events and passwords."""

    def fail(password: str) -> None:
        raise ValueError("\x1b[2J" if password else "")

    with logged(monkeypatch, "console") as lines:
        try:
            fail("s3cr3tpw".lower())
        except ValueError:
            structlog.get_logger("x").exception("failed", customer="\x1b[2J", ids={"\x1b[2J": "\u202e"})
        logging.getLogger("x").error("gone: %s", "\x1b[2J")
    text = lines.getvalue()
    assert "\x1b[2J" not in text
    assert text.count(r"\x1b[2J") >= 4
    assert "\u202e" not in text
    assert "password = 's3cr3tpw'" not in text


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_log_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch, log_format: str) -> None:
    """Two threads that log would otherwise write one line behind the other's, and both ends of lines after them."""
    with logged(monkeypatch, log_format) as lines:
        structlog.get_logger("x").error("failed", customer="c1")
        logging.getLogger("x").error("gone")
    assert len(lines.writes) == 2
    assert all(line.endswith("\n") for line in lines.writes)


@pytest.mark.parametrize(
    ("terminal", "surroundings", "coloured"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_log_lines_for_people_have_colours_only_where_they_are_seen(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, surroundings: dict[str, str], coloured: bool
) -> None:
    """In a file colours are noise that no search for an event gets past, also in what commands log."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm", **surroundings}.items():
        monkeypatch.setenv(name, value)
    with logged(monkeypatch, "console", terminal=terminal) as lines:
        structlog.get_logger("x").error("failed", customer="c1")
        with quiet_logs():
            structlog.get_logger("y").error("failed", customer="c2")
    assert [("\x1b[" in line) for line in lines.writes] == [coloured, coloured]
