"""What the batch transport takes of Faust, mode and aiokafka without a promise: found in our code, and in theirs.

The list is `foreign_names.toml`: by class, each name and a digest of its source. Used by `test_foreign_names`.
"""

import ast
import functools
import hashlib
import importlib
import inspect
import pkgutil
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from mode.services import ServiceTask

FOLDERS: Final = ("streams.batching", "streams.kafka", "streams.embedded")
LIBRARIES: Final = {"faust", "mode", "aiokafka"}
#: of named tuples
_PYTHONS: Final = {"_asdict", "_make", "_replace"}


def listed() -> dict[str, dict[str, str]]:
    """Return the list: by the dotted name of a class, or of a module, its names and their digests."""
    text = Path(__file__).with_suffix("").with_name("foreign_names.toml").read_text(encoding="utf-8")
    return {owner: dict(names) for owner, names in tomllib.loads(text).items()}


@functools.cache
def modules() -> tuple[ModuleType, ...]:
    """Return the modules of our three folders."""
    packages = [importlib.import_module(folder) for folder in FOLDERS]
    return tuple(
        importlib.import_module(f"{package.__name__}.{found.name}")
        for package in packages
        for found in pkgutil.iter_modules(package.__path__)
    )


# -- theirs


def owner_of(name: str) -> Any:
    """Return the class or module of a dotted name; theirs, where a class of ours has been put in its place.

    Raises:
        ImportError: It is not there.
        AttributeError: Its module is.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        found = getattr(importlib.import_module(module), attribute)
        return next(each for each in found.__mro__ if each.__module__.split(".")[0] in LIBRARIES)


@functools.cache
def source_of(owner: Any, name: str) -> str | None:
    """Return the source of a method, or of all that a class assigns to an attribute; None where it has neither."""
    found = vars(owner).get(name)
    for kind, function in (
        (property, "fget"), (staticmethod, "__func__"), (classmethod, "__func__"), (functools.cached_property, "func"),
        (ServiceTask, "fun"),
    ):  # fmt: skip
        if isinstance(found, kind):
            found = getattr(found, function)
    if inspect.isfunction(found):
        return inspect.getsource(found)
    return _assignments(owner).get(name)


@functools.cache
def _assignments(owner: Any) -> dict[str, str]:
    """Return what a class or module assigns, by name, to itself and to `self`; of a module what it imports too."""
    try:
        source = textwrap.dedent(inspect.getsource(owner))
    except (OSError, TypeError):
        return {}
    found: dict[str, str] = {}
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.name: ast.unparse(node) for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) or (isinstance(target, ast.Attribute) and _is_self(target.value)):
                    name = target.id if isinstance(target, ast.Name) else target.attr
                    found[name] = found.get(name, "") + "".join(lines[node.lineno - 1 : node.end_lineno]).strip()
    return found


def digest(source: str) -> str:
    """Return what stands for a piece of source, however it is indented."""
    return hashlib.sha256("".join(source.split()).encode()).hexdigest()[:8]


# -- ours


@functools.cache
def needed() -> frozenset[str]:
    """Return what our classes override of Faust's and mode's, and the private names that they use on themselves."""
    found: set[str] = set()
    for module in modules():
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.ClassDef):
                ours = getattr(module, node.name)
                private = {name for value, name in _private(node) if _is_own(value)}
                found |= {theirs for name in private | _defined(node) if (theirs := _foreign(ours, name)) is not None}
    return frozenset(found)


def _defined(node: ast.ClassDef) -> set[str]:
    """Return the names of methods and attributes that the body of a class defines."""
    names = {child.name for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)}
    for child in node.body:
        if isinstance(child, ast.Assign | ast.AnnAssign):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def _foreign(ours: type, name: str) -> str | None:
    """Return the dotted name of what a name of ours means in the libraries; None where it is ours alone."""
    if name.startswith("__"):
        return None
    for base in ours.__mro__:
        library = base.__module__.split(".")[0]
        # What aiokafka has subclassed (protocols, assignors, tokens) is its interface; its private names are not.
        if library in LIBRARIES and (name.startswith("_") or library != "aiokafka") and source_of(base, name):
            return f"{base.__module__}.{base.__qualname__}.{name}"
    return None


def reached() -> set[str]:
    """Return the private names that our modules use on what is neither their own class nor made in them."""
    found: set[str] = set()
    for module in modules():
        tree = _tree(module)
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        own |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value)
        }
        own -= {name for _, _, name in (one.rpartition(".") for one in needed())}
        found |= {name for value, name in _private(tree) if not _is_own(value)} - own
    return found - _PYTHONS


@functools.cache
def mentioned() -> frozenset[str]:
    """Return every name that our modules use or define."""
    return frozenset(
        name
        for module in modules()
        for node in ast.walk(_tree(module))
        for name in (getattr(node, field, None) for field in ("attr", "name", "id"))
        if isinstance(name, str)
    )


@functools.cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _private(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            yield node.value, node.attr


def _is_self(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in {"self", "cls"}


def _is_own(value: ast.expr) -> bool:
    """Whether an expression is the object whose class the code stands in."""
    return _is_self(value) or ast.unparse(value).startswith("super(")
