"""What the batch transport takes of Faust, mode and aiokafka without a promise is listed, and still what it was.

After an update each name that fails is one to look at: read what has changed there and what we make of it; then write
the digest that the failure shows into `foreign_names.toml`. The page: docs/decisions/0018-what-bends-faust.md.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.tidy.repository import PACKAGES, python_files
from tests.unit.streams.batching.foreign import FOLDERS, digest, listed, mentioned, needed, owner_of, reached, source_of

PAGE = Path(__file__).parents[4] / "docs" / "decisions" / "0018-what-bends-faust.md"
NAMES = [(owner, name, known) for owner, names in listed().items() for name, known in names.items()]


@pytest.mark.parametrize(("owner", "name", "known"), NAMES, ids=[f"{owner}.{name}" for owner, name, _ in NAMES])
def test_foreign_name_is_still_what_we_build_on(owner: str, name: str, known: str) -> None:
    """A private name may go or change its meaning in any version, and nothing but this says so before a worker does."""
    source = source_of(owner_of(owner), name)
    assert source is not None, f"{owner} has no {name} any more"
    assert digest(source) == known, f"{owner}.{name} is not what it was; it reads now:\n{source}"


def test_every_override_and_private_name_of_our_classes_is_listed() -> None:
    """What is not listed is not looked at after an update; a name of ours that is theirs by accident shows here too."""
    known = {f"{owner}.{name}" for owner, name, _ in NAMES}
    assert sorted(needed() - known) == []
    assert len(needed()) > 50


def test_every_private_name_that_is_used_on_a_foreign_object_is_listed() -> None:
    """As above, of objects whose class our code does not extend: aiokafka's fetcher, coordinator and connection."""
    assert sorted(reached() - {name for _, name, _ in NAMES}) == []
    assert {"_fetcher", "_coordinator", "_records"} <= reached()


def test_every_listed_name_is_one_that_we_use() -> None:
    """A name that nobody uses any more is looked at after each update for nothing."""
    assert sorted(f"{owner}.{name}" for owner, name, _ in NAMES if name not in mentioned()) == []


def test_page_lists_the_same_names() -> None:
    """The page is what is read before Faust is updated, or left."""
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {owner: re.findall(r"`(\w+)`", names) for owner, names in rows} == {
        owner: list(names) for owner, names in listed().items()
    }


def test_nothing_else_that_is_shipped_uses_private_names_of_others() -> None:
    """The three folders are the place for it: the linter allows it there alone, so no line may except itself."""
    excepted = [
        str(file.path)
        for file in python_files()
        if file.path.parts[0] in PACKAGES and "SLF001" in file.text and ".".join(file.path.parts[:2]) not in FOLDERS
    ]
    assert excepted == []


class _Theirs:
    """A class of a library, as far as the search goes."""

    kept: int = 1

    def __init__(self) -> None:
        self._made = self.kept

    def _method(self, known: Any) -> Any:
        return known

    @property
    def _property(self) -> int:
        return self._made


def test_search_finds_methods_properties_and_attributes_and_nothing_else() -> None:
    """The tests above would pass for any version if it found what is not there, or read the same for everything."""
    found = {name: source_of(_Theirs, name) for name in ("kept", "_made", "_method", "_property", "_gone")}
    assert found["_gone"] is None
    assert found["kept"] == "kept: int = 1"
    assert found["_made"] == "self._made = self.kept"
    assert "return known" in str(found["_method"])
    assert "return self._made" in str(found["_property"])
    assert digest("a = 1") == digest("  a =  1") != digest("a = 2")
