"""Partition numbers are shared out evenly, all topics alike, and move as little as possible."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.batching.assignment import Claim, assign, share

TOPICS = frozenset({"signup", "cancel"})

claims = st.dictionaries(
    st.sampled_from("abcdefg"),
    st.builds(Claim, st.just(TOPICS), st.integers(-1, 5), st.frozensets(st.integers(0, 15))),
    min_size=1,
)


@given(claims=claims, partitions=st.integers(0, 12))
def test_every_partition_has_one_member_and_shares_are_even(claims: dict[str, Claim], partitions: int) -> None:
    """Two readers of a partition conflict for ever, none loses its customers; an uneven share is the lag of all."""
    shares = share(claims, partitions)
    assert sorted(n for owned in shares.values() for n in owned) == list(range(partitions))
    sizes = [len(owned) for owned in shares.values()]
    assert max(sizes) - min(sizes) <= 1


@given(claims=claims, partitions=st.integers(0, 12))
def test_a_settled_group_stays_as_it_is(claims: dict[str, Claim], partitions: int) -> None:
    """A rebalance without a change of members must not throw away anybody's cached states."""
    shares = share(claims, partitions)
    again = share({m: Claim(TOPICS, 9, frozenset(owned)) for m, owned in shares.items()}, partitions)
    assert again == shares


def test_a_member_that_leaves_moves_only_its_own() -> None:
    """What moves is loaded again from the tables, while its customers wait."""
    claims = {"a": Claim(TOPICS, 3, frozenset({0, 3})), "c": Claim(TOPICS, 3, frozenset({2, 5}))}
    shares = share(claims, 6)
    assert {0, 3} < shares["a"]
    assert {2, 5} < shares["c"]


def test_the_newest_claim_to_a_partition_is_right() -> None:
    """A member that slept through a rebalance still claims what it had before it."""
    claims = {"slept": Claim(TOPICS, 3, frozenset({0, 1})), "awake": Claim(TOPICS, 4, frozenset({0, 1}))}
    assert share(claims, 4) == {"awake": {0, 1}, "slept": {2, 3}}


def test_a_partition_number_is_one_members_in_all_topics_that_have_it() -> None:
    """A customer's events lie on one number; start-up refuses unequal counts, but they may grow one by one."""
    claims = {"a": Claim(TOPICS), "b": Claim(TOPICS)}
    assigned = assign(claims, {"signup": 3, "cancel": 2})
    assert assigned == {
        "a": {("signup", 0), ("signup", 2), ("cancel", 0)},
        "b": {("signup", 1), ("cancel", 1)},
    }


def test_only_members_that_read_all_topics_get_partitions() -> None:
    """In a deployment that adds a topic, an old worker cannot have all of any partition number."""
    claims = {"old": Claim(frozenset({"signup"})), "new": Claim(TOPICS)}
    assert assign(claims, {"signup": 1, "cancel": 1}) == {"old": set(), "new": {("signup", 0), ("cancel", 0)}}


def test_a_topic_that_does_not_exist_is_left_out() -> None:
    """It is shared out when it comes; the others are read until then."""
    assert assign({"a": Claim(TOPICS)}, {"signup": 1}) == {"a": {("signup", 0)}}


def test_nobody_gets_anything_where_nobody_is() -> None:
    """The last member of a group may leave."""
    assert assign({}, {"signup": 1}) == {}
