"""The fold in two forms: its modules as they stand here, and as a C compiler made them (tools/compile.py).

What was compiled is imported where it was made of exactly these sources, for this Python. Both give the same numbers
and pass the same tests; the environment variable KPIS_COMPILED=no keeps to the sources.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import MutableSequence
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

#: All that the usual event goes through; what C is to know of them stands in native/kpis.
MODULES: Final = (
    "customer.customer", "customer.state", "customer.timeline", "fold.context", "fold.contribution", "fold.feedback",
    "fold.fold", "fold.lifecycle", "fold.usage", "names", "packing",
)  # fmt: skip
SWITCH: Final = "KPIS_COMPILED"

_HERE: Final = Path(__file__).parent
_SUFFIX: Final = EXTENSION_SUFFIXES[0]


def folder() -> Path:
    """Return where the compiled modules lie, if there are any.

    Its name tells the Python, and the text of the whole package: what is compiled holds on to the modules beside it
    and to how a state is laid out.
    """
    digest = hashlib.sha256()
    for source in sorted(_HERE.rglob("*.py")):
        digest.update(b"%s %d\n" % (str(source.relative_to(_HERE)).encode(), source.stat().st_size))
        digest.update(source.read_bytes())
    return _HERE / "compiled-modules" / f"{_SUFFIX.split('.')[1]}-{digest.hexdigest()[:16]}"


def is_complete(found: Path) -> bool:
    """Return whether a folder holds all compiled modules."""
    return all(file_in(found, module).is_file() for module in MODULES)


def file_in(found: Path, module: str) -> Path:
    """Return where a compiled module lies in a folder."""
    return found / f"{module.replace('.', '/')}{_SUFFIX}"


def is_wanted() -> bool:
    """Return whether the environment lets compiled modules be imported."""
    return os.environ.get(SWITCH) != "no"


@cache
def chosen() -> Path | None:
    """Return the folder that modules are imported from before all others; None where the sources are what is used.

    Decided once: all packages of a process have their modules from one place.
    """
    if not is_wanted():
        return None
    found = folder()
    return found if is_complete(found) else None


def prefer(path: MutableSequence[str], package: str = "") -> bool:
    """Let a package look for its modules among the compiled ones first.

    Args:
        path: Where the package looks for its modules (`__path__`).
        package: Its name inside of `kpis`; nothing for `kpis` itself.

    Returns:
        Whether they are there, all of them, and wanted.
    """
    found = chosen()
    if found is None:
        return False
    path.insert(0, str(found / package))
    return True
