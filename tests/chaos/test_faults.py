"""Short runs of `make chaos` and `make soak`: what they try for hours keeps working from one change to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.process import wait_until
from tests.chaos.faults import FAULTS
from tests.chaos.redis_faults import FAULTS_OF_REDIS
from tests.chaos.run import Recovered, run, schedule, table
from tests.chaos.scene import Scene
from tests.chaos.soak import GROWTH_MOST, growth_of, soak

pytestmark = pytest.mark.alone

SEED = 20_261_130
NAMES = (
    "Redis alone on the minority's side",
    "Redis' disk full",
    "Kafka's link frozen, from it",
    "Redis' file torn within a commit",
    "broker's disk full",
)


@pytest.mark.timeout(1_200)
def test_numbers_are_exact_after_faults_of_brokers_shards_and_links(tmp_path: Path) -> None:
    """Those that nothing else here tries: the kinds that servers of one machine do not have by themselves."""
    faults = [fault for name in NAMES for fault in (*FAULTS, *FAULTS_OF_REDIS) if fault.name == name]
    with Scene(tmp_path, kind="cluster", seed=SEED, rate=500) as scene:
        done = run(scene, faults)
        records, _ = scene.check()
    assert [each.name for each in done] == list(NAMES)
    assert records > 5_000


@pytest.mark.timeout(1_200)
def test_memory_stays_flat_while_workers_and_redis_are_killed(tmp_path: Path) -> None:
    """A worker that grows is killed by its machine one night, and every restart hides it until the next."""
    settings = {"TENURE_STATE_CACHE_CUSTOMERS": "2000"}
    with Scene(tmp_path, kind="sentinel", seed=SEED, rate=500, settings=settings) as scene:
        sizes = soak(scene, minutes=0.75, every_seconds=15.0)
        wait_until(scene.is_owned, seconds=60.0, what="an owner for each partition")
        scene.check()
    assert growth_of(sizes) < GROWTH_MOST


def test_schedules_of_one_seed_are_equal_and_have_every_kind_of_fault() -> None:
    """A run that found something is repeated by its seed."""
    for kind in ("alone", "sentinel", "cluster"):
        planned = schedule(SEED, 100, kind)
        assert planned == schedule(SEED, 100, kind)
        assert planned != schedule(SEED + 1, 100, kind)
        assert {fault.name for fault in planned} == {
            fault.name for fault in (*FAULTS, *FAULTS_OF_REDIS) if kind in fault.kinds
        }


def test_table_has_a_line_for_each_kind_of_fault() -> None:
    """What is printed at the end is what is kept of a run."""
    done = [Recovered("a", 1.0, 2.0), Recovered("b", 1.0, 3.0), Recovered("a", 2.0, 4.0)]
    assert table(done).splitlines()[2:] == ["| a | 2 | 1.5 | 3.0 | 4.0 |", "| b | 1 | 1.0 | 3.0 | 3.0 |"]
