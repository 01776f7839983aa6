"""What cannot work is refused at the start: status 2, and one line that says what to change."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from services.installation import Installation, until
from services.redis import Redis


def refusal_of(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a refused command prints."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("tenure: ")
    return lines[0]


def test_a_missing_topic_is_named(installation: Installation) -> None:
    """A topic that Kafka made by itself would have a partition count of its own."""
    line = refusal_of(installation.run("worker"))
    assert f"{installation.prefix}customer.activity" in line


def test_a_missing_dead_letter_topic_is_named(installation: Installation) -> None:
    """It would be missed only when the first bad record comes, and the stream would stand still."""
    installation.kafka.create_topics(list(installation.topics.values()), 2)
    line = refusal_of(installation.run("worker"))
    assert installation.dead_letter_topic in line
    assert f"{installation.prefix}customer.signup" not in line


def test_topics_with_different_partition_counts_are_named(installation: Installation) -> None:
    """A customer's records would lie on partitions of different workers."""
    topics = list(installation.topics.values())
    installation.kafka.create_topics(topics[1:], 4)
    installation.kafka.create_topics(topics[:1], 3)
    installation.kafka.create_topics([installation.dead_letter_topic], 1)
    line = refusal_of(installation.run("worker"))
    assert f"{topics[0]} has 3" in line
    assert f"{topics[1]} has 4" in line


@pytest.mark.parametrize(
    ("fsync", "options", "found"),
    [
        ("everysec", ("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"), "noeviction"),
        (None, (), "appendonly"),
    ],
    ids=["evicts", "does-not-persist"],
)
def test_a_redis_that_may_forget_is_refused_unless_a_setting_allows_it(
    fsync: str | None, options: tuple[str, ...], found: str, installation: Installation, tmp_path: Path
) -> None:
    """Numbers would vanish one by one, or all at once; for a trial that may be all right."""
    installation.create_topics()
    folder = tmp_path / "lax"
    folder.mkdir()
    lax = Redis(folder, fsync=None if fsync is None else "everysec", options=options)
    lax.start()
    try:
        line = refusal_of(installation.run("worker", TENURE_REDIS_URL=lax.url))
        assert found in line
        assert "TENURE_ALLOW_UNSAFE_REDIS" in line
        worker = installation.worker(TENURE_REDIS_URL=lax.url, TENURE_ALLOW_UNSAFE_REDIS="true")
        until(lambda: worker.owned() == {0, 1, 2, 3}, "a worker on a Redis that is unsafe")
        assert "redis_unsafe" in worker.process.output
        assert worker.total("tenure_redis_unsafe") == 1
        assert worker.process.stop() == 0
    finally:
        lax.kill()


def test_a_second_stream_with_other_settings_is_refused(installation: Installation) -> None:
    """Two meanings in one table are none; the line names the setting that differs."""
    installation.create_topics()
    worker = installation.worker()
    until(lambda: worker.owned() == {0, 1, 2, 3}, "the first worker")
    assert "TENURE_WINDOWS_DAYS" in refusal_of(installation.run("worker", TENURE_WINDOWS_DAYS="1,7,30"))
    assert "TENURE_BUSINESS_TIME_ZONE" in refusal_of(
        installation.run("kpi", "--json", TENURE_BUSINESS_TIME_ZONE="Europe/Berlin")
    )
    assert "TENURE_GROUP" in refusal_of(installation.run("worker", TENURE_GROUP="another"))


def test_a_port_that_is_taken_is_named(installation: Installation) -> None:
    """Two workers on one machine are the usual case."""
    installation.create_topics()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = refusal_of(installation.run("worker", TENURE_METRICS_PORT=port))
    assert "TENURE_METRICS_PORT" in line
    assert port in line


def test_kpis_of_a_stream_that_never_ran_are_refused(installation: Installation) -> None:
    """Zeros would look like a business without customers."""
    assert "tenure worker" in refusal_of(installation.run("kpi", "--json"))
