"""Every block of README and of the pages that readers follow runs as it stands, and prints what the page says.

`<!-- run: with kafka and redis -->` before a block gives it real ones; without a mark it must do without. A block of
`text` that follows holds lines of its output, in order. `make` is asked what it would do: its targets are these tests.
"""

import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from schemas.topics import DEAD_LETTER_TOPIC, FORGOTTEN_TOPIC, INPUT_TOPICS, SURVEY_REQUEST_TOPIC
from services.kafka import Kafka
from services.process import StartProcess, free_port, listens
from services.redis import Redis
from tests.docs.pages import ROOT, Block, blocks_of, pages

TOPICS = [*(topic.default_name for topic in INPUT_TOPICS), DEAD_LETTER_TOPIC, SURVEY_REQUEST_TOPIC, FORGOTTEN_TOPIC]
ALONE, SERVED, BACKGROUND = "", "with kafka and redis", "in the background, with kafka and redis"
FOLLOWED = (
    "README.md",
    "docs/getting-started.md",
    "docs/from-stripe.md",
    "docs/extending.md",
    "docs/gateway.md",
)
LEFT_OUT = "not, needs docker"
RUNNABLE = {"bash", "python"}
ANSWER_SECONDS = 30.0
#: what a reader does once: sent again, events would count as repeated
SENDING = re.compile(r"^tenure publish (?:.*\\\n)*.*\n", re.MULTILINE)
#: runs Python as an import would: a module that is a script too starts nothing by being shown
IMPORTED = "import sys; exec(compile(sys.argv[1], 'block', 'exec'), {'__name__': 'block'})"


