"""`tenure undo --yes` up to its end, where Kafka did not take all that it was given."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from schemas.documents.undo import Undoing
from tenure.cli import app
from tenure.undoing import undo

DOCUMENT = Undoing(
    source="billing", clock="arrival", since="2026-01-01T00:00:00Z", until=None, events={"cancel": 3}, customers=3,
    revoked_before=0, not_counted_yet=0, over_limit=0, without_identity={}, as_of="2026-01-02T00:00:00Z",
    totals=[], windows={}, examples=[], sent=None,
)  # fmt: skip


def test_what_was_sent_is_printed_and_logged_before_what_was_not(
    monkeypatch: pytest.MonkeyPatch, nothing_set: None
) -> None:
    """Two of three revokes count already: whoever looks for them tomorrow needs the line."""
    del nothing_set

    async def plan_undo(*_: object, **__: object) -> undo.UndoPlan:
        return undo.UndoPlan(DOCUMENT, [])

    async def send_revokes(*_: object, **__: object) -> undo.SentRevokes:
        return undo.SentRevokes(2, 1, "TimeoutError: too late")

    monkeypatch.setattr(undo, "plan_undo", plan_undo)
    monkeypatch.setattr(undo, "send_revokes", send_revokes)
    asked = ["undo", "--source", "billing", "--since", "1h", "--yes", "--as", "ada", "--json"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["sent"] == 2
    log, fault = result.stderr.splitlines()
    assert "events_undone" in log
    assert fault == "tenure: 1 record was not delivered, the first because: TimeoutError: too late"
