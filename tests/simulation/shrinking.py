"""Making a failing plan smaller: fewer faults, then fewer records, as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.plan import Plan


def smallest(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """Return a plan of which nothing can be left out without its running well; it must fail to begin with.

    Faults go first, one at a time: there are few, and each takes time. Records go in halves, quarters and so on.
    """
    assert fails(plan), "only a failing plan can be made smaller"
    while True:
        faults = sorted(fault.number for fault in plan.planned_faults())
        plan = plan.with_faults(_fewest(faults, lambda some, whole=plan: fails(whole.with_faults(some)), chunk=1))  # type: ignore[misc]
        records = sorted({sending.number for sending in plan.sendings()})
        fewer = _fewest(records, lambda some, whole=plan: fails(whole.with_records(some)), chunk=len(records) // 2)  # type: ignore[misc]
        plan = plan.with_records(fewer)
        if len(fewer) == len(records) or not fewer:
            return plan


def _fewest(numbers: list[int], fails: Callable[[Sequence[int]], bool], *, chunk: int) -> list[int]:
    """Return as few of some numbers as still fail, leaving out so many at once, then half as many, down to one."""
    chunk = max(1, chunk)
    while True:
        start = 0
        while start < len(numbers):
            left = numbers[:start] + numbers[start + chunk :]
            if fails(left):
                numbers = left
            else:
                start += chunk
        if chunk == 1:
            return numbers
        chunk //= 2
