"""Each list is said once: no second copy of one in the code, and a record of what an addition touches that is true."""

import ast
import re
from collections.abc import Iterator
from typing import get_args

import pytest

from schemas.catalogue.lenses import Lens
from schemas.catalogue.windows import LIFETIME_DAYS, WINDOW_DAYS, WINDOWS
from schemas.dimensions import BUILT_IN_DIMENSIONS
from schemas.events import EVENT_TYPES, SurveyStatus, SurveyWay
from schemas.refusals import Reason
from schemas.topics import DEFAULT_TOPIC_NAMES
from tests.tidy.repository import PACKAGES, ROOMS, ROOT, SourceFile, python_files

RECORD = ROOT / "docs/decisions/0017-each-list-is-said-once.md"
MOST_FILES = 6

LISTS: dict[str, tuple[tuple[object, ...], str]] = {
    "event types": (tuple(event_type.TYPE for event_type in EVENT_TYPES), "schemas/events.py"),
    "topics": (tuple(DEFAULT_TOPIC_NAMES.values()), "schemas/topics.py"),
    "built-in dimensions": (BUILT_IN_DIMENSIONS, "schemas/dimensions.py"),
    "days of windows": (WINDOW_DAYS, "schemas/catalogue/windows.py"),
    "days of lifetime": (LIFETIME_DAYS, "schemas/catalogue/windows.py"),
    "windows": (WINDOWS, "schemas/catalogue/windows.py"),
    "lenses": (tuple(Lens), "schemas/catalogue/ratios.py"),
    "reasons": (tuple(Reason), "schemas/refusals.py"),
    "ways of surveys": (get_args(SurveyWay), "schemas/events.py"),
    "statuses of surveys": (get_args(SurveyStatus), "schemas/events.py"),
}


@pytest.mark.parametrize("name", LISTS)
def test_list_is_written_down_in_one_file_alone(name: str) -> None:
    """Of two copies one is forgotten: more than half of a list and more than a pair, and nothing else, is a copy."""
    known, owner = LISTS[name]
    copies = [
        f"{file.path}:{node.lineno}"
        for file in python_files()
        if file.path.parts[0] in ROOMS and str(file.path) != owner
        for node, members in _constants_of(file)
        if members <= set(known) and len(members) > max(2, len(known) // 2)
    ]
    assert copies == []


def _constants_of(file: SourceFile) -> Iterator[tuple[ast.expr, set[object]]]:
    """Yield each tuple, list and set of constants, a `Literal`'s too; a table by name is no list of names."""
    for node in file.nodes:
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1:
            members = [each.value for each in node.elts if isinstance(each, ast.Constant)]
            if len(members) == len(node.elts):
                yield node, set(members)


def test_instant_from_which_time_is_counted_is_written_down_once() -> None:
    """Five modules had one each, and one of them without a time zone."""
    found = [str(file.path) for file in python_files() if "datetime(1970" in file.text and file.path.parts[0] in ROOMS]
    assert found == ["schemas/instants.py"]


def test_no_walk_of_the_record_needs_more_than_six_files_of_the_product() -> None:
    """What an addition costs is measured in files; a file that is gone would send the reader astray."""
    walks = [part for part in RECORD.read_text(encoding="utf-8").split("\n\n") if part.startswith("- `")]
    assert len(walks) == 4
    for walk in walks:
        files = re.findall(r"^- `([^`]+)`", walk, re.MULTILINE)
        assert all(file.split("/")[0] in PACKAGES and (ROOT / file).is_file() for file in files), files
        assert len(files) <= MOST_FILES
