"""Loading of a worker's libraries without the helpers that they load where these happen to be there.

structlog loads rich for tracebacks with the values of variables, which `streams.logs` never prints; Faust loads PyYAML
for a codec that no topic uses. Both are there for other commands.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

HELPERS: Final = ("rich", "yaml")


@contextlib.contextmanager
def without_helpers() -> Iterator[None]:
    """Let what is imported within the block find none of `HELPERS`, unless they are loaded already.

    `None` in `sys.modules` is how Python is told that a module cannot be imported.
    """
    hidden = [name for name in HELPERS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
