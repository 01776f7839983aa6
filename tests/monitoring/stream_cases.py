"""Situations of the alerts of the machine and of targets."""

from __future__ import annotations

from functools import partial
from typing import Final

from monitoring.alerts.thresholds import LOSS_CAUSES, MAIN_TARGETS
from tests.monitoring.case import Case
from tests.monitoring.scenario import STREAM, Scenario, Track, healthy, put_partition, put_worker, rising

#: One minute away, in the twentieth.
BLINK: Final = [(0, 1.0), (20, 0.0), (21, 1.0)]
GONE: Final = [(0, 1.0), (20, 0.0)]


def stream(minutes: int = 40) -> Scenario:
    """Return a healthy stream."""
    return healthy(STREAM, minutes=minutes)


def worker_dies(*, taken_over_after: int | None = None) -> Scenario:
    """Return a stream whose worker b dies in the twentieth minute, and whose a takes over or does not."""
    scenario = stream()
    alive: Track = [(0, 1), (20, None)]
    scenario.put("up", GONE, job="tenure", instance="b")
    put_worker(scenario, "b", alive)
    for number in (2, 3):
        put_partition(scenario, "b", number, alive)
        if taken_over_after is not None:
            put_partition(scenario, "a", number, [(20 + taken_over_after, 1)])
    return scenario


def one_waits() -> Scenario:
    """Return a healthy stream beside whose workers another one waits for Redis at its start, and says so."""
    scenario = stream().put("up", 1, job="tenure", instance="c").put("tenure_redis_up", 0, instance="c")
    return scenario.put("tenure_partitions_expected", 0, instance="c")


def all_wait() -> Scenario:
    """Return the two workers from the twentieth minute on: they have started anew, and wait for Redis."""
    scenario, alive = stream(), [(0, 1.0), (20, None)]
    for worker, partitions in (("a", (0, 1)), ("b", (2, 3))):
        put_worker(scenario, worker, alive)
        for number in partitions:
            put_partition(scenario, worker, number, alive)
        scenario.put("tenure_partitions_expected", [(0, 4), (20, 0)], instance=worker)
        scenario.put("tenure_redis_up", [(0, 1), (20, 0)], instance=worker)
    return scenario


def gateways(*, up: tuple[Track, Track] = (1, 1), failed: int = 0, unsigned: int = 0) -> Scenario:
    """Return two gateways that are sent a hundred requests a minute, of which some fail or are not signed."""
    minutes = 60
    scenario = stream(minutes)
    for gateway, track in zip(("g", "h"), up, strict=True):
        labels = {"job": "tenure-gateway", "instance": gateway}
        scenario.put("up", track, **labels).put("tenure_gateway_kafka_up", 1, **labels)
        by_status = {"200": 100 - failed - unsigned, "503": failed, "401": unsigned}
        for status, number in by_status.items():
            of_stripe = {**labels, "path": "webhooks", "sender": "stripe", "status": status}
            scenario.put("tenure_gateway_requests_total", rising(number, minutes), **of_stripe)
    return scenario


def two_claim(*, for_minutes: int) -> Scenario:
    """Return a stream in which worker b claims and counts a partition of a for a while."""
    scenario = stream()
    put_partition(scenario, "b", 0, [(20, 1), (20 + for_minutes, None)])
    return scenario


def with_series(name: str, track: Track, minutes: int = 40, **labels: object) -> Scenario:
    """Return a healthy stream with one series more, or another track of one."""
    return stream(minutes).put(name, track, **{"instance": "a", **labels})


def waiting(cause: str) -> Scenario:
    """Return a healthy stream whose worker a waits for Kafka."""
    return with_series("tenure_waiting", 1, service="kafka", cause=cause)


def id_is_taken(track: Track) -> Scenario:
    """Return a healthy stream beside whose workers another one runs with the instance id of one of them."""
    return stream().put("tenure_instance_id_taken", track, instance="c")


def lag(seconds: Track, records: Track, *, loading: bool = False) -> Scenario:
    """Return a stream whose partition 0 is behind."""
    scenario = with_series("tenure_lag_seconds", seconds, minutes=60, topic="customer.cancel", partition=0)
    scenario.put("tenure_lag_records", records, instance="a", topic="customer.cancel", partition=0)
    if loading:
        scenario.put("tenure_events_late_total", rising(1000, 60), instance="a")
    return scenario


