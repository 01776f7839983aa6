"""The repository's own files, as the tidy tests read them.

What git tracks or would track: nothing that a build leaves behind, nothing of the virtual environment.
"""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "kpis", "streams", "agents", "tenure")
#: All that is written here but tests, examples and tools.
ROOMS = {*PACKAGES, "monitoring", "docgen", "devstack", "services", "bench"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    """One text file: `path` relative to the root, `text` as it stands."""

    path: Path
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        return self.text.splitlines()

    @property
    def tree(self) -> ast.Module:
        """The syntax tree, of a Python file."""
        return _parse(self)

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of the tree, as `ast.walk` yields them."""
        return _walked(self)

    def functions(self) -> Iterator[Function]:
        """Yield every function and method, nested ones too."""
        for node in self.nodes:
            if isinstance(node, Function):
                yield node


@cache
def _parse(file: SourceFile) -> ast.Module:
    return ast.parse(file.text)


@cache  # many rules look at all of them, and walking a tree takes as long as parsing it
def _walked(file: SourceFile) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(file.tree))


@cache
def names_of_files() -> tuple[str, ...]:
    """Return the names of all files of the repository, relative to the root, sorted."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(git, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return tuple(sorted(name for name in names if name and (ROOT / name).is_file()))


@cache
def text_files() -> tuple[SourceFile, ...]:
    """Return every text file of the repository."""
    found = ((name, (ROOT / name).read_bytes()) for name in names_of_files())
    return tuple(SourceFile(Path(name), text.decode(errors="replace")) for name, text in found if b"\0" not in text)


@cache
def python_files() -> tuple[SourceFile, ...]:
    """Return every Python file of the repository."""
    found = tuple(file for file in text_files() if file.path.suffix == ".py")
    assert len(found) > 10, "git lists hardly any files: is this its work tree?"
    return found


@cache
def collected_tests() -> tuple[tuple[SourceFile, Function], ...]:
    """Return every function that pytest collects, with its file."""
    return tuple(
        (file, function)
        for file in python_files()
        if file.path.name.startswith("test_")
        for function in file.functions()
        if function.name.startswith("test_")
    )
