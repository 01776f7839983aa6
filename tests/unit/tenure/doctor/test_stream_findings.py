"""The stream as the doctor sees it, by the heads of its partitions."""

from kpis.customer.facts import STATE_VERSION
from streams.tables import Head
from tenure.doctor.findings import Level
from tenure.doctor.stream import head_findings


def test_refusals_are_told_as_a_total_and_lead_to_those_that_are_left() -> None:
    """The heads count refusals and never take one back: who has sent all of them again must not read that they wait."""
    heads = {0: Head(STATE_VERSION, dead_letters={"invalid_member": 80, "not_json": 1})}
    heads[1] = Head(STATE_VERSION, dead_letters={"invalid_member": 40})
    (found,) = head_findings(heads)
    assert found.level is Level.WARNING
    assert found.what == (
        "121 records refused so far, more than one in a hundred; those that were sent again are among them"
    )
    assert "tenure dlq list --not-replayed" in found.advice
