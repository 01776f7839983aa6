"""The usual events of a batch, folded natively where that was compiled; see docs/native.md.

Nothing depends on it: `UsualEvents` is None where it is not there, and `kpis.fold` then folds all events itself.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["UsualEvents", "sources_digest"]


def sources_digest() -> str:
    """Return the digest of what is compiled as `tools/build-native` makes it: SHA-256 of the sources, in order."""
    folder = Path(__file__).parent
    sources = [*sorted(folder.glob("*.pxd")), *sorted(folder.glob("*.pyx"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


try:
    from kpis.native.usual import SOURCES, UsualEvents
except ImportError:
    UsualEvents = None  # type: ignore[assignment,misc]  # what is compiled, or nothing
else:
    if sources_digest() != SOURCES:  # made of another text: what it counts is not known
        UsualEvents = None  # type: ignore[assignment,misc]
