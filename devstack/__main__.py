"""`python -m devstack`: run the whole system until Ctrl-C, or `--down` from another terminal."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from devstack.configuration import FOLDER, USUAL_PORTS, PortError, option_of, variable_of, wished_ports
from devstack.last_year import load_last_year
from devstack.parts import StartError, System
from services.process import NotReadyError

_LOOK_SECONDS: Final = 0.5
_DOWN_SECONDS: Final = 90.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the system, or end the one that runs; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument("--down", action="store_true", help="end the system that runs, and wait for it")
    parser.add_argument("--fresh", action="store_true", help="forget all data of earlier runs first")
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="PATH", help="where data and logs lie")
    parser.add_argument("--no-company", action="store_true", help="without the events of an invented company")
    for name, port in USUAL_PORTS.items():
        usual = f"port of {name} on 127.0.0.1, {port} or a free one if not said; or set {variable_of(name)}"
        parser.add_argument(option_of(name), type=int, metavar="PORT", help=usual)
    chosen = parser.parse_args(arguments)
    folder: Path = chosen.folder.resolve()
    pid_file = folder / "pid"
    running = running_process(pid_file)
    if chosen.down:
        return _end(pid_file, running)
    if running is not None:
        say(f"it runs already, as process {running}; end it with: {_down(folder)}")
        return 1
    if chosen.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    pid_file.write_text(f"{os.getpid()}\n", encoding="utf-8")
    try:
        options = {name: getattr(chosen, f"{name.replace('-', '_')}_port") for name in USUAL_PORTS}
        return _run(folder, company=not chosen.no_company, wished=wished_ports(options, os.environ))
    except PortError as error:
        say(str(error))
        return 2
    finally:
        pid_file.unlink(missing_ok=True)


def _run(folder: Path, *, company: bool, wished: Mapping[str, int]) -> int:
    """Run until somebody asks to stop, or a part does not stay up; one that is killed is started again."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        with System(folder, say, company=company, wished=wished) as system:
            say("starts Kafka, Redis, Alertmanager, Prometheus, two workers and a gateway …")
            system.start()
            for line in described(system, folder, wished):
                say(line)
            if company and load_last_year(system):
                say("has given the company's last year to Prometheus, which shows it within a minute")
            _keep_up(system)
            say("ends the rest")
            return 1
    except KeyboardInterrupt:
        say(f"has ended; the data stay in {folder}")
        return 0
    except (StartError, NotReadyError, FileNotFoundError) as error:
        say(str(error))
        return 1


def _keep_up(system: System) -> None:
    """Start again what ends, until a part does not stay up.

    Nothing is interrupted here: a process that is just being started would be left behind, known to nobody.

    Raises:
        KeyboardInterrupt: Somebody asks to stop.
    """
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    while system.starts_again():
        if asked.wait(_LOOK_SECONDS):
            raise KeyboardInterrupt


def described(system: System, folder: Path, wished: Mapping[str, int]) -> list[str]:
    """Return what somebody wants to know of a system that runs."""
    ports = system.ports
    settings = " ".join(f"{name}={value}" for name, value in system.environment.items())
    moved = [name for name, port in USUAL_PORTS.items() if ports[name] != port and name not in wished]
    return [
        f"Kafka         127.0.0.1:{ports['kafka']}",
        f"Redis         127.0.0.1:{ports['redis']}",
        f"Workers       http://127.0.0.1:{ports['worker-1']}/metrics and http://127.0.0.1:{ports['worker-2']}/metrics",
        f"Gateway       http://127.0.0.1:{ports['gateway']}/v1/events, its token in {system.tokens_file}",
        f"Prometheus    http://127.0.0.1:{ports['prometheus']}",
        f"Runbooks      http://127.0.0.1:{ports['documents']}/runbooks/",
        f"Alertmanager  http://127.0.0.1:{ports['alertmanager']}",
        f"Data, logs    {folder}",
        *([f"Other ports than usual, which are taken: {', '.join(moved)}"] if moved else []),
        f"Commands      {settings} .venv/bin/tenure kpi",
        f"Ready. Ctrl-C, or {_down(folder)}, ends it.",
    ]


def _down(folder: Path) -> str:
    """Return the command that ends the system of a folder."""
    return "make down" if folder == FOLDER.resolve() else f"make down ARGS='--folder {folder}'"


def running_process(pid_file: Path) -> int | None:
    """Return the process id of the system that runs; None where none does."""
    try:
        process_id = int(pid_file.read_text(encoding="utf-8"))
        command = Path(f"/proc/{process_id}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return process_id if b"devstack" in command else None


def _end(pid_file: Path, running: int | None) -> int:
    if running is None:
        say(f"nothing runs in {pid_file.parent}; one with a folder of its own: make down ARGS='--folder PATH'")
        return 0
    os.kill(running, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_SECONDS
    while running_process(pid_file) == running:
        if time.monotonic() > deadline:
            say(f"process {running} does not end")
            return 1
        time.sleep(_LOOK_SECONDS)
    return 0


def _interrupt(_signal_number: int, _frame: FrameType | None) -> None:
    # Once: a second Ctrl-C must not leave servers behind.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def say(line: str) -> None:
    """Print a line at once."""
    with contextlib.suppress(BrokenPipeError):
        print(f"tenure: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
