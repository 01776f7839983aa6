"""Lists as Python-Markdown reads them: the text of an item begins at the fourth column, or at a multiple of it.

The pages are written as CommonMark has it, where an item goes on below its own first word: at the second column after
a dash, at the third after a number.
"""

from __future__ import annotations

import re
from typing import Final

COLUMNS: Final = 4
_ITEM: Final = re.compile(r" *(?:[-*+]|\d{1,9}[.)]) +(?=\S)")
_FENCE: Final = re.compile(r" *(?:```|~~~)")


def moved_to_fours(markdown: str) -> str:
    """Return a page whose items go on where Python-Markdown looks for them; blocks in them move as a whole.

    An item of several paragraphs is followed by an empty line: without it, the last of them takes in the next item.
    """
    lines, begins, fence, several = [], list[int](), None, False
    for line in markdown.split("\n"):
        if fence is not None:
            lines.append(_moved(line, fence, len(begins)))
            fence = None if _FENCE.fullmatch(line.rstrip()) else fence
            continue
        if line.strip():
            column = len(line) - len(line.lstrip(" "))
            begins = [begin for begin in begins if begin <= column]
        elif begins:
            several = True
        outer = begins[-1] if begins else 0
        item = _ITEM.match(line)
        if item and several and lines[-1]:
            lines.append("")
        lines.append(_moved(line, outer, len(begins)))
        if _FENCE.match(line):
            fence = outer
        elif item:
            begins.append(item.end())
            several = False
    return "\n".join(lines)


def _moved(line: str, column: int, depth: int) -> str:
    """Return a line that began at a column, or to its right, moved to where a depth of lists begins."""
    within = line[column:] if not line[:column].strip() else line.lstrip(" ")
    return f"{' ' * COLUMNS * depth}{within}" if within.strip() else ""
