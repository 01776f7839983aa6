"""Editing by hand: a line a dead letter, and what counts as a change."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from streams.errors import InputError, UsageError
from tenure.dead_letters.editing import edited_in, is_changed, line_of, new_file, run_editor
from tests.unit.tenure.dead_letters.letters import SIGNUP, whole_letter


def test_line_holds_what_is_edited_and_why(tmp_path: Path) -> None:
    """Whoever edits sees what was wrong beside it; an unchanged file changes nothing."""
    whole = whole_letter(SIGNUP.replace(b",", b",\n  ").replace(b"4900", b"49000000000000000000000.10"))
    line = line_of(whole, whole.value)
    assert line is not None
    assert line.count(b"\n") == 0
    assert b"49000000000000000000000.10" in line
    read = json.loads(line)
    assert (read["place"], read["reason"], read["key"]) == ("customer.signup/3/1", "invalid_member", "c1")
    assert read["detail"] == "plan: must be a text"
    file = tmp_path / "file"
    file.write_bytes(line + b"\n\n")
    (edited,) = edited_in(file).values()
    assert not is_changed(whole, whole.value, edited)


@pytest.mark.parametrize(
    ("old", "new", "value", "key"),
    [
        (b'"pro"', b'"team"', SIGNUP.replace(b'"pro"', b'"team"'), b"c1"),
        (b'"key":"c1"', b'"key":"c2"', SIGNUP, b"c2"),
        (b'"key":"c1",', b"", SIGNUP, None),
        (b"4900", b"4900.0", SIGNUP.replace(b"4900", b"4900.0"), b"c1"),
        (b"4900", b'"4900"', SIGNUP.replace(b"4900", b'"4900"'), b"c1"),
    ],
    ids=["a member", "the key", "no key", "a number's form", "a number made text"],
)
def test_what_somebody_changes_is_read_back(
    old: bytes, new: bytes, value: bytes, key: bytes | None, tmp_path: Path
) -> None:
    """This is what is sent."""
    whole = whole_letter(SIGNUP)
    line = line_of(whole, whole.value)
    assert line is not None
    file = tmp_path / "file"
    file.write_bytes(line.replace(old, new, 1))
    (edited,) = edited_in(file).values()
    assert is_changed(whole, whole.value, edited)
    assert (edited.value, edited.key) == (value, key)


def test_what_is_no_json_is_edited_as_text_and_what_is_no_text_not_at_all(tmp_path: Path) -> None:
    """A comma that is missing is mended there; bytes are nobody's to type."""
    broken = whole_letter(b'{"id":"e1" "type"')
    line = line_of(broken, broken.value)
    assert line is not None
    file = tmp_path / "file"
    file.write_bytes(line.replace(rb"\"e1\" ", rb"\"e1\", "))
    (edited,) = edited_in(file).values()
    assert edited.value == b'{"id":"e1", "type"'
    for other in (whole_letter(b"\xff"), whole_letter(None), whole_letter(SIGNUP, key=b"\xff")):
        assert line_of(other, other.value) is None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"{", "no JSON of a dead letter"),
        (b'{"place":"nowhere","value":{}}', "no topic/partition/offset"),
        (b'{"place":"t/0/1","value":{}}\n{"place":"t/0/1","value":{}}', "there twice"),
        (b'{"place":"t/0/1"}', "either a value"),
        (b'{"place":"t/0/1","value":{},"text":""}', "either a value"),
        (b'{"place":"t/0/1","value":{"a":"\xff"}}', "line 1: the line is not UTF-8"),
        ('{"place":"t/0/1","value":{}}'.encode("utf-16"), "no JSON|not UTF-8"),
        (b"[" * 100_000, "no JSON of a dead letter"),
    ],
    ids=["broken", "no place", "twice", "nothing", "both", "not UTF-8", "UTF-16", "deep"],
)
def test_line_that_cannot_be_read_is_named_before_anything_is_sent(content: bytes, fault: str, tmp_path: Path) -> None:
    """A slip of the finger must cost neither the edits nor the records."""
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(InputError, match=fault):
        edited_in(file)


def test_mark_that_an_editor_begins_a_file_with_is_no_part_of_it(tmp_path: Path) -> None:
    """Who saves with one has edited nothing wrong."""
    file = tmp_path / "file"
    file.write_bytes('\ufeff{"place":"t/0/1","value":{}}'.encode())
    assert [edited.value for edited in edited_in(file).values()] == [b"{}"]


def test_file_that_is_not_there_or_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever repairs a night's records has no use for a traceback."""
    for file, said in ((tmp_path, "Is a directory"), (tmp_path / "gone", "No such file")):
        with pytest.raises(InputError, match=said):
            edited_in(file)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match=r"cannot be written \(No such file"):
        new_file([b"{}"])


def test_file_is_its_owner_s_alone_and_the_editor_is_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds what customers' systems have sent."""
    file = new_file([b"{}"])
    try:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", "sed -i s/{}/[]/")
        run_editor(file)
        assert file.read_bytes() == b"[]\n"
        for editor, said in (("false", "ended with 1"), ("/no/such/editor", "cannot be run")):
            monkeypatch.setenv("EDITOR", editor)
            with pytest.raises(UsageError, match=said):
                run_editor(file)
    finally:
        file.unlink()
