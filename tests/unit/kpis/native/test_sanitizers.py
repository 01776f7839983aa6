"""What is compiled, under the sanitizers of addresses and of undefined behaviour: sound input, and damaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
_FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -O1"


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build of it that ends the process at the first fault."""
    folder = tmp_path_factory.mktemp("native")
    surroundings = os.environ | {"NATIVE_FOLDER": str(folder), "NATIVE_FLAGS": _FLAGS}
    subprocess.run([ROOT / "tools" / "build-native", sys.executable], env=surroundings, check=True)
    return folder


def run(module: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the fuzzer with a build."""
    library = subprocess.run(["cc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    # Python keeps what it has until it ends; its own allocator would hide what is read beyond an object's end.
    surroundings = os.environ | {
        "LD_PRELOAD": library.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.unit.kpis.native.damage", *arguments, str(module)]
    return subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)


def test_damaged_states_and_records_are_read_and_written_within_their_bounds(module: Path) -> None:
    """Somebody else's bytes under our key must not be able to change the worker's memory."""
    done = run(module, "20000")
    assert (done.returncode, done.stderr) == (0, "")
    folded, read = int(done.stdout.split()[0]), int(done.stdout.split()[-2])
    assert 500 < folded < 15_000
    assert 1_000 < read < 14_000
