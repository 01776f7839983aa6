"""What is promised and what is defended: each line names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, text_of

SHOWN_BY = "shown by"
TESTS = re.compile(r"\[`(?P<name>\w+)`\]\((?P<path>[\w./]+)\)")
#: pages, with how many lines they have at least
PAGES = {"docs/guarantees.md": 40, "SECURITY.md": 20}


def lines_of(page: str) -> list[tuple[str, str]]:
    """Return the first and the last cell of each line of the tables that end in "shown by"."""
    found: list[tuple[str, str]] = []
    is_wanted = False
    for line in text_of(page).splitlines():
        if not line.startswith("|"):
            is_wanted = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[-1] == SHOWN_BY:
            is_wanted = True
        elif is_wanted and set(cells[0]) != {"-"}:
            found.append((cells[0], cells[-1]))
    return found


@cache
def names_of_tests(path: Path) -> frozenset[str]:
    """Return the names of the tests of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


@pytest.mark.parametrize("page", PAGES)
def test_every_line_names_tests_that_exist(page: str) -> None:
    """A promise that nothing shows is a hope; a test that was renamed would show it to nobody."""
    lines = lines_of(page)
    assert len(lines) >= PAGES[page], "hardly any lines are found: are they written as the tests read them?"
    wrong: list[str] = []
    for what, shown in lines:
        named = list(TESTS.finditer(shown))
        if not named or TESTS.sub("", shown).strip(" ,"):
            wrong.append(f"{what}: {shown!r} names no test, or more than tests")
        for each in named:
            path = (ROOT / page).parent / each["path"]
            if not path.is_file() or each["name"] not in names_of_tests(path):
                wrong.append(f"{what}: {each['path']} has no {each['name']}")
    assert wrong == []
