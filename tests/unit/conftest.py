"""Fixtures of tests of one part each."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start the test without our variables, in a folder without a file of settings."""
    for name in list(os.environ):
        if name.upper().startswith("TENURE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
