"""What does not add up over workers is shown by one of them, whoever that is just now."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.installation import Installation, WorkerProcess, until
from tests.integration.test_metrics import recent_events

pytestmark = pytest.mark.alone

SESSION_SECONDS = 2


def sizes_of(worker: WorkerProcess) -> dict[str, float]:
    """Return the cohorts' sizes that a worker shows."""
    samples = worker.metrics("tenure_cohort_customers")
    return {sample.labels["cohort"]: sample.value for sample in samples if sample.labels["age"] == "00"}


def shown_by(workers: Sequence[WorkerProcess]) -> list[int]:
    """Return which of the workers show a summary."""
    return [n for n, worker in enumerate(workers) if worker.metrics("tenure_scan_timestamp_seconds")]


def test_one_worker_shows_the_cohorts_of_all_partitions_and_another_one_when_it_is_killed(
    installation: Installation,
) -> None:
    """Both at once would double every cohort of a dashboard; none for good would empty it."""
    installation.environment["TENURE_SESSION_TIMEOUT_SECONDS"] = str(SESSION_SECONDS)
    installation.create_topics()
    first = installation.worker()
    installation.publish(installation.file_of(recent_events()))
    installation.until_applied()
    first.process.stop()
    workers = [installation.worker() for _ in range(2)]
    until(lambda: [len(worker.owned()) for worker in workers] == [2, 2], "two partitions each")
    (owner,) = (n for n, worker in enumerate(workers) if 0 in worker.owned())
    other = 1 - owner
    until(lambda: sizes_of(workers[owner]) != {}, "a summary by the owner of partition 0")
    assert shown_by(workers) == [owner]
    report = installation.cohorts()
    expected = {cohort["cohort"]: cohort["size"] for cohort in report["all"]["cohorts"]}
    assert len(expected) > 6
    assert sizes_of(workers[owner]) == expected
    assert workers[owner].total("tenure_survival_ratio", days="30") > 0
    workers[owner].process.pause()
    until(lambda: shown_by([workers[other]]) == [0], "a summary by the other one")
    assert sizes_of(workers[other]) == expected
    workers[owner].process.resume()
    until(lambda: [len(worker.owned()) for worker in workers] == [2, 2], "two partitions each, again")
    until(lambda: len(shown_by(workers)) == 1, "a summary by one of them")
    (shown,) = shown_by(workers)
    assert 0 in workers[shown].owned()
    assert sizes_of(workers[shown]) == expected
