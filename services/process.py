"""A child process that a test starts, stops, kills, pauses and resumes.

Not a server: it knows neither ports nor readiness; `kafka.py` and `redis.py` add those.
"""

import os
import random
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from services import reaper

POLL_SECONDS = 0.01


class NotReadyError(Exception):
    """A process did not become ready in time; the message ends with what it printed last."""


def free_port() -> int:
    """Return a loopback port that nothing listens on.

    Out of a range that the kernel does not give to outgoing connections: a server that is killed finds its port
    free when it comes back.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def wait_until(true: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll `true` until it holds.

    Raises:
        NotReadyError: It did not hold within `seconds`; `what` says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            message = f"{what}: not within {seconds:g} s"
            raise NotReadyError(message)
        time.sleep(POLL_SECONDS)


class Process:
    """One command, with its output in a file; start it again as often as you like."""

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
        """Prepare `command`; its output is appended to `log`; `environment` is added to this process's own."""
        self.command = list(command)
        self.log = log
        self.environment = {**os.environ, **(environment or {})}
        self._popen: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process id of the running process."""
        assert self._popen is not None, "not started"
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Return whether the process was started and has not ended (a paused process runs)."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def output(self) -> str:
        """Return the output of the process so far, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> None:
        """Start the process. It ends with this test process at the latest."""
        assert not self.running, f"runs already: {self.command}"
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                restore_signals=False,  # a write beyond `limit_files` fails, as on a full disk, and ends nobody
                start_new_session=True,  # out of reach of Ctrl-C: whoever started it ends it, in good order
            )
        reaper.watch(self._popen.pid)

    def stop(self, *, seconds: float = 30.0) -> int:
        """Send SIGTERM, wait for the end and return the exit code.

        Raises:
            subprocess.TimeoutExpired: The process is still there after `seconds`.
        """
        return self._end(signal.SIGTERM, seconds)

    def interrupt(self, *, seconds: float = 30.0) -> int:
        """Send SIGINT, as Ctrl-C does, wait for the end and return the exit code."""
        return self._end(signal.SIGINT, seconds)

    def kill(self) -> None:
        """Send SIGKILL, if the process runs, and wait for its end."""
        self._end(signal.SIGKILL, 30.0)

    def pause(self) -> None:
        """Send SIGSTOP: the process stands still, its connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT, after a pause."""
        os.kill(self.pid, signal.SIGCONT)

    def limit_files(self, most_bytes: int | None) -> None:
        """Let no file grow beyond a size, until None: to the process its disk is full."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard if most_bytes is None else most_bytes, hard))

    def wait(self, *, seconds: float = 60.0) -> int:
        """Wait for the process to end by itself and return its exit code."""
        assert self._popen is not None, "not started"
        code = self._popen.wait(timeout=seconds)
        reaper.forget(self._popen.pid)
        return code

    def wait_until(self, true: Callable[[], bool], *, seconds: float = 30.0, what: str = "ready") -> None:
        """Poll `true` until it holds.

        Raises:
            NotReadyError: It did not hold in time, or the process ended before it did.
        """

        def holds_or_ended() -> bool:
            return not self.running or true()

        try:
            wait_until(holds_or_ended, seconds=seconds, what=what)
        except NotReadyError as error:
            raise NotReadyError(f"{error}; its last words:\n{self._last_words()}") from error
        if not self.running:
            raise NotReadyError(f"{what}: {self.command[0]} has ended; its last words:\n{self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(self.output.splitlines()[-20:])

    def _end(self, how: signal.Signals, seconds: float) -> int:
        if self._popen is None:
            return 0
        if self._popen.poll() is None:
            self._popen.send_signal(how)
        return self.wait(seconds=seconds)


def listens(port: int) -> bool:
    """Return whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


StartProcess = Callable[..., Process]
"""Starts a process of a command and, if wanted, an environment; the fixture `start_process` is one."""
