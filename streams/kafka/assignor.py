"""Co-partitioned assignment in Kafka's group protocol: partition n of every topic on the same worker, moving few.

aiokafka's own assignors deal out topics one by one, and Faust's serves its changelog tables. This one tells the group's
leader what each member owned, in the bytes that the protocol leaves to assignors. Who gets what:
`streams.batching.assignment`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from streams.batching.assignment import Claim, assign, widest_subscription

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_VERSION: Final = 0

log = structlog.get_logger(__name__)


class _Past(msgspec.Struct, frozen=True, array_like=True):
    """The partitions that a member owned, as it tells them; members may append: versions understand each other."""

    generation: int = -1
    owned: list[int] = []


class CoPartitionedAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka has no types
    """One member's assignor; it remembers what this member was given last.

    Its instances stand where aiokafka expects classes: aiokafka only calls the methods.
    """

    name = "tenure-co-partitioned"

    def __init__(self) -> None:
        self._past = _Past()
        #: partitions of each topic when the leader last assigned them (count); None where it did not say
        self.assigned_counts: dict[str, int] | None = None

    def remember(self, generation: int, owned: Iterable[int]) -> None:
        """Remember what this member was given, for the next rebalance.

        Args:
            generation: In which it was given; it orders claims that contradict each other.
            owned: Partition numbers.
        """
        self._past = _Past(generation, sorted(set(owned)))

    def metadata(self, topics: Iterable[str]) -> Any:
        """Return what this member sends when it joins."""
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), msgspec.json.encode(self._past))

    def on_assignment(self, assignment: Any) -> None:
        """Note of how many partitions the leader knew; the generation is not known here, see `remember`."""
        try:
            self.assigned_counts = msgspec.json.decode(assignment.user_data, type=dict[str, int])
        except msgspec.DecodeError:
            self.assigned_counts = None  # a leader of an earlier version

    def are_unassigned(self, cluster: Any, topics: Iterable[str]) -> bool:
        """Tell whether a topic has partitions by now that were not there when they were assigned.

        Args:
            cluster: aiokafka's view of topics and partitions.
            topics: That this member reads.
        """
        known = self.assigned_counts
        return known is not None and any(
            len(cluster.partitions_for_topic(topic) or ()) > known.get(topic, 0) for topic in topics
        )

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Assign all partitions; runs on the group's leader only.

        Args:
            cluster: aiokafka's view of topics and partitions.
            members: What each member sent, by member id.
        """
        claims = {name: _claim(member.subscription, member.user_data) for name, member in members.items()}
        topics = {topic for claim in claims.values() for topic in claim.topics}
        found = {topic: cluster.partitions_for_topic(topic) for topic in topics}
        unread = sorted(topics - widest_subscription(claims))
        if unread:
            log.error("topics_unread", topics=unread)
        missing = sorted(topic for topic, partitions in found.items() if partitions is None)
        if missing:
            log.error("topics_missing", topics=missing)
        counts = {topic: len(partitions) for topic, partitions in found.items() if partitions is not None}
        return {name: _encoded(given, counts) for name, given in assign(claims, counts).items()}


def _claim(topics: Iterable[str], user_data: bytes) -> Claim:
    try:
        past = msgspec.json.decode(user_data, type=_Past)
    except msgspec.DecodeError:
        past = _Past()
    return Claim(frozenset(topics), past.generation, frozenset(past.owned))


def _encoded(given: set[tuple[str, int]], counts: Mapping[str, int]) -> Any:
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(given):
        by_topic.setdefault(topic, []).append(partition)
    return ConsumerProtocolMemberAssignment(_VERSION, sorted(by_topic.items()), msgspec.json.encode(counts))
