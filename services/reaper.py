"""Ends the servers of a test process that was killed before it could end them itself.

A process of its own: it reads `+PID` and `-PID` lines, and at the end of its input, which comes however its parent
ends, kills what is still listed. PR_SET_PDEATHSIG would not do: it fires when the thread that started a server ends.
"""

import contextlib
import os
import signal
import subprocess
import sys
from functools import cache
from typing import IO


def reap(lines: IO[str]) -> None:
    """Keep the list of process ids that `lines` dictate, and kill what is on it when they end."""
    running: set[int] = set()
    for line in lines:
        process_id = int(line[1:])
        if line[0] == "+":
            running.add(process_id)
        else:
            running.discard(process_id)
    for process_id in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


@cache
def _reaper() -> IO[str]:
    """Return the input of this process's reaper, which runs in a session of its own, out of reach of Ctrl-C."""
    reaper = subprocess.Popen(
        [sys.executable, "-I", __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
    )
    assert reaper.stdin is not None
    return reaper.stdin


def watch(process_id: int) -> None:
    """Have `process_id` killed when this process ends."""
    print(f"+{process_id}", file=_reaper(), flush=True)


def forget(process_id: int) -> None:
    """Take back `watch`: the process has ended, and its id may soon be another's."""
    print(f"-{process_id}", file=_reaper(), flush=True)


if __name__ == "__main__":
    reap(sys.stdin)
