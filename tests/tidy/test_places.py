"""What is imported is ours, and nothing of a machine or of its surroundings has got into the repository."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.repository import PACKAGES, ROOT, python_files, text_files

# In parts, so that this file does not hold them.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w.}/-])/(?:work|root|Users/\w+|home/\w+)/|\.\./shar" + "ed")


@pytest.mark.parametrize("package", PACKAGES)
def test_package_that_is_imported_is_ours(package: str, tmp_path: Path) -> None:
    """`agents`, for one, is also the name of a popular distribution, and whichever comes first on the path wins."""
    shown = subprocess.run(
        [sys.executable, "-P", "-c", f"import {package}; print({package}.__file__)"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert shown.strip() == str(ROOT / package / "__init__.py")


def test_no_package_registry_is_named() -> None:
    """Where packages come from is the installing machine's affair: it may have a mirror, or no network."""
    named = [
        f"{file.path}:{number}"
        for file in text_files()
        for number, line in enumerate(file.lines, 1)
        if any(registry in line for registry in REGISTRIES)
    ]
    assert named == []


def test_no_path_of_a_machine_is_named() -> None:
    """What works here only works nowhere else."""
    named = [
        f"{file.path}:{number}: {line.strip()[:100]}"
        for file in text_files()
        for number, line in enumerate(file.lines, 1)
        if MACHINE_PATHS.search(line)
    ]
    assert named == []


def test_nothing_of_the_product_imports_the_tests() -> None:
    """The product is installed without them."""
    imports = re.compile(r"^\s*(from|import) tests\b", re.MULTILINE)
    assert [str(f.path) for f in python_files() if f.path.parts[0] in PACKAGES and imports.search(f.text)] == []


def test_every_target_of_the_makefile_is_documented() -> None:
    """`make help` is the list of what one can do here; a target that it leaves out is found by nobody."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))
    documented = set(re.findall(r"^([a-z][a-z-]*):.* ## .+\.$", makefile, re.MULTILINE))
    assert {"demo", "test", "check", "bench", "clean"} <= targets
    assert targets - documented == set()
    listed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert [target for target in targets if f"make {target} " not in listed] == []
