"""Small files of events, and what validation says of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from schemas.documents.validation import AskedQuestion, ValidationReport
from schemas.instants import milliseconds
from streams.settings.settings import Settings
from tenure.files.reader import EventFile
from tenure.validation.files import validate_file

AS_OF: Final = datetime(2026, 7, 1, tzinfo=UTC)
START: Final = datetime(2026, 1, 5, 10, 30, 15, tzinfo=UTC)


def event(number: int, kind: str = "signup", **members: Any) -> dict[str, Any]:
    """Return an event that nobody would ask about: of a customer of its own, a minute after the one before."""
    signup = {"plan": "pro", "mrr_minor": 4900} if kind in ("signup", "upgrade", "downgrade") else {}
    common = {
        "id": f"{kind}-{number}",
        "type": kind,
        "customer_id": f"c-{number}",
        "time": instant(minutes=number),
        **signup,
    }
    return {**common, **members}


def instant(**after: float) -> str:
    """Return an instant so long after the start, as events have it."""
    return (START + timedelta(**after)).isoformat().replace("+00:00", "Z")


def validated(
    path: Path, events: Iterable[Mapping[str, Any]], settings: Settings | None = None, as_of: datetime = AS_OF
) -> ValidationReport:
    """Return the report on a file of events."""
    file = path / "events.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in events), encoding="utf-8")
    return validate_file(EventFile(str(file)), settings or Settings(), as_of_ms=milliseconds(as_of))


def asked(path: Path, events: Sequence[Mapping[str, Any]], **settings: Any) -> dict[str, AskedQuestion]:
    """Return the questions that events raise, by name."""
    return {each.name: each for each in validated(path, events, Settings(**settings)).questions}
