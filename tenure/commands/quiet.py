"""Silence for commands whose output is their result: nothing is logged but errors, and these on standard error."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from streams.logs import console_renderer, make_visible

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def quiet_logs() -> Iterator[None]:
    """Log errors only, while a block runs; what was configured before comes back after it."""
    before, disabled = structlog.get_config(), logging.root.manager.disable
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, make_visible, console_renderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        structlog.configure(**before)