def translation(seconds: Track, records: Track) -> Scenario:
    """Return a stream with a topic of another system whose records wait in one partition, while another flows."""
    scenario = stream(60)
    for partition, ages, counts in ((0, seconds, records), (1, 0, 0)):
        labels = {"instance": "a", "topic": "stripe.webhooks", "partition": partition}
        scenario.put("tenure_adapter_lag_seconds", ages, **labels).put("tenure_adapter_lag_records", counts, **labels)
    return scenario


def one_stands_still() -> Scenario:
    """Return a stream whose partition 1 stands still while the much larger backlog of partition 0 shrinks."""
    scenario = lag(600, "9000-100x60")
    for name, value in (("tenure_lag_seconds", 900), ("tenure_lag_records", 50)):
        scenario.put(name, value, instance="a", topic="customer.cancel", partition=1)
    return scenario


def while_loading(name: str, track: Track, **labels: object) -> Scenario:
    """Return a stream as `with_series`, into which history is being loaded."""
    scenario = stream().put(name, track, **{"instance": "a", **labels})
    return scenario.put("tenure_events_late_total", rising(1000, 40), instance="a")


def late_events(last: int, *, every: int = 1) -> Scenario:
    """Return eight hours: in every so many minutes thousands of late events come, and none after the last one.

    Steps are of a minute: whether history is loaded is seen within three.
    """
    minutes = 480
    late = [5000.0 * (min(minute, last) // every) for minute in range(minutes + 1)]
    return stream(minutes).put("tenure_events_late_total", list(enumerate(late)), instance="a")


def two_loads() -> Scenario:
    """Return eight hours in which history is loaded but for one hour in their middle."""
    late = "0+1000x210 210000+0x59 210000+1000x210"
    return stream(480).put("tenure_events_late_total", late, instance="a")


def recovering(*at: int, minutes: int) -> Scenario:
    """Return a stream whose partition 0 recovers for a minute again and again."""
    track: list[tuple[int, float | None]] = [(0, 0)]
    for minute in at:
        track += [(minute, 1), (minute + 1, 0)]
    return with_series("tenure_partition_recovering", track, minutes=minutes, partition=0)


def day_of_gaps(every: int) -> Scenario:
    """Return a day and more in steps of five minutes, with a gap in each so many steps."""
    track: list[tuple[int, float | None]] = [(0, 0)]
    for step in range(every, 340, every):
        track += [(step, 1), (step + 1, 0)]
    labels = {"instance": "a", "partition": 0}
    return healthy(STREAM, minutes=340, interval="5m").put("tenure_partition_recovering", track, **labels)


def outage(begin: int, end: int) -> Scenario:
    """Return a stream that is incomplete once, for some minutes."""
    track: Track = [(0, 0), (begin, 1), (end, 0)]
    return with_series("tenure_partition_recovering", track, minutes=end + 20, partition=0)


def dead_letters(per_minute: float, *, loading: bool = False) -> Scenario:
    """Return a stream with so many dead letters; 1,080 events a minute are applied."""
    scenario = with_series("tenure_dead_letters_total", rising(per_minute, 60), minutes=60, reason="malformed_json")
    if loading:
        scenario.put("tenure_events_late_total", rising(1000, 60), instance="a")
    return scenario


def dead_at_first_look(*, started: float, prometheus_is_new: bool = False) -> Scenario:
    """Return a stream of which Prometheus sees a worker with 3,000 dead letters, which does not get any more.

    Args:
        started: When the worker began (minutes).
        prometheus_is_new: Whether it looks at nothing before the twentieth minute.
    """
    scenario, began = stream(), 20
    if prometheus_is_new:
        scenario.series = {name: f"_x{began} {track}" for name, track in scenario.series.items() if "applied" in name}
    scenario.put("tenure_start_timestamp_seconds", [(began, started * 60)], instance="c")
    return scenario.put("tenure_dead_letters_total", [(began, 3_000)], instance="c", reason="malformed_json")


def restarted(name: str, **labels: object) -> Scenario:
    """Return a stream whose worker a restarts: a counter that stood at 500 begins anew and stays at 0."""
    return stream().put(name, "500+0x20 0+0x20", instance="a", **labels)


def targets(*missing: str) -> Scenario:
    """Return a stream with the main targets, but for some."""
    scenario = healthy(STREAM, minutes=20, interval="5m")
    for kpi in MAIN_TARGETS:
        if kpi not in missing:
            scenario.put("tenure_target_ratio", 0.5, instance="a", kpi=kpi, window="30d")
    return scenario


def review(at_seconds: int) -> Scenario:
    """Return a stream with a target whose review is due at an instant; now is after a hundred minutes."""
    labels = {"instance": "a", "kpi": "nps", "window": "30d", "owner": "Ada"}
    scenario = targets().put("tenure_target_ratio", 0.3, instance="a", kpi="nps", window="30d")
    return scenario.put("tenure_target_review_timestamp_seconds", at_seconds, **labels)


_FLAPS: Final = tuple(range(3, 80, 7))

FIRE: Final = [
    Case("TenureIncomplete", "info", "a worker died just now", worker_dies, 21),
    Case("TenureIncomplete", "warn", "a worker died, nobody takes over", worker_dies, 24),
    Case("TenureIncomplete", "page", "a worker died, nobody has taken over", worker_dies, 35),
    Case("TenureIncomplete", "page", "two workers claim one partition", partial(two_claim, for_minutes=20), 35),
    Case("TenureIncomplete", "page", "no worker at all", partial(Scenario, STREAM, 20), 15),
    Case("TenureIncomplete", "page", "all workers wait at their start", all_wait, 35),
    Case(
        "TenureIncomplete",
        "page",
        "a halted partition, while history is loaded",
        partial(while_loading, "tenure_partition_halted", [(10, 1)], partition=0, cause="position"),
        35,
    ),
    Case("TenureOftenIncomplete", "page", "a minute in seven", partial(recovering, *_FLAPS, minutes=80), 69),
    Case("TenureOftenIncomplete", "warn", "for a day, again and again", partial(day_of_gaps, 7), 330),
    Case("TenureLagging", "warn", "ten minutes behind", partial(lag, 600, 9000), 30),
    Case("TenureLagging", "page", "ten minutes behind, and it grows", partial(lag, 600, "0+100x60"), 50),
    Case("TenureLagging", "page", "one partition stands still, another catches up", one_stands_still, 50),
    Case("TenureBackfill", "info", "late events", partial(lag, 0, 0, loading=True), 30),
    Case("TenureBackfill", "warn", "a producer that is always late", partial(late_events, 480), 450),
    Case("TenureBackfill", "warn", "one that is late in batches", partial(late_events, 480, every=20), 450),
    Case("DeadLettersGrowing", "page", "one in ten", partial(dead_letters, 120), 50),
    Case("DeadLettersGrowing", "page", "all before the first look", partial(dead_at_first_look, started=19), 30),
    Case(
        "DeadLettersGrowing",
        "page",
        "all before the first look of a new Prometheus",
        partial(dead_at_first_look, started=19, prometheus_is_new=True),
        30,
    ),
    Case("DeadLettersGrowing", "warn", "one a minute", partial(dead_letters, 1), 50),
    Case(
        "EventsConflicting",
        "warn",
        "one a minute",
        partial(with_series, "tenure_events_conflicting_total", rising(1, 40), kind="contradiction"),
        38,
    ),
    Case(
        "RecordsForwarded",
        "warn",
        "one in ten",
        partial(with_series, "tenure_records_forwarded_total", rising(120, 100), 100, topic="customer.cancel"),
        90,
    ),
    Case("TenureIdentityViolated", "page", "one equation", partial(with_series, "tenure_identities_violated", 1), 30),
    Case(
        "TenureCountersDiffer",
        "page",
        "one counter",
        partial(with_series, "tenure_verification_differences", 1, kind="cells"),
        30,
    ),
    Case(
        "TenureCommitConflicts",
        "warn",
        "three a minute",
        partial(with_series, "tenure_commit_conflicts_total", rising(3, 40)),
        38,
    ),
    Case(
        "TenurePartitionRecounted",
        "warn",
        "one",
        partial(with_series, "tenure_recounts_total", [(0, 0), (28, 1)]),
        30,
    ),
    Case(
        "TenurePartitionHalted",
        "warn",
        "one",
        partial(with_series, "tenure_partition_halted", [(10, 1)], partition=0, cause="position"),
        30,
        (("cause", "position"),),
    ),
    *(
        Case(
            "TenurePartitionHalted",
            "page",
            f"something is lost: {cause}",
            partial(with_series, "tenure_partition_halted", [(10, 1)], partition=0, cause=cause),
            10,
            (("cause", cause),),
        )
        for cause in LOSS_CAUSES
    ),
    Case(
        "TenureRecordsRefused",
        "warn",
        "one topic",
        partial(with_series, "tenure_partition_refused", [(10, 1)], partition=0, topic="tenure.dead-letters"),
        30,
        (("topic", "tenure.dead-letters"),),
    ),
    Case(
        "TenureForgettingWaits",
        "warn",
        "nobody has the key",
        partial(with_series, "tenure_forget_requests", 3, 80, partition=0),
        75,
    ),
    Case(
        "SegmentValuesOverLimit",
        "warn",
        "ten plans too many",
        partial(with_series, "tenure_segment_values_over_limit", 10, 80, dimension="plan"),
        75,
    ),
    Case("TenureRedisUnreachable", "warn", "for ten minutes", partial(with_series, "tenure_redis_up", GONE), 30),
    Case("TenureRefused", "warn", "Kafka refuses a worker", partial(waiting, "refused"), 10),
    Case("TenureInstanceIdTaken", "warn", "within a minute", partial(id_is_taken, [(0, 0), (20, 1)]), 21),
    Case("TenureRedisUnsafe", "warn", "it evicts", partial(with_series, "tenure_redis_unsafe", 1), 10),
    Case("TenureKafkaUnreachable", "warn", "for ten minutes", partial(with_series, "tenure_kafka_up", GONE), 30),
    Case("TenureMemoryNearLimit", "warn", "95 %", partial(with_series, "tenure_memory_bytes", 9.5e8), 30),
    Case("TenureWorkerAbsent", "warn", "for ten minutes", worker_dies, 30, (("instance", "b"),)),
    Case(
        "TranslationLagging",
        "warn",
        "the registry is away",
        partial(translation, [(0, 0), (15, 901)], 40),
        50,
        (("topic", "stripe.webhooks"),),
    ),
    Case("TenureGatewayDown", "warn", "one of two", partial(gateways, up=(1, GONE)), 30, (("instance", "h"),)),
    Case("TenureGatewayDown", "page", "both for fifteen minutes", partial(gateways, up=(GONE, GONE)), 35),
    Case("TenureGatewayFailing", "warn", "every tenth request", partial(gateways, failed=10), 30),
    Case(
        "TenureGatewayNotLetIn", "warn", "another secret", partial(gateways, unsigned=60), 50, (("sender", "stripe"),)
    ),
    *(
        Case("TargetMissing", "info", f"none of {kpi}", partial(targets, kpi), 18, (("kpi", kpi),))
        for kpi in MAIN_TARGETS[:2]
    ),
    Case("TargetReviewOverdue", "warn", "half an hour over", partial(review, 600), 18, (("owner", "Ada"),)),
]
QUIET: Final = [
    Case("TenureIncomplete", "info", "all is well", stream, 30),
    Case("TenureIncomplete", "warn", "a takeover within a minute", partial(worker_dies, taken_over_after=1), 24),
    Case("TenureIncomplete", "page", "a takeover within eight minutes", partial(worker_dies, taken_over_after=8), 35),
    Case("TenureIncomplete", "page", "a zombie of three minutes", partial(two_claim, for_minutes=3), 35),
    Case("TenureIncomplete", "page", "only behind", partial(lag, 600, 9000), 50),
    Case("TenureIncomplete", "info", "one worker more waits at its start", one_waits, 30),
    Case(
        "TenureIncomplete",
        "page",
        "counters are loaded slowly, while history is",
        partial(while_loading, "tenure_partition_recovering", 1, partition=0),
        35,
    ),
    Case("TenureOftenIncomplete", "page", "Prometheus is new", partial(recovering, 1, 3, 5, 7, minutes=20), 9),
    Case("TenureOftenIncomplete", "page", "one outage of ten minutes", partial(outage, 70, 80), 79),
    Case("TenureOftenIncomplete", "page", "one outage is over", partial(outage, 70, 80), 83),
    Case("TenureOftenIncomplete", "page", "one minute in an hour", partial(recovering, 50, minutes=60), 53),
    Case("TenureOftenIncomplete", "warn", "once in a day", partial(day_of_gaps, 325), 330),
    Case("TenureLagging", "warn", "one scrape in a sleepy topic", partial(lag, [(0, 0), (20, 7200), (21, 0)], 1), 21),
    Case("TenureLagging", "page", "ten minutes behind, but it shrinks", partial(lag, 600, "9000-100x60"), 50),
    Case("TenureLagging", "page", "history is being loaded", partial(lag, 600, "0+100x60", loading=True), 50),
    Case("TenureBackfill", "info", "every-day business", stream, 30),
    Case("TenureBackfill", "warn", "three hours of history", partial(late_events, 180), 450),
    Case("TenureBackfill", "warn", "two loads in a day", two_loads, 470),
    Case("DeadLettersGrowing", "page", "one in a hundred", partial(dead_letters, 10), 50),
    Case(
        "DeadLettersGrowing",
        "page",
        "a new Prometheus beside a worker of yesterday",
        partial(dead_at_first_look, started=-1_440, prometheus_is_new=True),
        30,
    ),
    Case("DeadLettersGrowing", "page", "bad history is being loaded", partial(dead_letters, 120, loading=True), 50),
    Case(
        "DeadLettersGrowing",
        "warn",
        "a restart",
        partial(restarted, "tenure_dead_letters_total", reason="oversized"),
        38,
    ),
    Case(
        "EventsConflicting",
        "warn",
        "a restart",
        partial(restarted, "tenure_events_conflicting_total", kind="contradiction"),
        38,
    ),
    Case(
        "EventsConflicting",
        "warn",
        "a producer that corrects events",
        partial(with_series, "tenure_events_conflicting_total", rising(1, 40), kind="correction"),
        38,
    ),
    Case(
        "RecordsForwarded",
        "warn",
        "one in a thousand",
        partial(with_series, "tenure_records_forwarded_total", rising(1, 100), 100, topic="t"),
        90,
    ),
    Case(
        "TenureCountersDiffer",
        "page",
        "all is well",
        partial(with_series, "tenure_verification_differences", 0, kind="cells"),
        30,
    ),
    Case(
        "TenureIdentityViolated",
        "page",
        "for two minutes",
        partial(with_series, "tenure_identities_violated", [(0, 0), (28, 1)]),
        30,
    ),
    Case(
        "TenureCommitConflicts",
        "warn",
        "a rebalance",
        partial(with_series, "tenure_commit_conflicts_total", [(0, 0), (20, 5)]),
        38,
    ),
    Case("TenurePartitionRecounted", "warn", "none", stream, 30),
    Case("TenurePartitionHalted", "warn", "none", stream, 30),
    Case(
        "TenureRecordsRefused",
        "warn",
        "a minute, until the topic is there again",
        partial(with_series, "tenure_partition_refused", [(20, 1), (21, None)], partition=0, topic="t"),
        22,
    ),
    Case(
        "TenurePartitionHalted",
        "page",
        "nothing is lost by a version that cannot read its state",
        partial(with_series, "tenure_partition_halted", [(10, 1)], partition=0, cause="stateunreadable"),
        30,
    ),
    Case(
        "TenureForgettingWaits",
        "warn",
        "many, until they are carried out",
        partial(with_series, "tenure_forget_requests", [(5, 3_000), (50, 0)], 80, partition=0),
        75,
    ),
    Case("SegmentValuesOverLimit", "warn", "none", stream, 38),
    Case("TenureRedisUnreachable", "warn", "for one minute", partial(with_series, "tenure_redis_up", BLINK), 22),
    Case("TenureRefused", "warn", "Kafka is silent", partial(waiting, "unreachable"), 10),
    Case("TenureInstanceIdTaken", "warn", "each has its own", partial(id_is_taken, 0), 10),
    Case("TenureRedisUnsafe", "warn", "all is well", partial(with_series, "tenure_redis_unsafe", 0), 10),
    Case("TenureKafkaUnreachable", "warn", "for one minute", partial(with_series, "tenure_kafka_up", BLINK), 22),
    Case("TenureMemoryNearLimit", "warn", "80 %", partial(with_series, "tenure_memory_bytes", 8e8), 38),
    Case("TenureWorkerAbsent", "warn", "for one minute", partial(with_series, "up", BLINK, job="tenure"), 22),
    Case("TranslationLagging", "warn", "ten minutes late", partial(translation, 600, 40), 50),
    Case("TranslationLagging", "warn", "it is worked off", partial(translation, 7200, "9000-100x60"), 50),
    Case("TranslationLagging", "warn", "a registry restarts", partial(translation, [(0, 901), (25, 0)], 40), 50),
    Case("TenureGatewayDown", "warn", "there is none", stream, 30),
    Case("TenureGatewayDown", "page", "one of two answers", partial(gateways, up=(1, GONE)), 35),
    Case("TenureGatewayFailing", "warn", "one of a hundred requests", partial(gateways, failed=1), 30),
    Case("TenureGatewayNotLetIn", "warn", "noise from the network", partial(gateways, unsigned=5), 50),
    Case("TargetMissing", "info", "all are there", targets, 18),
    Case("TargetReviewOverdue", "warn", "tomorrow", partial(review, 86_400), 18),
]
