"""Formats of text for people, where a terminal has few columns."""

from __future__ import annotations

import pytest

from tenure.reports.formats import listed


@pytest.mark.parametrize("width", [1, 20, 26, 27, 34, 60, 200])
def test_list_breaks_between_its_parts_alone_and_no_line_ends_in_a_space(width: int) -> None:
    """A number that stands alone in the next line belongs to nothing, and a space at the end is a change in a diff."""
    text = listed("Dead letters:", ["missing_member 1", "oversized 2", "unknown_type 1,000"], width)
    lines = text.split("\n")
    assert all(line == line.rstrip() for line in lines)
    assert all(len(line) <= width or len(line.strip().split(", ")) == 1 for line in lines)
    assert text.split() == ["Dead", "letters:", "missing_member", "1,", "oversized", "2,", "unknown_type", "1,000"]
    assert all("_" not in line.split(" ")[-1] for line in lines)
