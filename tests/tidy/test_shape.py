"""How long functions are, how things are named, that each module says what it is, and that somebody uses it."""

import ast
import importlib.metadata
import re
from collections.abc import Mapping
from importlib import util

from tests.tidy.repository import PACKAGES, ROOMS, ROOT, SourceFile, collected_tests, python_files, text_files

FUNCTION_LINES = 70
# They say where code was put, not what it is.
EMPTY_NAMES = {"util", "utils", "common", "helper", "helpers", "core", "manager", "managers", "misc"}


def test_no_module_is_there_that_nobody_imports() -> None:
    """A module that was left behind is read, kept up to date and believed, and runs nowhere."""
    imported = {name for file in python_files() for name in _imports_of(file)}
    named = " ".join(
        file.text for file in text_files() if file.path.name in {"Makefile", "pyproject.toml", "Dockerfile"}
    )
    modules = {".".join(file.path.with_suffix("").parts): file for file in python_files() if _is_room(file)}
    unused = [
        name
        for name, file in modules.items()
        if name not in imported
        and name not in named
        and file.path.name not in {"__init__.py", "__main__.py"}
        and '__name__ == "__main__"' not in file.text
    ]
    assert unused == []


def _imports_of(file: SourceFile) -> set[str]:
    """Return the modules that a file imports; of `from a import b` both `a` and `a.b`."""
    found: set[str] = set()
    for node in file.nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_no_two_modules_import_each_other_by_whatever_way() -> None:
    """Neither of two such modules can be read first; imports for types alone, and inside of functions, count too."""
    modules = {
        ".".join(file.path.with_suffix("").parts).removesuffix(".__init__"): file
        for file in python_files()
        if file.path.parts[0] in PACKAGES
    }
    assert _circles({name: _imports_of(file) & modules.keys() for name, file in modules.items()}) == []


def test_no_two_folders_import_each_other_by_whatever_way() -> None:
    """Families stand above one another: who reads one need know those below alone. Imports for types count too."""
    modules = {
        ".".join(file.path.with_suffix("").parts).removesuffix(".__init__"): file
        for file in python_files()
        if file.path.parts[0] in PACKAGES
    }
    # A module that lies beside the folders is a family of its own.
    families = {name: ".".join(file.path.parts[:-1][:2]) for name, file in modules.items() if len(file.path.parts) > 2}
    imports: dict[str, set[str]] = {}
    for name, file in modules.items():
        found = {families.get(each, each) for each in _imports_of(file) & modules.keys()}
        imports.setdefault(families.get(name, name), set()).update(found)
    assert _circles(imports) == []


def _circles(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the names that are left when those that import none of the others are taken away again and again."""
    left = {name: imported - {name} for name, imported in imports.items()}
    while lowest := {name for name, imported in left.items() if not imported & left.keys()}:
        left = {name: imported for name, imported in left.items() if name not in lowest}
    return sorted(left)


def test_every_entry_point_names_something_that_is_there() -> None:
    """Faust finds the transport to Kafka by one: after a rename no worker would start, and no type tells."""
    points = list(importlib.metadata.distribution("tenure").entry_points)
    assert {"tenure", "tenure-kafka"} <= {point.name for point in points}
    assert [point.name for point in points if not callable(point.load())] == []


def test_no_two_classes_share_a_name() -> None:
    """Whoever finds the one by its name believes to have found the other."""
    named: dict[str, list[str]] = {}
    for file in python_files():
        if file.path.parts[0] in PACKAGES:
            for node in file.nodes:
                if isinstance(node, ast.ClassDef):
                    named.setdefault(node.name, []).append(f"{file.path}:{node.lineno}")
    assert {name: places for name, places in named.items() if len(places) > 1} == {}


def test_no_function_is_longer_than_seventy_lines() -> None:
    """A function is read at one look."""
    too_long = [
        f"{file.path}:{function.lineno}: {function.name}"
        for file in python_files()
        for function in file.functions()
        if (function.end_lineno or 0) - function.lineno >= FUNCTION_LINES
    ]
    assert too_long == []


def test_every_module_opens_with_what_it_is() -> None:
    """The reader decides by the first lines whether this is the file that was looked for."""
    assert [str(file.path) for file in python_files() if not ast.get_docstring(file.tree)] == []


def test_no_docstring_of_the_product_opens_with_a_riddle() -> None:
    """A first line that asks who or what makes its reader look for the answer; docs/style.md says how to begin."""
    riddle = re.compile(r"(What|Who|Whom|Whose|How|Why|Where|Which|Whether|When)(ever)?\b")
    opened = [
        f"{file.path}:{getattr(node, 'lineno', 1)}"
        for file in python_files()
        if _is_room(file)
        for node in file.nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if riddle.match(ast.get_docstring(node) or "")
    ]
    assert opened == []


def _is_room(file: SourceFile) -> bool:
    return file.path.parts[0] in ROOMS


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    """What is called `utils` grows without end, because everything belongs there."""
    named = [file.path for file in python_files() if EMPTY_NAMES & {*file.path.parts[:-1], file.path.stem}]
    assert [str(path) for path in named] == []


def test_no_class_or_function_has_a_name_that_says_nothing() -> None:
    """A `Manager` manages; the name of what it does was not looked for."""
    empty = re.compile(r"(^|_)(utils?|helpers?|misc)(_|$)|(Utils?|Helpers?|Manager)$", re.ASCII)
    named = [
        f"{file.path}:{node.lineno}: {node.name}"
        for file in python_files()
        for node in file.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and empty.search(node.name)
    ]
    assert named == []


def test_every_test_has_a_sentence_for_a_name_and_says_why() -> None:
    """A test that fails is read by someone who did not write it."""
    wordless = [
        f"{file.path}:{function.lineno}: {function.name}"
        for file, function in collected_tests()
        if function.name.count("_") < 3 or not ast.get_docstring(function)
    ]
    assert wordless == []


def test_mutants_are_made_of_modules_and_tried_by_tests_that_exist() -> None:
    """They are tried seldom: a list of modules that have moved would be found on the day that it is needed."""
    spec = util.spec_from_file_location("mutants", ROOT / "tools" / "mutants.py")
    assert spec is not None
    assert spec.loader is not None
    mutants = util.module_from_spec(spec)
    spec.loader.exec_module(mutants)
    modules = [module for group in mutants.GROUPS.values() for module in group]
    assert "kpis/fold/fold.py" in modules
    tests = {test.partition("::")[0] for module in modules for test in mutants.tests_of(module)}
    assert [path for path in (*modules, *mutants.TESTS, *sorted(tests)) if not (ROOT / path).exists()] == []
