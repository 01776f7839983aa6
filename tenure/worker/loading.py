"""Loading of a worker's libraries without the extras that they load where these happen to be there.

structlog loads rich for tracebacks with the values of variables, which `streams.logs` never prints; Faust loads PyYAML
for a codec that no topic uses. Both are there for other commands.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRAS: Final = ("rich", "yaml")


@contextlib.contextmanager
def without_extras() -> Iterator[None]:
    """Let what is imported within the block find none of `EXTRAS`, unless they are loaded already.

    `None` in `sys.modules` is how Python is told that a module cannot be imported.
    """
    hidden = [name for name in EXTRAS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
