"""Exports of files in this process, and what is in their targets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.documents.export import ExportSummary
from streams.settings.settings import Settings
from tenure.outlets.export import DIGEST, OF_EXPORT, export
from tenure.outlets.parquet import ParquetTarget
from tenure.reports.customers import Scope


def file_of(folder: Path, events: list[dict[str, Any]]) -> Path:
    """Write events as lines."""
    file = folder / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return file


def to_parquet(folder: Path, file: Path, *, at_ms: int | None = None) -> ExportSummary:
    """Export a file into a folder."""
    settings = Settings()
    target = ParquetTarget(folder, settings)
    try:
        return asyncio.run(export(settings, Scope(at_ms=at_ms, file=str(file)), target, kind="parquet"))
    finally:
        target.close()


def in_parquet(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each relation, in an order that says nothing."""
    return {name: sorted(_rows(folder / name), key=repr) for name in OF_EXPORT}


def _rows(folder: Path) -> list[dict[str, Any]]:
    rows = [row for file in folder.glob("*.parquet") for row in pq.ParquetFile(file).read().to_pylist()]
    return [{name: value for name, value in row.items() if name != DIGEST} for row in rows]
