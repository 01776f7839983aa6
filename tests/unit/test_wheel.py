"""The wheel, and what is compiled into it: made twice, in two folders and on two days, it is the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from tests.tidy.repository import ROOT, names_of_files

NATIVE = Path("kpis/native")


def laid_out(folder: Path, *, changed_at_seconds: int) -> Path:
    """Return a copy of the repository's files, all changed at one time, with what was compiled."""
    compiled = [path.relative_to(ROOT) for path in (ROOT / NATIVE).glob("*.so")]
    for name in [*map(Path, names_of_files()), *compiled]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
        os.utime(target, (changed_at_seconds, changed_at_seconds))
    return folder


def wheel_of(folder: Path) -> Path:
    """Build the wheel of a copy."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "made"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (found,) = (folder / "made").glob("*.whl")
    return found


def test_wheel_made_twice_is_the_same(tmp_path: Path) -> None:
    """Whoever is given a wheel can tell whether it is made of these sources: by making it again."""
    first = wheel_of(laid_out(tmp_path / "one", changed_at_seconds=1_500_000_000))
    again = wheel_of(laid_out(tmp_path / "another folder", changed_at_seconds=1_700_000_000))
    assert first.name == again.name
    assert first.read_bytes() == again.read_bytes()
    with ZipFile(first) as packed:
        names = packed.namelist()
    assert "tenure/cli.py" in names
    assert [name for name in names if name.startswith(("tests/", "bench/", ".venv/", "docs/"))] == []


def test_what_is_compiled_elsewhere_is_the_same(tmp_path: Path) -> None:
    """A path of the machine that compiled it made each build another one."""
    folder = tmp_path / "elsewhere"
    sources = [NATIVE / path.name for path in (ROOT / NATIVE).glob("*.p*")]
    for name in [*sources, NATIVE.parent / "__init__.py", Path("tools/build-native")]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    subprocess.run([folder / "tools/build-native", sys.executable], check=True, capture_output=True)
    ours = {path.name: path.read_bytes() for path in (ROOT / NATIVE).glob("*.so")}
    assert {path.name: path.read_bytes() for path in (folder / NATIVE).glob("*.so")} == ours
