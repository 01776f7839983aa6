"""Log lines: a constant event name with fields, as JSON or for a terminal. Faust's own lines go the same way."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TextIO

import structlog

from streams.readable import visible
from streams.settings.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Write log lines to standard error, in the form and from the level on that settings ask for.

    A line is one write: several threads log.
    """
    to_console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = console_renderer() if to_console else structlog.processors.JSONRenderer()
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    tail: list[structlog.typing.Processor] = [make_visible if to_console else structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*shared, *tail, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,  # a logger of a module would keep the first form for ever
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *tail,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Libraries speak up from warnings on: what they do in between is our business to tell.
    root.setLevel(max(level, logging.WARNING))
    if level > logging.DEBUG:
        # It calls every rebalance and every broker that is away an error; the worker tells of both itself.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        logging.getLogger("mode").setLevel(logging.ERROR)


def console_renderer() -> structlog.dev.ConsoleRenderer:
    """Return what writes log lines for a terminal; `make_visible` comes before it.

    A traceback is a plain one: with the values of variables it would show events and passwords.
    """
    return structlog.dev.ConsoleRenderer(colors=_shows_colours(sys.stderr), exception_formatter=_plain_traceback)


def _shows_colours(stream: TextIO) -> bool:
    """Return whether colours are wanted: on a terminal, unless NO_COLOR or FORCE_COLOR says otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def make_visible(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Write out what a terminal would obey in the fields of a log line; JSON has escapes of its own."""
    # What is no text is shown by `repr`, which writes it out by itself.
    return {visible(name): visible(value) if isinstance(value, str) else value for name, value in event.items()}


def _plain_traceback(output: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    plain = io.StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    output.write(visible(plain.getvalue(), keep="\n"))
