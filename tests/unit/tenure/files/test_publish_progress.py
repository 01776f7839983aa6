"""What `tenure publish` says on standard output at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure.commands.publish_progress import PublishProgress
from tenure.files.publish import Summary
from tenure.files.reader import EventFile


def test_what_was_sent_is_said_by_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever sends a file wants to know that all of it arrived."""
    file = tmp_path / "events.ndjson"
    file.write_text("{}\n")
    summary = Summary(malformed=1)
    summary.delivered("signup", 1000)
    progress = PublishProgress(EventFile(str(file)), as_json=False)
    progress.conclude(summary)
    assert capsys.readouterr().out == "2 records (1,000 bytes) sent in 0.0 s: 1 signup\n"
