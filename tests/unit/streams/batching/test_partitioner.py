"""The partitioner gives the partitions that Kafka's own clients give."""

from __future__ import annotations

from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from streams.batching.partitioner import murmur2, partition_of, partitions_of

# By org.apache.kafka.common.utils.Utils.murmur2 of Kafka 4.1, as unsigned integers.
BY_KAFKA = {
    "": 275646681,
    "a": 2731586172,
    "ab": 316155434,
    "abc": 479470107,
    "abcd": 2971317748,
    "abcde": 461995741,
    "customer-0000001": 3410102121,
    "été": 2193773721,
}

keys = st.lists(st.binary(max_size=40) | st.binary(min_size=250, max_size=270), max_size=60)


def test_hashes_are_those_of_kafka() -> None:
    """A reference that is wrong the same way would hide a fault; these come out of Kafka itself."""
    assert {text: murmur2(text.encode()) for text in BY_KAFKA} == BY_KAFKA


@given(key=st.binary(max_size=300))
def test_one_key_hashes_as_in_the_reference(key: bytes) -> None:
    """Every length ends in another of the four cases of the last bytes."""
    assert murmur2(key) == reference(key)


@given(keys=keys, partitions=st.integers(1, 500))
def test_many_keys_at_once_get_the_partitions_of_each(keys: list[bytes], partitions: int) -> None:
    """Zeros pad the keys in the arrays: they must not enter a hash, and zeros of the key itself must."""
    assert partitions_of(keys, partitions) == [partition_of(key, partitions) for key in keys]


def test_keys_that_end_in_zeros_keep_them() -> None:
    """Numpy drops trailing zeros of byte strings when it gives them back."""
    zeros = [b"key" + b"\x00" * n for n in range(40)]
    assert partitions_of(zeros, 97) == [(reference(key) & 0x7FFFFFFF) % 97 for key in zeros]
