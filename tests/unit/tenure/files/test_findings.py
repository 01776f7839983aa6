"""What is told of a file's events: counted by kind, with the first three examples, and bounded."""

from __future__ import annotations

from tenure.files.findings import EXAMPLES_KEPT, Example, Findings


def test_findings_are_told_by_section_the_most_frequent_kinds_first() -> None:
    """What costs the most events is what its reader should mend first."""
    findings = Findings()
    findings.add("refused", "missing_member, id", lambda: Example("line 1: id: is required"))
    findings.add("mended", "reason")
    findings.add("refused", "unknown_type", count=2)
    findings.add("refused", "oversized", count=0)
    assert findings.lines() == [
        "refused, unknown_type: 2",
        "refused, missing_member, id: 1",
        "  line 1: id: is required",
        "mended, reason: 1",
    ]
    assert (findings.total("refused"), findings.total("mended"), findings.total("other")) == (3, 1, 0)


def test_first_examples_are_kept_and_the_others_are_not_even_made() -> None:
    """A file may hold a million of a kind."""
    findings, made = Findings(), list[int]()

    def example() -> Example:
        made.append(len(made))
        return Example(f"line {len(made)}", "say --money major" if len(made) < 3 else "write digits")

    for _ in range(1000):
        findings.add("refused", "invalid_member, mrr_minor", example)
    assert len(made) == EXAMPLES_KEPT
    assert findings.lines() == [
        "refused, invalid_member, mrr_minor: 1,000",
        "  line 1",
        "  line 2",
        "  say --money major",
        "  line 3",
        "  write digits",
    ]