@dataclass
class Reader:
    """Someone who follows a page in a checkout of their own, with a Kafka and a Redis that no one else uses."""

    folder: Path
    kafka: Kafka
    redis: Redis
    start: StartProcess
    port: int = field(default_factory=free_port)
    gateway_port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        for path in ROOT.iterdir():
            if path.suffix != ".toml" and not path.name.startswith("."):
                (self.folder / path.name).symlink_to(path)
        (self.folder / ".venv").symlink_to(sys.prefix)

    def environment(self, *, served: bool) -> dict[str, str]:
        """Return the environment of a block; one that may not use Kafka and Redis is given none."""
        nowhere = free_port()
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("TENURE_")},
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
            "COLUMNS": "100",
            "TENURE_KAFKA_BOOTSTRAP": self.kafka.bootstrap if served else f"127.0.0.1:{nowhere}",
            "TENURE_REDIS_URL": self.redis.url if served else f"redis://127.0.0.1:{nowhere}/0",
            "TENURE_METRICS_PORT": str(self.port),
            "TENURE_GATEWAY_PORT": str(self.gateway_port),
        }

    def script(self, block: Block) -> str:
        """Return a block with the addresses of this reader's services."""
        if block.how == ALONE:
            return re.sub(r"^make\b", f"make -n -C {ROOT}", block.text, flags=re.MULTILINE)
        text = block.text.replace("127.0.0.1:9092", self.kafka.bootstrap)
        return text.replace(":9464", f":{self.port}").replace(":8464", f":{self.gateway_port}")

    def run(self, block: Block) -> str:
        """Run a block to its end and return what it printed."""
        program = [sys.executable, "-c", IMPORTED] if block.language == "python" else ["bash", "-euo", "pipefail", "-c"]
        done = subprocess.run(
            [*program, self.script(block)], cwd=self.folder, env=self.environment(served=block.how == SERVED),
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{block} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def leave_running(self, block: Block) -> None:
        """Start a block that runs until it is stopped, and wait until it answers."""
        started = self.start(
            ["bash", "-c", f"cd {shlex.quote(str(self.folder))} && exec {self.script(block)}"],
            self.environment(served=True),
        )
        port = self.gateway_port if "tenure gateway" in block.text else self.port
        started.wait_until(lambda: listens(port), what=f"{block} on port {port}")

    def follow(self, block: Block, expected: list[str]) -> None:
        """Run a block; what a running system answers may take a moment."""
        if block.how == BACKGROUND:
            self.leave_running(block)
            return
        deadline = time.monotonic() + (ANSWER_SECONDS if block.how == SERVED and expected else 0)
        printed = self.run(block)
        question = replace(block, text=SENDING.sub("", block.text))
        while (missing := first_missing(printed, expected)) is not None:
            assert time.monotonic() < deadline, f"{block} did not print: {missing}"
            printed += "\n" + self.run(question)  # curl ends no line


def first_missing(output: str, expected: list[str]) -> str | None:
    """Return the first expected line that does not follow the others in an output; None where all do."""
    lines = iter(line.rstrip() for line in output.splitlines())
    return next((line for line in expected if line not in lines), None)


def steps_of(page: str) -> list[tuple[Block, list[str]]]:
    """Return the blocks of a page that run, each with the lines that it is said to print."""
    found: list[tuple[Block, list[str]]] = []
    for block in blocks_of(page):
        if block.language in RUNNABLE and block.how != LEFT_OUT:
            found.append((block, []))
        elif block.language == "text" and found:
            found[-1][1].extend(line.rstrip() for line in block.text.splitlines())
    return found


@pytest.mark.parametrize("page", FOLLOWED)
def test_reader_who_follows_the_page_gets_what_it_promises(
    page: str, kafka: Kafka, redis_server: Redis, start_process: StartProcess, tmp_path: Path
) -> None:
    """A first hour that fails at the third command is the last one."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    steps = steps_of(page)
    assert len(steps) >= 5, "hardly any block of this page runs: are the fences as the tests read them?"
    reader = Reader(folder, kafka, redis_server, start_process)
    try:
        for block, expected in steps:
            reader.follow(block, expected)
    finally:
        there = kafka.admin.list_topics(timeout=10).topics
        kafka.delete_topics([topic for topic in TOPICS if topic in there])


def test_commands_of_the_other_pages_run(
    kafka: Kafka, redis_server: Redis, start_process: StartProcess, tmp_path: Path
) -> None:
    """What is copied from a reference page must work as well; none of it may need a service without saying so."""
    others = [str(page) for page in pages() if str(page) not in FOLLOWED]
    steps = [step for page in others for step in steps_of(page)]
    assert {str(block.page) for block, _ in steps} >= {"CONTRIBUTING.md", "docs/commands.md", "docs/report.md"}
    reader = Reader(tmp_path, kafka, redis_server, start_process)
    for block, expected in steps:
        assert block.how == ALONE, f"{block} needs services: move it to the getting-started page"
        reader.follow(block, expected)


def test_every_mark_is_one_that_the_tests_know_and_only_docker_is_left_out() -> None:
    """A misspelt mark would leave a command unrun, and a block may not escape by being marked."""
    blocks = [block for page in pages() for block in blocks_of(page)]
    known = {ALONE, SERVED, BACKGROUND, LEFT_OUT}
    assert [str(block) for block in blocks if block.how not in known] == []
    assert [str(b) for b in blocks if b.how == LEFT_OUT and not b.text.startswith("docker ")] == []
    assert [str(b) for b in blocks if b.language in ("sh", "shell", "") or "```" in b.text] == []


def test_output_that_is_not_there_is_missed() -> None:
    """The comparison above would pass for any output if it found lines that are not there."""
    assert first_missing("a\nb \nc\n", ["a", "c"]) is None
    assert first_missing("a\nb\n", ["b", "a"]) == "a"
    assert first_missing("a 1\n", ["a"]) == "a"


def test_expected_lines_belong_to_the_block_before_them() -> None:
    """The golden example's four rates are compared, not only shown."""
    golden = [expected for block, expected in steps_of("README.md") if "golden.ndjson" in block.text]
    assert any("10.91 %" in line for line in golden[0])
