"""The real servers do what the tests that use them take for granted."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from services.kafka import Kafka
from services.process import NotReadyError, StartProcess, wait_until
from services.redis import Redis, machines_redis
from services.redis_cluster import RedisCluster


def end_offset(bootstrap: str, topic: str) -> int:
    """Return the end of partition 0 of `topic` (offset)."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "ends"})
    try:
        _, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    finally:
        consumer.close()
    assert isinstance(high, int)
    return high


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    """Write one record and wait until Kafka has it."""
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def test_kafka_keeps_its_records_when_it_is_killed_and_started_again(kafka: Kafka, prefix: str) -> None:
    """Tests of a broker's crash mean nothing on a broker that forgets."""
    topic = f"{prefix}events"
    kafka.create_topics([topic], partitions=1)
    produce(kafka.bootstrap, topic, b"one")

    kafka.kill()
    kafka.start()

    produce(kafka.bootstrap, topic, b"two")
    assert end_offset(kafka.bootstrap, topic) == 2


def test_kafka_that_is_paused_goes_on_where_it_was(kafka: Kafka, prefix: str) -> None:
    """A paused broker stands for a network that is cut: nothing is lost by it."""
    topic = f"{prefix}events"
    kafka.create_topics([topic], partitions=3)

    kafka.pause()
    kafka.resume()

    produce(kafka.bootstrap, topic, b"one")


def test_redis_that_is_killed_keeps_what_it_acknowledged(redis_server: Redis) -> None:
    """A crash of Redis alone loses nothing; only a crash of its machine does."""
    with redis_server.client() as client:
        client.set("key", "value")

    redis_server.restart()

    with redis_server.client() as client:
        assert client.get("key") == b"value"


def test_redis_that_comes_back_from_an_earlier_moment_has_lost_what_came_after(redis_server: Redis) -> None:
    """That loss is the one that the positions in Redis have to survive."""
    with redis_server.client() as client:
        client.set("early", "1")
        moment = redis_server.remember()
        client.set("late", "2")

    redis_server.restart_from(moment)

    with redis_server.client() as client:
        assert client.mget("early", "late") == [b"1", None]


def test_every_redis_is_empty_append_only_and_never_evicts(redis_server: Redis) -> None:
    """The worker refuses any other; a test on a lax Redis would prove nothing."""
    with redis_server.client() as client:
        assert client.dbsize() == 0
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_redis_cluster_spreads_keys_over_three_nodes(redis_cluster: RedisCluster) -> None:
    """Keys of one partition share a slot; those of several must really lie on several nodes."""
    client = redis_cluster.client()
    try:
        for number in range(100):
            client.set(f"{{{number}}}key", number)
    finally:
        client.close()
    sizes = []
    for node in redis_cluster.nodes:
        with node.client() as of_node:
            sizes.append(of_node.dbsize())
    assert sum(sizes) == 100
    assert min(sizes) > 0


def test_redis_cluster_is_whole_again_after_a_test_that_killed_a_node(redis_cluster: RedisCluster) -> None:
    """One test's crash may not be the next one's surprise."""
    redis_cluster.nodes[1].kill()

    redis_cluster.flush()

    client = redis_cluster.client()
    try:
        assert all(client.set(f"{{{number}}}key", number) for number in range(10))
    finally:
        client.close()


def test_process_that_ends_early_is_reported_with_its_last_words(start_process: StartProcess) -> None:
    """A server that cannot start says why; a time-out after a minute would hide it."""
    process = start_process([sys.executable, "-c", "raise SystemExit('no such luck')"])
    with pytest.raises(NotReadyError, match="no such luck"):
        process.wait_until(lambda: False)


def test_servers_end_with_a_test_process_that_is_killed(tmp_path: Path) -> None:
    """A stopped or crashed test run leaves no servers behind."""
    script = (
        "import pathlib, time\n"
        "from services.redis import Redis\n"
        f"server = Redis(pathlib.Path({str(tmp_path)!r}))\n"
        "server.start()\n"
        "print(server.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True) as test_run:
        assert test_run.stdout is not None
        server_id = int(test_run.stdout.readline())
        test_run.send_signal(signal.SIGKILL)

    def has_ended() -> bool:
        state = Path(f"/proc/{server_id}/stat")
        # A process that has ended and was not yet collected by init is a zombie.
        return not state.exists() or state.read_text(encoding="utf-8").split()[2] == "Z"

    wait_until(has_ended, seconds=10.0, what=f"the end of process {server_id}")


def test_redis_is_the_machines_even_in_an_activated_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package brings an older one of the same name, which lacks commands and options that tests use."""
    own = tmp_path / "bin"
    own.mkdir()
    (own / "redis-server").write_text("#!/bin/sh\n", encoding="utf-8")
    (own / "redis-server").chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", f"{own}:{os.environ['PATH']}")
    assert Path(machines_redis()).parent != own
