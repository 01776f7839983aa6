"""Draws the pictures of the terminal beside this file, as terminals of 110 and 100 columns show it.

`terminal.svg` is the live screen of `tenure demo`, `replay.svg` the end of `tenure replay --as stripe`, and
`doctor.svg` is `tenure doctor` on an installation with a producer that partitions otherwise than Kafka. Not mock-ups:
the demo runs for a minute, the commands run to their end, and the doctor looks at a Kafka, a Redis and a Prometheus
that run meanwhile. Call it in a checkout, with the Python of its environment: `.venv/bin/python
docs/images/terminal.py`; a name, such as `replay`, draws that picture alone.
"""

# ruff: noqa: INP001, T201 - a script beside the picture that it draws, for someone who waits for it

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from confluent_kafka import Producer
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from services.kafka import Kafka
from services.process import Process, free_port, wait_until
from services.prometheus import Prometheus
from services.redis import Redis
from streams.settings.settings import Settings
from tenure.demo.demo import run
from tenure.demo.screen.history import ShownHistory
from tenure.demo.screen.layout import SHOWN_VALUES, demo_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from rich.console import RenderableType

    from tenure.demo.screen.view import DemoView

FOLDER: Final = Path(__file__).parent
ROOT: Final = FOLDER.parents[1]
ARCHIVE: Final = ROOT / "tests" / "golden" / "stripe" / "export.ndjson"
TENURE: Final = str(Path(sys.executable).with_name("tenure"))
COLUMNS: Final = 110
LINES: Final = 44
SPEED: Final = 43_200.0
SECONDS: Final = 66.0
COMMAND_COLUMNS: Final = 100
#: A reader's font may be wider than the one that the picture is measured for.
MARGIN_COLUMNS: Final = 4
REPLAY_LINES: Final = 26
#: Where /metrics is served by default; here any free port will do, as for the servers.
METRICS_URL: Final = "http://127.0.0.1:9464/metrics"
RECORDS_ELSEWHERE: Final = 100

THEME: Final = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        (72, 79, 88),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (177, 186, 196),
    ],
)


class KeptScreen:
    """A `tenure.demo.screen.screen.DemoScreen` that keeps what it was shown last."""

    def __init__(self) -> None:
        self.history = ShownHistory(SHOWN_VALUES)
        self.view: DemoView | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave nothing behind."""

    def show(self, view: DemoView) -> None:
        """Keep the view."""
        self.history.observe(view.report)
        self.view = view

    def say(self, line: str) -> None:
        """Tell whoever waits for the picture."""
        print(line)


def draw(name: str, title: str, shown: RenderableType, *, columns: int, lines: int | None = None) -> None:
    """Write a picture of what a terminal shows."""
    console = Console(record=True, width=columns, height=lines, file=io.StringIO(), force_terminal=True)
    console.print(shown)
    console.print()  # the picture ends just below the last baseline: letters that reach below would be cut
    drawn = console.export_svg(title=title, theme=THEME, unique_id=f"tenure-{name}")
    # The reader's own monospace font: a picture in a README may not fetch one.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL).replace("Fira Code, ", "")
    drawn = re.sub(r"http://127\.0\.0\.1:\d+/metrics", METRICS_URL, drawn)
    picture = FOLDER / f"{name}.svg"
    picture.write_text(drawn, encoding="utf-8")
    print(f"written: {picture}")


def draw_demo() -> None:
    """Run the demo and draw its screen."""
    screen = KeptScreen()
    asyncio.run(run(Settings(metrics_port=0), screen, seconds=SECONDS, seed=1, speed=SPEED))
    if screen.view is None:
        raise SystemExit("the demo has shown nothing")
    shown = demo_screen(screen.view, screen.history, currency="USD", width=COLUMNS, height=LINES)
    draw("terminal", "tenure demo", shown, columns=COLUMNS, lines=LINES)


def draw_replay() -> None:
    """Replay an archive of Stripe and draw the end of the report."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ARCHIVE, Path(folder) / "subscriptions.ndjson")
        options = ["--as", "stripe", "--at", "2026-05-01", "--window", "month", "--by", "plan"]
        printed = printed_on_a_terminal(["replay", "subscriptions.ndjson", *options], Path(folder), {})
    end = "\n".join(printed.rstrip().splitlines()[-REPLAY_LINES:])
    draw("replay", "tenure replay --as stripe", Text.from_ansi(end), columns=COMMAND_COLUMNS + MARGIN_COLUMNS)


