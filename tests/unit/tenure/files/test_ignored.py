"""Members that no event type has: told by name, with what may have been meant, and bounded whatever a file has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from schemas.decoding import rules
from streams.settings.meaning import decoder_of
from streams.settings.settings import Settings
from tenure.files import ignored
from tenure.files.inspection import Inspection
from tenure.files.reader import EventFile

SIGNUP = {
    "id": "1", "type": "signup", "customer_id": "ann", "time": "2026-01-05T09:00:00Z", "plan": "pro", "mrr_minor": 4900,
}  # fmt: skip
CANCEL = {"id": "2", "type": "cancel", "customer_id": "ann", "time": "2026-02-05T09:00:00Z"}


def inspected(path: Path, *events: dict[str, Any], dimensions: tuple[str, ...] = ()) -> Inspection:
    """Return what is found in a file of events."""
    file = path / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    found = Inspection(EventFile(str(file)), decoder_of(Settings(dimensions=dimensions), latest_ms=rules.LATEST_MS))
    for record in EventFile(str(file)).records():
        found.take(record)
    found.finish()
    return found


def test_misspelt_members_are_told_with_what_may_have_been_meant(tmp_path: Path) -> None:
    """The country of a `ctry` is in no segment, and nothing else says so."""
    found = inspected(tmp_path, *[{**SIGNUP, "ctry": "PT"}] * 4, {**CANCEL, "resaon": "price", "cancelled_by": "ada"})
    assert found.findings.lines() == [
        "ignored, ctry: 4",
        '  line 1: ctry: signup has no such member; got "PT"',
        '  line 2: ctry: signup has no such member; got "PT"',
        '  line 3: ctry: signup has no such member; got "PT"',
        "  did you mean country?",
        "ignored, cancelled_by: 1",
        '  line 5: cancelled_by: cancel has no such member; got "ada"',
        "ignored, resaon: 1",
        '  line 5: resaon: cancel has no such member; got "price"',
        "  did you mean reason?",
    ]
    document = found.ignored.document()
    assert document is not UNSET
    assert {name: (each.count, each.meant) for name, each in document.members.items()} == {
        "ctry": (4, "country"), "resaon": (1, "reason"), "cancelled_by": (1, None),
    }  # fmt: skip
    assert found.refused.total() == 0


def test_members_that_are_there_or_cannot_be_are_not_what_was_meant(tmp_path: Path) -> None:
    """Advice that leads into a refusal is worse than none."""
    found = inspected(tmp_path, {**SIGNUP, "amount_minr": 1, "countri": "x", "country": "PT"})
    assert not any("did you mean" in line for line in found.findings.lines())


def test_dimensions_and_members_of_other_types_are_not_told(tmp_path: Path) -> None:
    """Each row of a table has all columns, and a member without a value is none."""
    event = {**CANCEL, "plan": "pro", "country": "PT", "industry": "tea", "colour": None}
    assert inspected(tmp_path, event, dimensions=("industry",)).findings.lines() == []
    assert inspected(tmp_path, {**SIGNUP, "industry": "tea"}).findings.lines()[-1] == (
        "  what it says is not read, unless the setting dimensions names it"
    )


def test_no_file_can_fill_the_report_with_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A producer may write its data as names."""
    monkeypatch.setattr(ignored, "NAMES_KEPT", 30)
    names = {f"{number:03}{'x' * 100}": number for number in range(50)}
    found = inspected(tmp_path, {**SIGNUP, "ctry": "PT"}, {**CANCEL, **names})
    lines = found.findings.lines()
    assert sum(not line.startswith("  ") for line in lines) == ignored.NAMES_SHOWN + 1
    assert "ignored, ctry: 1" in lines
    assert lines[-1] == "ignored, and at least 10 more member names"
    assert max(map(len, lines)) < 200
