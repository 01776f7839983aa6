"""The partitioner: the partition of a key by murmur2, as Kafka's default partitioner computes it.

Two forms that agree: one key at a time for a producer, and a whole batch at once by numpy for the check that every
record lies on its customer's partition.
Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey (Apache Kafka 4.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Words = NDArray[np.uint32]

_SEED: Final = 0x9747B28C
_MULTIPLIER: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF
_POSITIVE: Final = 0x7FFFFFFF
_SMALL: Final = 15
"""Up to this many keys, hashing one by one is faster than setting up arrays (measured)."""
_WIDE_BYTES: Final = 256
"""Longer keys are hashed one by one: a column of zeros for every other key would cost more than they do."""


def murmur2(key: bytes) -> int:
    """Return Kafka's 32-bit murmur2 hash of a key, unsigned."""
    length = len(key)
    h = _SEED ^ length
    whole = length & ~3
    for i in range(0, whole, 4):
        k = (int.from_bytes(key[i : i + 4], "little") * _MULTIPLIER) & _MASK
        k = ((k ^ (k >> 24)) * _MULTIPLIER) & _MASK
        h = ((h * _MULTIPLIER) & _MASK) ^ k
    if whole != length:
        h = ((h ^ int.from_bytes(key[whole:], "little")) * _MULTIPLIER) & _MASK
    h = ((h ^ (h >> 13)) * _MULTIPLIER) & _MASK
    return h ^ (h >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of one key.

    Args:
        key: The record's key as bytes.
        partitions: Partitions of the topic (count, at least 1).
    """
    return (murmur2(key) & _POSITIVE) % partitions


def partitions_of(keys: Sequence[bytes], partitions: int) -> list[int]:
    """Return the partition of each key, in the order of the keys.

    Args:
        keys: The keys as bytes, of any lengths.
        partitions: Partitions of the topic (count, at least 1).
    """
    if len(keys) <= _SMALL:
        return [(murmur2(key) & _POSITIVE) % partitions for key in keys]
    lengths = np.fromiter(map(len, keys), dtype=np.uint32, count=len(keys))
    width = int(lengths.max())
    if width > _WIDE_BYTES:
        return _partitions_of_wide(keys, partitions)
    found: list[int] = ((_hashes(keys, lengths, width) & np.uint32(_POSITIVE)) % np.uint32(partitions)).tolist()
    return found


def _partitions_of_wide(keys: Sequence[bytes], partitions: int) -> list[int]:
    narrow = [i for i, key in enumerate(keys) if len(key) <= _WIDE_BYTES]
    found = [0] * len(keys)
    for i, partition in zip(narrow, partitions_of([keys[i] for i in narrow], partitions), strict=True):
        found[i] = partition
    for i, key in enumerate(keys):
        if len(key) > _WIDE_BYTES:
            found[i] = partition_of(key, partitions)
    return found


def _hashes(keys: Sequence[bytes], lengths: Words, width: int) -> Words:
    """Return the hash of each key; `width` is the longest length, in bytes."""
    # numpy pads each key with zeros to the same width; zeros beyond a key's end never enter its hash.
    columns = max(1, -(-width // 4))
    words = np.array(keys, dtype=f"S{columns * 4}").view(np.uint32).reshape(len(keys), columns)
    if not np.little_endian:
        words = words.byteswap()
    multiplier = np.uint32(_MULTIPLIER)
    mixed = words * multiplier
    mixed ^= mixed >> np.uint32(24)
    mixed *= multiplier
    whole = lengths >> np.uint32(2)
    rest = lengths & np.uint32(3)
    h: Words = np.uint32(_SEED) ^ lengths
    for column in range(columns):
        inside = whole > column
        h = np.where(inside, (h * multiplier) ^ mixed[:, column], h)
        tail = (whole == column) & (rest > 0)
        if tail.any():
            h = np.where(tail, (h ^ words[:, column]) * multiplier, h)
    h ^= h >> np.uint32(13)
    h *= multiplier
    h ^= h >> np.uint32(15)
    return h
