"""Feature use by bucket: one character for each feature and bucket with activity.

A character is twice the feature's number, plus 1 where its bucket begins; the buckets are those of `acts`, in order.
`used` holds all buckets but the last one, whose characters are `recent`: whether a feature was used there already is
then one look. A customer who never used a feature that has a name holds no character at all.
Numbers stay below `kpis.names.FEATURES`, and characters below U+D800: from there on Unicode has 2,048 that UTF-8 does
not write, and a state that held one could not be stored.
Nothing here changes a count of a report.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from kpis.customer.customer import activity_of
from kpis.customer.state import Customer

#: A feature's character where it is the first one of its bucket, and where it is not.
Letters = tuple[str, str]
_NONE: Final = "\x01"
_LAST_BYTES: Final = bytes(range(128, 256))


def letters_of(feature: int) -> Letters:
    """Return the characters of a feature's number, below `kpis.names.FEATURES`; 0 is activity without a feature."""
    code = feature << 1
    return chr(code | 1), chr(code)


def feature_of(letter: str) -> int:
    """Return the number of the feature that a character stands for."""
    return ord(letter) >> 1


def use(customer: Customer, letters: Letters) -> bool:
    """Note a feature of the last bucket with activity; True where the state changed."""
    first, later = letters
    recent = customer.recent
    if first in recent or later in recent:
        return False
    if not recent:
        if first == _NONE:
            return False
        _begin(customer)
    customer.recent += later
    return True


def use_next(customer: Customer, letters: Letters) -> None:
    """Note the feature of a bucket later than all others, before the bucket is added to `acts`."""
    first = letters[0]
    if not customer.recent:
        if first == _NONE:
            return
        if customer.acts:
            _begin(customer)
    customer.used += customer.recent
    customer.recent = first


def use_anywhere(customer: Customer, buckets: Sequence[int], bucket: int, letters: Letters) -> bool:
    """Note a feature of any bucket; True where the state changed.

    Args:
        customer: The state, whose `acts` may lack the bucket.
        buckets: All buckets with activity, this one included, in order.
        bucket: The one in which the feature was used.
        letters: The feature's characters.
    """
    before = len(activity_of(customer))
    groups = _groups(customer, before)
    place = bisect_left(buckets, bucket)
    if before < len(buckets):
        groups.insert(place, "")
    first, later = letters
    group = groups[place]
    if first in group or later in group:
        return False
    if first == _NONE and not customer.recent:
        return True
    groups[place] += later if group else first
    customer.used = "".join(groups[:-1])
    customer.recent = groups[-1]
    return True


def features_of(customer: Customer, buckets: Sequence[int]) -> dict[int, list[int]]:
    """Return the buckets in which each feature was used, in order; 0 is activity without a feature.

    Args:
        customer: The state.
        buckets: What `activity_of` returns for it.
    """
    out: dict[int, list[int]] = {}
    for bucket, group in zip(buckets, _groups(customer, len(buckets)), strict=True):
        for letter in group:
            out.setdefault(feature_of(letter), []).append(bucket)
    return out


def _begin(customer: Customer) -> None:
    """Write down that all activity so far was without a feature."""
    buckets = len(customer.acts.translate(None, _LAST_BYTES))
    customer.used = _NONE * (buckets - 1)
    customer.recent = _NONE


def _groups(customer: Customer, buckets: int) -> list[str]:
    """Return the characters of each bucket."""
    if not customer.recent:
        return [_NONE] * buckets
    out: list[str] = []
    for letter in customer.used + customer.recent:
        if ord(letter) & 1:
            out.append(letter)
        else:
            out[-1] += letter
    return out
