"""Faults of workers, brokers, links and rights, each a generator: it breaks something, says what, and mends it.

Those of Redis are in `tests.chaos.redis_faults`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewPartitions

from services.kafka_cluster import USER
from services.network import Link, Way
from tests.chaos.scene import SESSION_SECONDS, Scene

#: Longer than a session, so that others take over.
LONG_SECONDS: Final = SESSION_SECONDS + 2.0
SHORT_SECONDS: Final = 1.5
FULL_DISK_BYTES: Final = 1_024
PARTITIONS_MOST: Final = 6
Breaking = Callable[[Scene], Iterator[str]]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: For the schedule and the table.
        breaking: Breaks something, yields what, and mends it when it is resumed.
        seconds: How long it stays broken.
        kinds: The kinds of Redis that it can happen to.
        times: How often it may happen in one run, at most.
    """

    name: str
    breaking: Breaking
    seconds: float = 0.0
    kinds: frozenset[str] = frozenset({"alone", "sentinel", "cluster"})
    times: int = 1_000


def one_of(scene: Scene, things: Sequence[_T]) -> tuple[int, _T]:
    """Return one of several things, by chance, and its number."""
    return scene.random.choice(list(enumerate(things)))


# -- workers


def kill_worker(scene: Scene) -> Iterator[str]:
    """A machine dies in the middle of a batch."""
    number, worker = one_of(scene, scene.workers)
    worker.process.kill()
    yield f"worker {number}"
    worker.process.start()


def kill_all_workers(scene: Scene) -> Iterator[str]:
    """The room loses its power."""
    for worker in scene.workers:
        worker.process.kill()
    yield "all"
    for worker in scene.workers:
        worker.process.start()


def pause_worker(scene: Scene) -> Iterator[str]:
    """A worker stands still for longer than its session, and comes back as a zombie."""
    number, worker = one_of(scene, scene.workers)
    worker.process.pause()
    yield f"worker {number}"
    worker.process.resume()


def replace_worker(scene: Scene) -> Iterator[str]:
    """A deployment: SIGTERM, and a new one."""
    number, worker = one_of(scene, scene.workers)
    assert worker.process.stop(seconds=60) == 0, worker.process.output[-2000:]
    yield f"worker {number}"
    worker.process.start()


# -- brokers


def kill_broker(scene: Scene) -> Iterator[str]:
    """One of three: leaders move, and what was acknowledged is on two."""
    number, broker = one_of(scene, scene.kafka.brokers)
    broker.kill()
    yield f"broker {number}"
    broker.launch()


def kill_two_brokers(scene: Scene) -> Iterator[str]:
    """Too few for a quorum: nothing is taken until one is back."""
    numbers = scene.random.sample(range(len(scene.kafka.brokers)), 2)
    for number in numbers:
        scene.kafka.brokers[number].kill()
    yield f"brokers {sorted(numbers)}"
    for number in numbers:
        scene.kafka.brokers[number].launch()


def pause_broker(scene: Scene) -> Iterator[str]:
    """A broker stands still with its connections open, until the others have taken over."""
    number, broker = one_of(scene, scene.kafka.brokers)
    broker.pause()
    yield f"broker {number}"
    broker.resume()


def fill_brokers_disk(scene: Scene) -> Iterator[str]:
    """A broker that cannot write ends itself."""
    number, broker = one_of(scene, scene.kafka.brokers)
    broker.process.limit_files(FULL_DISK_BYTES)
    yield f"broker {number}"
    broker.kill()
    broker.launch()


def take_rights_on_kafka(scene: Scene) -> Iterator[str]:
    """Somebody tightens the rules by mistake."""
    topic = scene.installation.topics[scene.random.choice(("signup", "survey", "cancel"))]
    denied = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{USER}", "*", AclOperation.READ)
    binding = AclBinding(*denied, AclPermissionType.DENY)
    for given in scene.kafka.admin.create_acls([binding]).values():
        given.result(timeout=60)
    yield topic
    for taken in scene.kafka.admin.delete_acls([AclBindingFilter(*denied, AclPermissionType.DENY)]).values():
        assert taken.result(timeout=60)


