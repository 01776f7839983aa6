"""How tests read a report: its parts by path, and its counts without the zeros.

Definitions: docs/report.md.
"""

Counts = dict[str, int]


def part_of(report: object, *path: str) -> dict[str, object]:
    """Return the part of a report that lies at the path."""
    part = report
    for name in path:
        assert isinstance(part, dict), f"{name} lies in no object"
        part = part[name]
    assert isinstance(part, dict), f"{path} is no object"
    return part


def counts_of(numbers: object, window: str = "30d") -> Counts:
    """Return the counts of a report or a segment, as of T and over the window, that are not zero."""
    counts = part_of(numbers, "totals") | part_of(numbers, "windows", window)
    return {name: value for name, value in counts.items() if isinstance(value, int) and value}
