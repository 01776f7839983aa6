"""What people are shown of names that others chose."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.readable import all_readable, json_text, readable, spreadsheet_cell, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pro", "pro"),
        ("\x1b[2J", r"\x1b[2J"),
        ("nul\0", r"nul\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eorp", r"\u202eorp"),
        ("a\nb", r"a\x0ab"),
        ("\U000e0001", r"\U000e0001"),
        ("über 价格 😀 é", "über 价格 😀 é"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out_and_the_rest_stays(text: str, shown: str) -> None:
    """A plan's name could clear the screen, hide what follows or write it backwards."""
    assert visible(text) == readable(text) == shown


@given(st.lists(st.text(max_size=8), unique=True))
def test_no_two_names_look_alike(names: list[str]) -> None:
    """Two plans in one row would hide one of them, and a name must lead back to the plan."""
    shown = all_readable(dict.fromkeys(names, 1))
    assert len(shown) == len(names)
    assert all(name.isprintable() for name in shown)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_stays_the_same_value_and_is_safe_to_look_at(value: object) -> None:
    """Scripts read it, and people do."""
    text = json_text(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert all(character == "\n" or character.isprintable() for character in text)


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@x", " =1+1", "\uff1d1"])
def test_a_cell_of_csv_is_no_formula(name: str) -> None:
    """Whoever opens the file in a spreadsheet would run what a producer wrote."""
    assert spreadsheet_cell(name) == f"'{name}"
    assert spreadsheet_cell("pro") == "pro"
    assert spreadsheet_cell("\t=1") == r"\x09=1"
