"""What `tenure publish` says at its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from tenure.commands.publish_progress import PublishProgress
from tenure.files.publish import Summary
from tenure.files.reader import EventFile


@pytest.mark.parametrize(
    ("malformed", "said"),
    [
        (1, "1 of them is no event; dead letters, and what else is refused: `tenure dlq list`"),
        (1200, "1,200 of them are no events; dead letters, and what else is refused: `tenure dlq list`"),
    ],
)
def test_what_is_no_event_is_said(
    malformed: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever sends it is the only one who can mend it."""
    file = tmp_path / "events.ndjson"
    file.write_text("{}\n")
    progress = PublishProgress(EventFile(str(file)), as_json=False, console=Console(stderr=True))
    progress.conclude(Summary(malformed=malformed))
    assert capsys.readouterr().out.splitlines()[-1] == said
