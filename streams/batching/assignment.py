"""Assignment of partitions: partition n of every topic goes to the same member of the group.

A customer's events lie on one partition number in all topics, so that one worker must have all of that number. Pure:
the same function assigns on Kafka (`streams.kafka.assignor`) and on the embedded log (`streams.embedded.log`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Claim(NamedTuple):
    """A member's claim: the partitions that it says it owned before the rebalance."""

    topics: frozenset[str]
    """Topics it subscribes to."""
    generation: int = -1
    """The generation in which it got `owned`; -1 when it owned nothing."""
    owned: frozenset[int] = frozenset()
    """Partition numbers."""


def share(claims: Mapping[str, Claim], partitions: int) -> dict[str, set[int]]:
    """Share partition numbers out among members, evenly, moving as few as possible.

    Args:
        claims: What each member owned, by member id; its topics are not looked at.
        partitions: How many partition numbers there are (0 to `partitions` - 1).

    Returns:
        The numbers of each member; sizes differ by at most one. The same claims give the same answer on any worker.
    """
    shares: dict[str, set[int]] = {member: set() for member in claims}
    if not claims:
        return shares
    least, larger = divmod(partitions, len(claims))
    free = set(range(partitions))
    # A member that slept through a rebalance claims what another has now: the newest generation is right.
    for member in sorted(claims, key=lambda m: (-claims[m].generation, -len(claims[m].owned), m)):
        kept = sorted(claims[member].owned & free)
        limit = least + 1 if larger and len(kept) > least else least
        larger -= limit > least
        shares[member].update(kept[:limit])
        free.difference_update(kept[:limit])
    for partition in sorted(free):
        shares[min(shares, key=lambda m: (len(shares[m]), m))].add(partition)
    return shares


def assign(claims: Mapping[str, Claim], partitions: Mapping[str, int]) -> dict[str, set[tuple[str, int]]]:
    """Assign every partition of every topic, co-partitioned.

    Members whose subscription is not the widest get nothing: while a deployment adds a topic, only workers that know it
    can have all of a partition number. Topics outside of the widest subscription have no reader then.

    Args:
        claims: What each member subscribes to and owned, by member id.
        partitions: Partition count of each topic; a topic that does not exist is absent.

    Returns:
        (topic, partition) of each member, for every member in `claims`.
    """
    assigned: dict[str, set[tuple[str, int]]] = {member: set() for member in claims}
    widest = widest_subscription(claims)
    able = {member: claim for member, claim in claims.items() if claim.topics == widest}
    count = max((partitions[topic] for topic in widest if topic in partitions), default=0)
    for member, numbers in share(able, count).items():
        for topic in widest & partitions.keys():
            assigned[member].update((topic, n) for n in numbers if n < partitions[topic])
    return assigned


def widest_subscription(claims: Mapping[str, Claim]) -> frozenset[str]:
    """Return the largest set of topics that a member subscribes to; of equally large ones, the first by name."""
    subscriptions = {claim.topics for claim in claims.values()}
    return min(subscriptions, key=lambda topics: (-len(topics), sorted(topics)), default=frozenset())
