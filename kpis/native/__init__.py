"""Compiled parts of the fold and of the counters, where they were compiled; see docs/native.md.

Nothing depends on it: `IS_THERE` says whether it is there, and where not, `kpis.fold` and `kpis.counting` do it all.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["IS_THERE", "sources_digest"]


def sources_digest() -> str:
    """Return the digest of what is compiled as `tools/build-native` makes it: SHA-256 of the sources, in order."""
    folder = Path(__file__).parent
    sources = [*sorted(folder.glob("*.pxd")), *sorted(folder.glob("*.pyx"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


try:
    from kpis.native.batch import SOURCES as SOURCES_OF_BATCH
    from kpis.native.cells import SOURCES as SOURCES_OF_CELLS
    from kpis.native.states import SOURCES as SOURCES_OF_STATES
    from kpis.native.usual import SOURCES
except ImportError:
    IS_THERE = False
else:
    # or what it counts is not known
    IS_THERE = sources_digest() == SOURCES == SOURCES_OF_CELLS == SOURCES_OF_BATCH == SOURCES_OF_STATES
