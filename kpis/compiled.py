"""The fold in two forms: its modules as they stand here, and as a C compiler made them (tools/compile.py).

What was compiled is imported where it was made of exactly these sources, for this Python. Both give the same numbers
and pass the same tests; the environment variable KPIS_COMPILED=no keeps to the sources.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import MutableSequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

#: All that the usual event goes through; what C is to know of them stands in native/kpis.
MODULES: Final = (
    "contribution", "customer", "feedback", "fold", "folding", "lifecycle", "names", "packing", "state", "timeline",
    "usage",
)  # fmt: skip
SWITCH: Final = "KPIS_COMPILED"

_HERE: Final = Path(__file__).parent


def folder() -> Path:
    """Return where the compiled modules lie, if there are any; its name tells the Python and the sources' text."""
    suffix = EXTENSION_SUFFIXES[0]
    digest = hashlib.sha256(suffix.encode())
    for module in MODULES:
        digest.update((_HERE / f"{module}.py").read_bytes())
    return _HERE / "compiled-modules" / f"{suffix.split('.')[1]}-{digest.hexdigest()[:16]}"


def is_wanted() -> bool:
    """Whether the environment lets compiled modules be imported."""
    return os.environ.get(SWITCH) != "no"


def prefer(path: MutableSequence[str]) -> bool:
    """Let the package look for its modules among the compiled ones first.

    Args:
        path: Where the package looks for its modules (`__path__`).

    Returns:
        Whether there are any, and they are wanted.
    """
    found = folder()
    if not is_wanted() or not found.is_dir():
        return False
    path.insert(0, str(found))
    return True
