"""What is compiled is used where it was made of the sources that lie there, and nowhere else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from kpis import native

FOLDER = Path(native.__file__).parent


def found_in(folder: Path) -> str:
    """Return whether Python, asked in a folder, finds what is compiled."""
    program = "from kpis.native import IS_THERE; print(IS_THERE)"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_build_of_other_sources_is_not_used(tmp_path: Path) -> None:
    """Sources may be brought up to date by hand; a worker must not count by the text of yesterday."""
    for package in ("kpis", "schemas"):
        shutil.copytree(FOLDER.parents[1] / package, tmp_path / package)
    assert found_in(tmp_path) == "True\n"
    with (tmp_path / "kpis" / "native" / "life.pxd").open("a", encoding="utf-8") as source:
        source.write("# one more line\n")
    assert found_in(tmp_path) == "False\n"


def test_fold_goes_on_without_a_build(tmp_path: Path) -> None:
    """The demo runs on machines without a compiler."""
    for package in ("kpis", "schemas"):
        shutil.copytree(FOLDER.parents[1] / package, tmp_path / package, ignore=shutil.ignore_patterns("*.so"))
    assert found_in(tmp_path) == "False\n"
    program = "from kpis.fold.fold import Fold; from kpis.names import Names; print(Fold(Names()).fold([], [], {})[0])"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "{}\n"
