"""The document of a snapshot: what `tenure snapshot --json` and `tenure restore --json` print. Pure."""

from __future__ import annotations

from pathlib import Path

from kpis.instants import instant_text
from schemas.documents.snapshots import SnapshotSummary
from tenure.snapshots.parts import SnapshotHeader


def summary_of(file: Path, header: SnapshotHeader, *, sha256: str, customers: int, cells: int) -> SnapshotSummary:
    """Return what a snapshot holds.

    Args:
        file: Where it is.
        header: Its first part.
        sha256: The sum over its content (hexadecimal).
        customers: Of whom it has states (count).
        cells: Cells that it has (count).
    """
    return SnapshotSummary(
        file=str(file),
        sha256=sha256,
        taken_at=instant_text(header.taken_at_ms),
        program=header.program,
        state_version=header.state_version,
        group=header.group,
        partitions=header.partitions,
        customers=customers,
        cells=cells,
    )
