"""Whoever stops the system while a part of it is being started again leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

import devstack.__main__
from services.process import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Restarting:
    """A system of one part, a process that sleeps; while it starts, somebody asks to stop."""

    def __init__(self, log: Path, number: signal.Signals) -> None:
        self.part = Process([sys.executable, "-c", "import time; time.sleep(60)"], log=log)
        self._number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.part.kill()

    def start(self) -> None:
        """Start nothing."""

    def starts_again(self) -> bool:
        """Start the part, while the signal comes."""
        os.kill(os.getpid(), self._number)
        self.part.start()
        return True


@pytest.fixture
def keep_handlers() -> Iterator[None]:
    """Have signals do afterwards what they did before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("keep_handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_part_that_is_being_started_when_somebody_stops_the_system_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """An interrupt amid the start would leave a worker that goes on counting, and that nobody knows of."""
    system = _Restarting(tmp_path / "part.log", number)
    begin: Callable[..., object] = lambda *_, **__: system  # noqa: E731
    monkeypatch.setattr(devstack.__main__, "System", begin)
    monkeypatch.setattr(devstack.__main__, "described", lambda *_: [])
    assert devstack.__main__.main(["--folder", str(tmp_path), "--no-company"]) == 0
    assert system.part.output == ""
    assert not Path(f"/proc/{system.part.pid}").exists()
