"""Findings about the events of a file: how many there are of each kind, and the first three examples.

One section for each thing that can become of an event, in the order in which they are first named. Whoever finds
something adds it here; who prints it needs nothing else. What is found: `tenure.files.inspection`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

EXAMPLES_KEPT: Final = 3

REFUSED: Final = "refused"
MENDED: Final = "mended"
IGNORED: Final = "ignored"


class Example(NamedTuple):
    """One event that something was found of.

    Attributes:
        said: Where it is, what it has, and what would be right.
        advice: What to do about all that are like it; "" where that is said.
    """

    said: str
    advice: str = ""


@dataclass
class Finding:
    """One kind of finding: the events that it was found of (count), and the first of them."""

    count: int = 0
    examples: list[Example] = field(default_factory=list)


class Findings:
    """All findings about one file: by section, such as "refused", and kind, such as "invalid_member, mrr_minor"."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Finding]] = {}
        self._remarks: dict[str, str] = {}

    def add(self, section: str, kind: str, example: Callable[[], Example] | None = None, *, count: int = 1) -> None:
        """Count events of a kind.

        Args:
            section: What became of them.
            kind: Out of a closed list: each is kept in memory, and printed.
            example: Returns one of them; asked while there is room for another.
            count: Of events; 0 adds nothing.
        """
        if not count:
            return
        finding = self.sections.setdefault(section, {}).setdefault(kind, Finding())
        finding.count += count
        if example is not None and len(finding.examples) < EXAMPLES_KEPT:
            finding.examples.append(example())

    def remark(self, section: str, remark: str) -> None:
        """Say something of a section as a whole, after its kinds."""
        self._remarks[section] = remark

    def total(self, section: str) -> int:
        """Return how many findings there are in a section; an event of which two things were mended counts twice."""
        return sum(finding.count for finding in self.sections.get(section, {}).values())

    def lines(self) -> list[str]:
        """Return all of it as lines for people, the most frequent kinds of each section first."""
        found = []
        for section, kinds in self.sections.items():
            for kind, finding in sorted(kinds.items(), key=lambda each: (-each[1].count, each[0])):
                found.append(f"{section}, {kind}: {finding.count:,}")
                for advice, examples in groupby(finding.examples, key=lambda example: example.advice):
                    found += [f"  {example.said}" for example in examples]
                    found += [f"  {advice}"] if advice else []
            if section in self._remarks:
                found.append(f"{section}, {self._remarks[section]}")
        return found
