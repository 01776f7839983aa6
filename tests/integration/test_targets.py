"""`tenure target` beside running workers: a change is in /metrics at the next look, at one worker, and on record."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from services.installation import Installation, WorkerProcess, until


def shown_by(worker: WorkerProcess) -> dict[tuple[str, ...], float]:
    """Return the targets that a worker exports, by KPI and window."""
    samples = worker.metrics("tenure_target_ratio")
    return {(sample.labels["kpi"], sample.labels["window"]): sample.value for sample in samples}


def test_a_target_is_exported_by_one_worker_as_soon_as_it_is_set(installation: Installation) -> None:
    """Alert rules compare with it: set on one machine, it holds on all, once, and without a restart."""
    installation.create_topics()
    early = installation.run("target", "set", "retention", "365d", "80%", "--owner", "anna", "--as", "bob")
    assert early.returncode == 0, early.stderr
    workers = [installation.worker() for _ in range(2)]
    until(lambda: [len(worker.owned()) for worker in workers] == [2, 2], "two partitions each")
    first = next(worker for worker in workers if 0 in worker.owned())
    until(lambda: shown_by(first) == {("retention", "365d"): 0.8}, "the target that was there before")
    raised = installation.run("target", "set", "retention", "365d", "90%", "--as", "carl", "--review", _in_days(30))
    assert raised.stdout.startswith("retention in the window 365d has the target 90.00 %; it was 80.00 %.")
    installation.run("target", "set", "nps", "30", "--owner", "eve", "--", "-0.1")
    until(lambda: shown_by(first) == {("retention", "365d"): 0.9, ("nps", "30d"): -0.1}, "both targets")
    reviews = first.metrics("tenure_target_review_timestamp_seconds")
    assert {(sample.labels["kpi"], sample.labels["owner"]) for sample in reviews} == {
        ("retention", "anna"),
        ("nps", "eve"),
    }
    assert [shown_by(worker) for worker in workers if worker is not first] == [{}]
    installation.run("target", "set", "nps", "30d", "none")
    until(lambda: shown_by(first) == {("retention", "365d"): 0.9}, "the target that is left")
    changes = json.loads(installation.run("target", "history", "retention", "--json").stdout)
    assert [(change["by"], change["old"], change["new"], change["owner"]) for change in changes] == [
        ("bob", None, 0.8, "anna"),
        ("carl", 0.8, 0.9, "anna"),
    ]
    listed = json.loads(installation.run("target", "list", "--json").stdout)
    assert [(entry["kpi"], entry["value"], entry["set_by"]) for entry in listed] == [("retention", 0.9, "carl")]


@pytest.mark.alone
def test_targets_move_with_partition_0_and_outlast_a_redis_that_is_away(installation: Installation) -> None:
    """A worker that ends, or a Redis that restarts, is no reason for an alert that a target is missing."""
    installation.environment["TENURE_SESSION_TIMEOUT_SECONDS"] = "2"
    installation.create_topics()
    installation.run("target", "set", "churn_standard", "30d", "3%", "--owner", "anna")
    workers = [installation.worker() for _ in range(2)]
    until(lambda: [len(worker.owned()) for worker in workers] == [2, 2], "two partitions each")
    first = next(worker for worker in workers if 0 in worker.owned())
    (other,) = [worker for worker in workers if worker is not first]
    until(lambda: shown_by(first) == {("churn_standard", "30d"): 0.03}, "the target")
    assert first.process.stop() == 0
    until(lambda: shown_by(other) == {("churn_standard", "30d"): 0.03}, "the target at the worker that is left")
    installation.redis.kill()
    until(lambda: "targets_not_read" in other.process.output, "Redis is missed")
    assert shown_by(other) == {("churn_standard", "30d"): 0.03}
    refused = installation.run("target", "list")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("tenure: Redis at ")
    assert refused.stderr.endswith("; start it, or set TENURE_REDIS_URL\n")


def _in_days(days: int) -> str:
    return (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)).isoformat()