def add_partitions(scene: Scene) -> Iterator[str]:
    """Topics get more partitions under a stream that runs: customers stay where they are."""
    stream = scene.installation
    stream.partitions = min(stream.partitions + 1, PARTITIONS_MOST)
    new = [NewPartitions(topic, stream.partitions) for topic in stream.topics.values()]
    for created in scene.kafka.admin.create_partitions(new).values():
        created.result(timeout=60)
    yield f"{stream.partitions} of them"


# -- links


def cut(links: str) -> Breaking:
    """Return a fault: all connections end, and none can be made."""

    def breaking(scene: Scene) -> Iterator[str]:
        number, link = _link(scene, links)
        link.cut()
        yield f"{links} {number}"
        link.heal()

    return breaking


def freeze(links: str, *ways: Way) -> Breaking:
    """Return a fault: connections stand, and nothing comes through, one way or both."""

    def breaking(scene: Scene) -> Iterator[str]:
        number, link = _link(scene, links)
        link.freeze(*ways)
        yield f"{links} {number}"
        link.heal()

    return breaking


def slow(links: str) -> Breaking:
    """Return a fault: every piece comes late, and few bytes a second come."""

    def breaking(scene: Scene) -> Iterator[str]:
        number, link = _link(scene, links)
        link.slow(bytes_a_second=50_000, delay_seconds=0.2)
        yield f"{links} {number}"
        link.heal()

    return breaking


def cut_everything(scene: Scene) -> Iterator[str]:
    """Workers reach nothing, and servers reach one another."""
    links = [*scene.kafka.links, *scene.stores.links]
    for link in links:
        link.cut()
    yield f"{len(links)} links"
    for link in links:
        link.heal()


def swizzle(scene: Scene) -> Iterator[str]:
    """Things are stopped one by one, and released in another order."""
    processes = [*(worker.process for worker in scene.workers), *(broker.process for broker in scene.kafka.brokers)]
    processes += [server.process for group in scene.stores.groups for server in group]
    chosen = scene.random.sample(processes, 4)
    for process in chosen:
        process.pause()
        time.sleep(0.3)
    yield f"{len(chosen)} processes"
    for process in scene.random.sample(chosen, len(chosen)):
        process.resume()
        time.sleep(0.3)


def _link(scene: Scene, links: str) -> tuple[int, Link]:
    return one_of(scene, scene.kafka.links if links == "Kafka" else scene.stores.links)


_LINKED: Final = frozenset({"alone", "cluster"})
FAULTS: Final = (
    Fault("worker killed", kill_worker),
    Fault("worker killed, away for longer than its session", kill_worker, LONG_SECONDS),
    Fault("all workers killed", kill_all_workers),
    Fault("worker stopped, a zombie", pause_worker, LONG_SECONDS),
    Fault("worker stopped for a moment", pause_worker, SHORT_SECONDS),
    Fault("worker replaced", replace_worker),
    Fault("broker killed", kill_broker, SHORT_SECONDS),
    Fault("two of three brokers killed", kill_two_brokers, SHORT_SECONDS),
    Fault("broker stopped", pause_broker, LONG_SECONDS),
    Fault("broker's disk full", fill_brokers_disk, LONG_SECONDS),
    Fault("rights on Kafka taken", take_rights_on_kafka, LONG_SECONDS),
    Fault("partitions added", add_partitions, times=2),
    Fault("Kafka's link cut", cut("Kafka"), LONG_SECONDS),
    Fault("Kafka's link frozen", freeze("Kafka"), LONG_SECONDS),
    Fault("Kafka's link frozen, to it", freeze("Kafka", "to server"), LONG_SECONDS),
    Fault("Kafka's link frozen, from it", freeze("Kafka", "to client"), LONG_SECONDS),
    Fault("Kafka's link slow", slow("Kafka"), LONG_SECONDS),
    Fault("Redis' link cut", cut("Redis"), LONG_SECONDS, _LINKED),
    Fault("Redis' link frozen", freeze("Redis"), LONG_SECONDS, _LINKED),
    Fault("Redis' link frozen, to it", freeze("Redis", "to server"), LONG_SECONDS, _LINKED),
    Fault("Redis' link frozen, from it", freeze("Redis", "to client"), LONG_SECONDS, _LINKED),
    Fault("Redis' link slow", slow("Redis"), LONG_SECONDS, _LINKED),
    Fault("all links cut", cut_everything, LONG_SECONDS),
    Fault("stopped one by one, released in another order", swizzle, SHORT_SECONDS),
)
