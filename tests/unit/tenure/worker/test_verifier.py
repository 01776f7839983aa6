"""The verifier's way out where more is written than it can note."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kpis.names import Names
from kpis.population.verification import Verification
from streams.settings.meaning import windows_of
from streams.settings.settings import Settings
from tenure.worker import verifier
from tenure.worker.verifier import Verifier

SETTINGS = Settings()


async def test_recount_says_nothing_once_rows_came_that_were_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells that commits have changed unnoticed would be taken for damaged ones, and page somebody."""
    monkeypatch.setattr(verifier, "_ROWS_WAITING", 2)
    partition: Any = SimpleNamespace(names=Names())
    subject = Verifier(SimpleNamespace(), SETTINGS)  # type: ignore[arg-type]
    subject._number = 0
    subject._metered = SimpleNamespace(cpu_seconds=0.0)  # type: ignore[assignment]
    recount = Verification(windows_of(SETTINGS, native=False), SETTINGS.what_counts)
    await subject._rest(partition, recount)
    for _ in range(2):
        subject.on_rows(0, np.zeros((3, 0), np.int64))
    with pytest.raises(verifier._Abandoned, match="too much is written"):
        await subject._rest(partition, recount)
