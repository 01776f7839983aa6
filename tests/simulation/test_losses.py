"""Lost tables and a log without its beginning: partitions halt, and go on once somebody has accepted the loss."""

from __future__ import annotations

import pytest

from tests.simulation.losses import LossRun, UnacceptedRun
from tests.simulation.plan import Plan


@pytest.mark.parametrize("seed", range(12))
def test_lost_tables_halt_where_the_log_has_lost_its_beginning_and_go_on_once_accepted(seed: int) -> None:
    """Numbers of a part of the customers look like numbers; only somebody who knows may let them stand."""
    assert LossRun(Plan(seed)).problems == []


@pytest.mark.parametrize("seed", range(2))
def test_lost_tables_stay_halted_as_long_as_nobody_accepts(seed: int) -> None:
    """A restart, a rebalance or patience must not turn a loss into a number."""
    assert UnacceptedRun(Plan(seed)).problems == []
