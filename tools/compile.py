#!/usr/bin/env python3
"""Compiles the modules of the fold, by the types in native/, for the Python that runs this, unless it is done.

Wants Cython, setuptools and a C compiler. Without a compiler it says so and succeeds: the sources give the same
numbers.
"""

import contextlib
import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "build" / "compile.log"
NATIVE = ROOT / "native" / "kpis"
sys.path.insert(0, str(ROOT))

from kpis.compiled import MODULES, folder  # noqa: E402 - those of this folder, whatever is installed


def say(text: str) -> None:
    """Tell whoever runs this."""
    print(f"tenure: {text}", file=sys.stderr)


def what_is_missing() -> str:
    """Return what is to be installed first; nothing where all is there."""
    if not importlib.util.find_spec("Cython"):
        return "no Cython (pip install -r requirements/compile.txt)"
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if not shutil.which(compiler.split()[0]):
        return "no C compiler (Debian, Ubuntu: apt-get install gcc libc6-dev)"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no header files of this Python (Debian, Ubuntu: apt-get install python3-dev)"
    return ""


def build(target: Path) -> None:
    """Compile everything into a folder."""
    from Cython.Build import cythonize  # noqa: PLC0415 - not needed where nothing is to be done
    from setuptools import Distribution, Extension  # noqa: PLC0415

    def source(module: str) -> str:
        twin = NATIVE / f"{module}.pyx"
        return str((twin if twin.exists() else ROOT / "kpis" / f"{module}.py").relative_to(ROOT))

    with tempfile.TemporaryDirectory() as scratch:
        modules = cythonize(
            [Extension(f"kpis.{module}", [source(module)]) for module in MODULES],
            include_path=["native"],
            build_dir=scratch,
            nthreads=os.cpu_count() or 1,
            force=True,
            # Annotations are for people and mypy: what C is to know stands in native/. A sum that does not fit raises.
            compiler_directives={"language_level": 3, "annotation_typing": False, "overflowcheck": True},
        )
        command = Distribution({"name": "tenure-fold", "ext_modules": modules}).get_command_obj("build_ext")
        command.build_lib, command.build_temp, command.parallel = str(target), scratch, os.cpu_count() or 1
        command.ensure_finalized()
        command.run()


def main() -> None:
    """Compile, unless it is done or cannot be done."""
    found = folder()
    if found.is_dir() and max(file.stat().st_mtime for file in NATIVE.iterdir()) < found.stat().st_mtime:
        return
    if missing := what_is_missing():
        say(f"{missing}: the fold stays in Python, and the worker takes a fifth more CPU time")
        return
    say("compiles the fold")
    os.chdir(ROOT)
    LOG.parent.mkdir(exist_ok=True)
    found.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=found.parent) as made:
        with LOG.open("w") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            build(Path(made))
        for old in found.parent.glob(f"{found.name.rpartition('-')[0]}-*"):
            shutil.rmtree(old)
        Path(made, "kpis").rename(found)
    found.touch()


if __name__ == "__main__":
    main()
