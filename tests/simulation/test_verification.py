"""The verifier beside simulated workers: whatever happens to workers and tables, it raises no false alarm."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

import pytest

from schemas import instruments
from schemas.instruments import Instrument
from tenure.worker import verifier
from tenure.worker.verifier import Verifier
from tests.simulation import product
from tests.simulation.families import run_of
from tests.simulation.plan import Plan
from tests.simulation.product import ProductWorker, Run

SEEDS: Final = 5
#: CPU time of each step, as the verifier reads it (seconds): with 1 % of a core its pauses are 100 times as long
STEP_SECONDS: Final = 0.002


class _Steps:
    """Stands in for `Metered`: CPU time that every run of a seed takes alike."""

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine
        self._steps = 0

    def __await__(self) -> Any:
        return self._coroutine.__await__()

    @property
    def cpu_seconds(self) -> float:
        """Return one step more each time."""
        self._steps += 1
        return self._steps * STEP_SECONDS


class VerifiedWorker(ProductWorker):
    """A worker with its verifier, as `tenure worker` starts it."""

    every: ClassVar[list[VerifiedWorker]] = []

    def __init__(self, run: Run, *arguments: Any) -> None:
        """Build it as any other."""
        super().__init__(run, *arguments)
        self._settings = run.settings
        self._verifier: Verifier
        self._task: asyncio.Task[None] | None = None
        #: the most differences that were ever told (count)
        self.most = 0.0

    async def start(self) -> None:
        """Start both."""
        await super().start()
        self._verifier = Verifier(self.worker, self._settings, pause_seconds=0.1)
        self.every.append(self)
        self._task = asyncio.get_running_loop().create_task(self._verify())

    async def _verify(self) -> None:
        while True:
            await self._verifier.look()
            self.most = max(self.most, self.seen(instruments.VERIFICATION_DIFFERENCES))
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stop both."""
        if self._task is not None:
            self._task.cancel()
        await super().stop()

    def seen(self, instrument: Instrument) -> float:
        """Return the sum of a family."""
        (family,) = self.worker.meters[instrument].collect()
        found: float = sum(sample.value for sample in family.samples)
        return found


@pytest.fixture(autouse=True)
def verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have runs of these workers, who read the time of simulated steps."""
    VerifiedWorker.every.clear()
    monkeypatch.setattr(product, "ProductWorker", VerifiedWorker)
    monkeypatch.setattr(verifier, "Metered", _Steps)
    monkeypatch.setattr(verifier, "_STEP", 1)


@pytest.mark.parametrize("family", ["usual", "forgetting"])
def test_no_alarm_is_false_whatever_happens_to_workers_and_tables(family: str) -> None:
    """A page that means nothing is worse than none: the next one is not believed."""
    for seed in range(SEEDS):
        assert run_of(Plan(seed, family=family)).problems == []
    assert [worker.most for worker in VerifiedWorker.every if worker.most] == []
    assert sum(worker.seen(instruments.VERIFIED_CELLS) for worker in VerifiedWorker.every) > 0
    assert sum(worker.seen(instruments.VERIFICATIONS_ABANDONED) for worker in VerifiedWorker.every) > 0
