"""Snapshots of a running stream: restored elsewhere, the stream goes on from them and comes to the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.installation import Installation, until
from services.redis_cluster import RedisCluster
from tests.integration.test_rebuild import Traffic, company, counted_as

__all__ = ["company"]


def taken_under_traffic(installation: Installation, company: list[bytes], file: Path) -> None:
    """Have a stream with targets, and take a snapshot of it while events come."""
    installation.create_topics()
    installation.worker()
    half = len(company) // 2
    installation.publish(installation.file_of(company[:half]))
    installation.until_applied()
    installation.run("target", "set", "retention", "30d", "90%", "--owner", "ada")
    with Traffic(installation, company[half:]):
        taken = installation.run("snapshot", str(file), "--json")
        assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["customers"] > 50


@pytest.mark.parametrize("place", ["another prefix", "a cluster"])
def test_a_stream_goes_on_from_a_snapshot_elsewhere(
    place: str, installation: Installation, company: list[bytes], redis_cluster: RedisCluster, tmp_path: Path
) -> None:
    """A stream is moved to another Redis this way, and brought back after the loss of one."""
    file = tmp_path / "stream.snapshot"
    taken_under_traffic(installation, company, file)
    installation.until_applied()
    there = {"TENURE_REDIS_PREFIX": "elsewhere", "TENURE_GROUP": f"{installation.prefix}elsewhere"}
    if place == "a cluster":
        there = {"TENURE_REDIS_URL": redis_cluster.url, "TENURE_GROUP": f"{installation.prefix}elsewhere"}
    restored = installation.run("restore", str(file), "--json", **there)
    assert restored.returncode == 0, restored.stderr
    again = installation.run("restore", str(file), **there)
    assert (again.returncode, "restored into an empty place" in again.stderr) == (2, True)
    installation.environment |= there
    target = json.loads(installation.run("target", "list", "--json").stdout)
    assert [each["owner"] for each in target] == ["ada"]
    worker = installation.worker()

    def is_counted() -> bool:
        return bool(worker.owned()) and not worker.total("tenure_lag_records")

    until(lambda: len(worker.owned()) == 4 and is_counted(), "the rest is counted", seconds=60)
    counted_as(installation, company)


def test_a_damaged_file_and_other_settings_are_refused_before_anything_is_written(
    installation: Installation, company: list[bytes], tmp_path: Path
) -> None:
    """What is restored in part, or counted otherwise, would be found out too late."""
    file = tmp_path / "stream.snapshot"
    taken_under_traffic(installation, company, file)
    there = {"TENURE_REDIS_PREFIX": "elsewhere", "TENURE_GROUP": f"{installation.prefix}elsewhere"}
    whole = file.read_bytes()
    damaged = tmp_path / "damaged"
    damaged.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    short = tmp_path / "short"
    short.write_bytes(whole[:-100])
    for named, said in ((damaged, "is damaged"), (short, "not whole"), (Path(__file__), "is no snapshot")):
        refused = installation.run("restore", str(named), **there)
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    other = installation.run("restore", str(file), **there, TENURE_BUCKET_MINUTES="30")
    assert (other.returncode, "TENURE_BUCKET_MINUTES" in other.stderr) == (2, True), other.stderr
    taken = installation.run("snapshot", str(file))
    assert (taken.returncode, "it is there already" in taken.stderr) == (2, True)
    with installation.redis.client() as client:
        assert not list(client.scan_iter("elsewhere:{*"))
