"""`tenure forget` on a real Kafka and a real Redis: one customer goes, all totals stay, whatever is counted anew."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import redis

from services.installation import PREFIX, Installation, until

KEY: Final = {"TENURE_FORGET_KEY": "0123456789abcdef0123456789abcdef"}
MARCH_5_MS: Final = 1_772_668_800_000
AT: Final = ("--at", "2026-04-01", "--by", "plan")


def event(number: int, customer: str, type_name: str, time_text: str, **members: object) -> bytes:
    """Return an event."""
    own = {"id": f"e{number}", "type": type_name, "customer_id": customer, "time": time_text}
    return json.dumps({**own, **members}).encode()


def signup(number: int, customer: str, **members: object) -> bytes:
    """Return a signup, in March."""
    return event(number, customer, "signup", "2026-03-01T09:30:00Z", **{"plan": "pro", "mrr_minor": 4900, **members})


class ForgettingStream:
    """A stream with a key, a few customers, and what can be asked of it."""

    def __init__(self, installation: Installation) -> None:
        """Create its topics, start a worker, and have it count some events."""
        assert installation.run("topics", "--create", "--partitions", "4").returncode == 0
        self.installation = installation
        self.worker = installation.worker(**KEY)
        self.producer = installation.producer(partitioner="murmur2_random")
        self.send(
            signup(1, "kept"),
            signup(2, "gone", subscription_id="b", plan="team"),
            signup(3, "gone", subscription_id="a", mrr_minor=100),
            event(4, "gone", "activity", "2026-03-02T08:00:00Z", feature="export"),
            event(5, "gone", "survey", "2026-03-03T08:00:00Z", kind="nps", score=9),
            event(6, "gone", "cancel", "2026-03-20T08:00:00Z", subscription_id="a", reason="price"),
            event(7, "gone", "cancel", "2026-03-21T08:00:00Z", subscription_id="b", reason="price"),
            event(8, "gone", "revoke", "2026-03-21T08:00:00Z", revokes="e99"),
            event(9, "gone", "survey", "2026-03-03T08:00:00Z", kind="nps", score="high"),
        )

    def send(self, *records: bytes, timestamp_ms: int = 0) -> None:
        """Send records to the mixed topic, and wait until they are applied."""
        for record in records:
            customer = json.loads(record)["customer_id"]
            topic = self.installation.topics["events"]
            self.producer.produce(topic, record, customer, timestamp=timestamp_ms or int(time.time() * 1000))
        assert self.producer.flush(30) == 0
        self.installation.until_applied()

    def forget(self, *arguments: str, status: int = 0) -> dict[str, Any]:
        """Return what `tenure forget --json` prints."""
        done = self.installation.run("forget", *arguments, "--json", **KEY)
        assert done.returncode == status, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def kpi(self) -> dict[str, Any]:
        """Return the numbers by plan."""
        (report,) = self.installation.kpi(*AT)
        return report

    def redis_text(self) -> bytes:
        """Return all that Redis holds: names of keys and contents."""
        return b"\n".join(_contents(self.installation))


def _contents(installation: Installation) -> list[bytes]:
    with installation.redis.client() as client:
        found: list[bytes] = []
        for key in client.scan_iter(f"{PREFIX}:*"):
            found += [key, _whole(client, key)]
    return found


def _whole(client: redis.Redis, key: bytes) -> bytes:
    kind = client.type(key)
    if kind == b"string":
        return repr(client.get(key)).encode()
    return repr(client.lrange(key, 0, -1) if kind == b"list" else client.hgetall(key)).encode()


def test_a_forgotten_customer_leaves_all_totals_also_when_redis_is_counted_anew(installation: Installation) -> None:
    """What the law wants gone is who it was; what the board has seen is what happened, and that stays."""
    stream = ForgettingStream(installation)
    before = stream.kpi()
    assert before["totals"]["customers_active"] == 1
    dry = stream.forget("gone")
    assert (dry["outcome"], dry["at"], dry["subscriptions"], len(dry["dead_letters"])) == ("to_confirm", None, 2, 1)
    assert stream.kpi() == before
    done = stream.forget("gone", "--yes")
    assert done["outcome"] == "forgotten"
    assert stream.kpi() == before
    assert b"gone" not in stream.redis_text()
    stream.send(signup(10, "gone", plan="enterprise"), event(11, "gone", "activity", "2026-03-22T08:00:00Z"))
    stream.send(event(12, "gone", "survey", "2026-03-04T08:00:00Z", kind="nps", score=1), timestamp_ms=MARCH_5_MS)
    live = stream.kpi()
    assert live["events"] == {**before["events"], "applied": before["events"]["applied"] + 1, "forgotten": 2}
    assert live["totals"] == before["totals"]
    assert stream.worker.total("tenure_events_forgotten_total") == 2
    assert stream.forget("gone")["outcome"] == "forgotten_before"
    with installation.redis.client() as client:
        client.flushall()
    until(lambda: stream.worker.total("tenure_recounts_total") >= 1, "a recount is noticed")
    installation.until_applied()
    until(lambda: not stream.worker.total("tenure_partition_recovering"), "recovered")
    assert stream.kpi() == live
    assert b"gone" not in stream.redis_text()


def test_workers_without_the_key_or_with_another_refuse_to_start_once_somebody_is_forgotten(
    installation: Installation,
) -> None:
    """They would count the events of the forgotten again, and nobody would notice."""
    stream = ForgettingStream(installation)
    assert stream.forget("gone", "--yes")["outcome"] == "forgotten"
    assert stream.worker.process.stop() == 0
    another = {"TENURE_FORGET_KEY": "another key of thirty-two characters"}
    for settings in ({}, another):
        refused = installation.run("worker", TENURE_METRICS_PORT="0", **settings)
        assert (refused.returncode, refused.stderr.splitlines()[-1].count("TENURE_FORGET_KEY is")) == (2, 1)
        assert "docs/forgetting.md" in refused.stderr
        assert "thirty-two" not in refused.stderr
    assert installation.run("forget", "kept", "--yes", **another).returncode == 2
    assert "is forgotten, as of" in installation.run("customer", "gone", **KEY).stderr
    assert "there is no customer" in installation.run("customer", "gone").stderr


def test_a_customer_who_is_asked_for_while_no_worker_runs_is_forgotten_by_the_next(installation: Installation) -> None:
    """The letter was answered on Friday, and the workers come back on Monday."""
    stream = ForgettingStream(installation)
    before = stream.kpi()
    assert stream.worker.process.stop() == 0
    assert stream.forget("kept", "--yes", status=1)["outcome"] == "to_confirm"
    assert stream.forget("kept", "--yes", "--still-active", "--wait", "0", status=1)["outcome"] == "asked"
    again = installation.worker(**KEY)
    until(lambda: again.total("tenure_customers_forgotten_total") == 1, "somebody is forgotten")
    found = stream.forget("kept")
    assert (found["outcome"], found["partition"]) == ("forgotten_before", None)
    assert stream.kpi() == before