def draw_doctor() -> None:
    """Run an installation, one of whose producers partitions otherwise than Kafka, and draw what the doctor finds."""
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        kafka, redis = Kafka(made(folder / "kafka")), Redis(made(folder / "redis"))
        for server in (kafka, redis):
            running.callback(server.kill)
            server.start()
        port = free_port()
        environment = {
            "TENURE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TENURE_REDIS_URL": redis.url,
            "TENURE_METRICS_PORT": str(port),
        }
        printed_on_a_terminal(["topics", "--create"], folder, environment)
        printed_on_a_terminal(["publish", str(ARCHIVE), "--as", "stripe"], folder, environment)
        running.enter_context(Process([TENURE, "worker"], log=folder / "worker.log", environment=environment))
        produce_elsewhere(kafka.bootstrap)
        prometheus = Prometheus(made(folder / "prometheus"), config=json.dumps(configuration(port)))
        running.callback(prometheus.process.kill)
        prometheus.start()
        wait_until(lambda: prometheus.query("stream:complete:bool == 1") != [], seconds=60.0, what="recording rules")
        printed = printed_on_a_terminal(["doctor", "--prometheus", prometheus.url], folder, environment)
    for address, usual in ((kafka.bootstrap, "9092"), (redis.url, "6379/0"), (prometheus.url, "9090")):
        printed = printed.replace(address, f"{address.rpartition(':')[0]}:{usual}")
    draw("doctor", "tenure doctor", Text.from_ansi(printed.rstrip()), columns=COMMAND_COLUMNS + MARGIN_COLUMNS)


def made(folder: Path) -> Path:
    """Return a folder that is there from now on."""
    folder.mkdir()
    return folder


def configuration(port: int) -> dict[str, object]:
    """Return the configuration of a Prometheus that has the rules and reads one worker."""
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "prometheus" / "rules" / "*.yml")],
        "scrape_configs": [{"job_name": "tenure", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }


def produce_elsewhere(bootstrap: str) -> None:
    """Send activity by a client that partitions as librdkafka does unless it is told otherwise."""
    producer = Producer({"bootstrap.servers": bootstrap})
    for n in range(RECORDS_ELSEWHERE):
        customer = f"cus_{n}"
        event = {"id": f"a{n}", "type": "activity", "customer_id": customer, "time": "2026-04-20T12:00:00Z"}
        producer.produce("customer.activity", json.dumps(event).encode(), key=customer.encode())
    if producer.flush(30.0):
        raise SystemExit("Kafka did not take all records of activity")


def printed_on_a_terminal(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command of tenure in a folder, and return what it writes to a terminal, with its colours."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COMMAND_COLUMNS, 0, 0))
    named = {**os.environ, "TERM": "xterm-256color", **environment}
    with subprocess.Popen([TENURE, *arguments], cwd=folder, env=named, stdin=its, stdout=its, stderr=its):  # noqa: S603
        os.close(its)
        written = b""
        with contextlib.suppress(OSError):  # which is how a terminal ends whose program has left it
            while piece := os.read(ours, 65_536):
                written += piece
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


PICTURES: Final[dict[str, Callable[[], None]]] = {"terminal": draw_demo, "replay": draw_replay, "doctor": draw_doctor}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(PICTURES)
    if unknown := [name for name in chosen if name not in PICTURES]:
        raise SystemExit(f"no picture is called {unknown[0]}; there are: {', '.join(PICTURES)}")
    for name in chosen:
        PICTURES[name]()
