"""Findings about the events of a file: how many there are of each kind, and the first three examples.

One section for each thing that can become of an event, in the order in which they are first named. Whoever finds
something adds it here; who prints it needs nothing else. What is found: `tenure.files.inspection`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

EXAMPLES_KEPT: Final = 3

REFUSED: Final = "refused"
MENDED: Final = "mended"


@dataclass
class Finding:
    """One kind of finding.

    Attributes:
        count: Of events that it was found of.
        examples: The first of them, each a sentence that says where, what it was, and what would be right.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)


class Findings:
    """All findings about one file: by section, such as "refused", and kind, such as "invalid_member, mrr_minor"."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Finding]] = {}

    def add(self, section: str, kind: str, example: Callable[[], str] | None = None, *, count: int = 1) -> None:
        """Count events of a kind.

        Args:
            section: What became of them.
            kind: Out of a closed list: each is kept in memory, and printed.
            example: Returns a sentence about one of them; asked while there is room for another example.
            count: Of events; 0 adds nothing.
        """
        if not count:
            return
        finding = self.sections.setdefault(section, {}).setdefault(kind, Finding())
        finding.count += count
        if example is not None and len(finding.examples) < EXAMPLES_KEPT:
            finding.examples.append(example())

    def total(self, section: str) -> int:
        """Return how many findings there are in a section; an event of which two things were mended counts twice."""
        return sum(finding.count for finding in self.sections.get(section, {}).values())

    def lines(self) -> list[str]:
        """Return all of it as lines for people, the most frequent kinds of each section first."""
        found = []
        for section, kinds in self.sections.items():
            for kind, finding in sorted(kinds.items(), key=lambda each: (-each[1].count, each[0])):
                found.append(f"{section}, {kind}: {finding.count:,}")
                found += [f"  {example}" for example in finding.examples]
        return found
