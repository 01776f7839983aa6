#!/usr/bin/env python3
"""Compiles the modules of the fold, by the types in native/, for the Python that runs this, unless it is done.

Wants Cython, setuptools and a C compiler. Without a compiler it says so and succeeds: the sources give the same
numbers.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "build" / "compile.log"
STAMP = "made-of"
NATIVE = ROOT / "native" / "kpis"
sys.path.insert(0, str(ROOT))

from kpis.compiled import MODULES, SWITCH, folder, is_complete, is_wanted  # noqa: E402 - those of this folder, whatever is installed


def say(text: str) -> None:
    """Tell whoever runs this."""
    print(f"tenure: {text}", file=sys.stderr)


def made_of() -> str:
    """Return a digest of what is not in the folder's name: types, this file, Cython."""
    digest = hashlib.sha256(version("cython").encode())
    for file in (Path(__file__), *sorted(NATIVE.rglob("*.p[xy][dx]"))):
        digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()


def is_done(found: Path) -> bool:
    """Return whether a folder has what these sources and types come to."""
    stamp = found / STAMP
    return is_complete(found) and stamp.exists() and stamp.read_text() == made_of()


def what_is_missing() -> str:
    """Return what is to be installed first; nothing where all is there."""
    if not importlib.util.find_spec("Cython"):
        return "no Cython (pip install -r requirements/compile.txt)"
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    look = [*compiler, "-fsyntax-only", f"-I{sysconfig.get_path('include')}", "-x", "c", "-"]
    try:
        subprocess.run(look, input=b"#include <Python.h>\n", check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "no C compiler with Python's header files (Debian, Ubuntu: apt-get install gcc libc6-dev python3-dev)"
    return ""


def build(target: Path) -> None:
    """Compile everything into a folder."""
    from Cython.Build import cythonize  # noqa: PLC0415 - not needed where nothing is to be done
    from setuptools import Distribution, Extension  # noqa: PLC0415

    def source(module: str) -> str:
        place = module.replace(".", "/")
        twin = NATIVE / f"{place}.pyx"
        return str((twin if twin.exists() else ROOT / "kpis" / f"{place}.py").relative_to(ROOT))

    with tempfile.TemporaryDirectory() as scratch:
        modules = cythonize(
            [Extension(f"kpis.{module}", [source(module)]) for module in MODULES],
            include_path=["native"],
            build_dir=scratch,
            nthreads=os.cpu_count() or 1,
            force=True,
            # Annotations are for people and mypy: what C is to know stands in native/. A sum that
            # does not fit raises, and so does None where an object is asked for.
            compiler_directives={
                "language_level": 3,
                "annotation_typing": False,
                "overflowcheck": True,
                "nonecheck": True,
            },
        )
        command = Distribution({"name": "tenure-fold", "ext_modules": modules}).get_command_obj("build_ext")
        command.build_lib, command.build_temp, command.parallel = str(target), scratch, os.cpu_count() or 1
        command.ensure_finalized()
        command.run()


def main() -> None:
    """Compile, unless it is done, or unwanted, or cannot be done; exit status 1 where the compiler does not do it."""
    found = folder()
    if not is_wanted() or is_done(found):
        return
    if missing := what_is_missing():
        say(f"{missing}: the fold stays in Python, and the worker takes a fifth more CPU time")
        return
    os.chdir(ROOT)
    LOG.parent.mkdir(exist_ok=True)
    found.parent.mkdir(exist_ok=True)
    with Path(found.parent, "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_done(found):  # by somebody else, for whom this one has waited
            say("compiles the fold")
            replace(found)


def replace(found: Path) -> None:
    """Compile, and put what comes of it in the place of what was compiled before for this Python."""
    with tempfile.TemporaryDirectory(dir=found.parent) as made:
        try:
            with LOG.open("w") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
                build(Path(made))
        except Exception as error:  # noqa: BLE001 - Cython, setuptools and the compiler have a tree of errors each
            say(f"the fold does not compile: {error}; see {LOG.relative_to(ROOT)}; {SWITCH}=no keeps to the sources")
            sys.exit(1)
        Path(made, "kpis", STAMP).write_text(made_of())
        for old in found.parent.glob(f"{found.name.rpartition('-')[0]}-*"):
            shutil.rmtree(old)
        Path(made, "kpis").rename(found)


if __name__ == "__main__":
    main()
