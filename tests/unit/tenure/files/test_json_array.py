"""Arrays of JSON are cut into their elements byte for byte, however they come and whatever they hold."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenure.files import reader
from tenure.files.json_array import ArrayCutOff, JsonArrays, MoreThanArrays
from tenure.files.reader import EventFile, FileRecord


def pieces(content: bytes, size: int) -> Callable[[], bytes]:
    """Return what reads a content in pieces of a size."""
    parts = iter([content[at : at + size] for at in range(0, len(content), size)])
    return lambda: next(parts, b"")


def cut(content: bytes, size: int = 7, *, longest_bytes: int = 1000) -> list[bytes]:
    """Return the elements of an array that is read in pieces of a size."""
    return list(JsonArrays(pieces(content, size), longest_bytes=longest_bytes))


def anything(rng: random.Random, depth: int = 0) -> Any:
    """Return a value with all that a splitter may stumble over."""
    texts = ['"', "\\", "]", "},{", "[", ",", "é\n", "", '\\\\"', "a"]
    match rng.randrange(3 if depth > 3 else 5):
        case 0:
            return rng.choice(texts) + rng.choice(texts)
        case 1:
            return rng.choice([None, True, 17, -1.5])
        case 2:
            return {}
        case 3:
            return {rng.choice(texts): anything(rng, depth + 1) for _ in range(rng.randrange(4))}
    return [anything(rng, depth + 1) for _ in range(rng.randrange(4))]


@pytest.mark.parametrize("seed", range(100))
def test_elements_are_those_of_a_parser_wherever_reads_end(seed: int) -> None:
    """A bracket in a text, or a backslash at the end of a read, must not move what follows."""
    rng = random.Random(seed)
    values = [anything(rng) for _ in range(rng.randrange(6))]
    indent = rng.choice([None, 0, 2])
    content = json.dumps(values, indent=indent, ensure_ascii=rng.random() < 0.5).encode()
    for size in (1, 2, 3, 7, 64, 10_000):
        assert [json.loads(element) for element in cut(content, size)] == values, (seed, size)


def test_elements_keep_their_bytes_and_may_be_no_json() -> None:
    """What is no event becomes a dead letter as it stands, and costs nobody else."""
    content = b'[ {"a" : 1} ,nul, "x,\\"y" ,{"b":[{"c":{"d":[]}}]}, {"e" 1}  ]\n'
    assert cut(content) == [b'{"a" : 1}', b"nul", b'"x,\\"y"', b'{"b":[{"c":{"d":[]}}]}', b'{"e" 1}']
    assert cut(b"[]") == cut(b"[ \n ]") == []


def test_arrays_may_follow_each_other() -> None:
    """Exports in pages are put together with `cat`."""
    assert cut(b'[{"a":1}]\n[{"b":2},{"c":3}]\n') == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


@pytest.mark.parametrize("content", [b"[", b'[{"a":1}', b'[{"a":1},', b'[{"a":', b'["a', b'["a\\', b"[1"])
def test_array_without_an_end_is_found_out(content: bytes) -> None:
    """The file was cut off: what is missing is missing in every number."""
    for size in (1, 3, 100):
        with pytest.raises(ArrayCutOff):
            cut(content, size)


def test_what_follows_the_array_is_found_out() -> None:
    """It would be dropped silently."""
    with pytest.raises(MoreThanArrays):
        cut(b'[{"a":1}] {"b":2}')


def test_element_that_is_too_large_is_cut_and_the_next_ones_are_whole() -> None:
    """One element must not take all memory."""
    large = b'{"a":"' + b"x" * 500 + b'"}'
    for size in (1, 10, 10_000):
        found = cut(b"[" + large + b',{"b":1},' + large + b"]", size, longest_bytes=100)
        assert found == [large[:100], b'{"b":1}', large[:100]]


def test_file_that_is_an_array_is_read_as_its_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many systems export JSON so; records are then numbered by element, since all may stand in one line."""
    monkeypatch.setattr(reader, "_BUFFER_BYTES", 16)
    path = tmp_path / "events.json"
    path.write_bytes(b'\xef\xbb\xbf\n [{"id":"a"},\n\n {"id":"b"}]\n')
    file = EventFile(str(path))
    assert list(file.records()) == [FileRecord(1, b'{"id":"a"}'), FileRecord(2, b'{"id":"b"}')]
    assert (file.place, file.bytes_read) == ("element", path.stat().st_size)
