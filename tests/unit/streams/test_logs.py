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

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lines(io.StringIO):
    """A standard error that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        """Note it."""
        self.writes.append(text)
        return super().write(text)


@contextmanager
def logged(monkeypatch: pytest.MonkeyPatch, log_format: str) -> Iterator[Lines]:
    """Log in a form, until the block ends."""
    written = Lines()
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
