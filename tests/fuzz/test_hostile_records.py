"""Hostile records in CI: as many as a few seconds take, always the same ones; `make fuzz` reads millions of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.run import Campaign, by_chance
from tests.fuzz.targets import TARGETS, Folding

RECORDS = {"decoder": 20_000, "reader": 8_000, "fold": 8_000, "adapters": 1_500, "gateway": 4_000}


@pytest.mark.parametrize("target", list(TARGETS))
def test_hostile_records_are_applied_mended_or_refused(target: str, tmp_path: Path) -> None:
    """One exception that reaches the stream stops a partition for everybody."""
    campaign = Campaign(TARGETS[target](), tmp_path)
    by_chance(campaign, seconds=600.0, seed=1, records=RECORDS[target])
    assert campaign.faults == {}
    assert campaign.records >= RECORDS[target]
    assert campaign.target.outcomes["applied"] > RECORDS[target] // 20
    assert campaign.target.outcomes["dead letter"] > RECORDS[target] // 20


def test_names_that_are_numbered_in_another_order_are_no_fault() -> None:
    """What is not usual is folded last natively: a fault that is none would hide those that are."""
    about = '{{"id":"e{0}","customer_id":"c{1}","time":"2025-02-03T04:05:{0:02}Z",{2}}}'
    members = ('"type":"signup","plan":"pro","mrr_minor":1', '"type":"onboarding"', '"type":"activity","feature":"{}"')
    target = Folding()
    for number in range(8):
        text = members[min(number, 2)].format(f"f{number}")
        target.read(about.format(number, int(number > 2), text).encode())
    assert target.outcomes == {"applied": 8, "dead letter": 0}
