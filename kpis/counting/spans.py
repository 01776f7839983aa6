"""Cells packed by span: the cells of one column of one segment in 256 buckets in a row, in a few bytes each.

Packed, a span is the number of its cells less one, the place of each within the span, both in a byte, and their
amounts: as integers without a sign (0, -1, 1, -2 … are 0, 1, 2, 3 …), seven bits a byte, the low ones first, the high
bit set where more follow. Cells of zero are left out; a span without any is no bytes at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from kpis.arrays import Ints, distinct
from kpis.counting.cells import EMPTY, FIELD_BITS, Cells

SPAN_BITS: Final = 8
SPAN: Final = 1 << SPAN_BITS
"""Buckets of a span (count): a place takes a byte."""
#: bits of a span that name it within its segment
SPAN_FIELD_BITS: Final = FIELD_BITS - SPAN_BITS
SPAN_FIELD_MASK: Final = (1 << SPAN_FIELD_BITS) - 1
_MOST_BYTES: Final = 10
_SIGN: Final = 63


def spans_of(keys: Ints) -> Ints:
    """Return the spans of cells, sorted, each once."""
    return distinct(keys >> SPAN_BITS)


def keys_of(spans: Ints) -> Ints:
    """Return the keys of all cells that spans can have, span by span."""
    return (spans[:, None] << SPAN_BITS | np.arange(SPAN)).reshape(-1)


def cells_in(packed_span: bytes) -> int:
    """Return how many cells a packed span has."""
    return packed_span[0] + 1 if packed_span else 0


def packed(amounts: Ints) -> list[bytes]:
    """Pack spans.

    Args:
        amounts: Of all cells that they can have, in the order of `keys_of`.
    """
    table = amounts.reshape(-1, SPAN)
    span, place = np.nonzero(table)
    signed = table[span, place]
    numbers = (signed << 1 ^ signed >> _SIGN).view(np.uint64)
    sizes = np.ones(len(numbers), np.int64)
    for size in range(1, -(-int(numbers.max(initial=0)).bit_length() // 7)):
        sizes += numbers >> np.uint64(7 * size) > 0
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    for size in range(_MOST_BYTES):
        there = np.flatnonzero(sizes > size)
        if not len(there):
            break
        more = (sizes[there] > size + 1).astype(np.uint64) << np.uint64(7)
        out[ends[there] - sizes[there] + size] = numbers[there] >> np.uint64(7 * size) & np.uint64(0x7F) | more
    places, content = place.astype(np.uint8).tobytes(), out.tobytes()
    bounds = np.concatenate(([0], np.cumsum(np.bincount(span, minlength=len(table)))))
    cuts = np.concatenate(([0], ends))[bounds].tolist()
    return [
        bytes((end - start - 1,)) + places[start:end] + content[cut:until] if end > start else b""
        for (start, end), (cut, until) in zip(pairwise(bounds.tolist()), pairwise(cuts), strict=True)
    ]


def packed_spans(cells: Cells) -> dict[int, bytes]:
    """Pack cells by span.

    Args:
        cells: Sorted by key; with all cells of their spans.
    """
    spans = spans_of(cells.keys)
    if not len(spans):
        return {}
    amounts = np.zeros(len(spans) * SPAN, np.int64)
    amounts[np.searchsorted(spans, cells.keys >> SPAN_BITS) * SPAN + (cells.keys & SPAN - 1)] = cells.amounts
    return dict(zip(spans.tolist(), packed(amounts), strict=True))


def unpacked(spans: Sequence[int], blobs: Sequence[bytes]) -> Cells:
    """Return the cells of packed spans, in their order.

    Raises:
        ValueError: One is none that `packed` has made.
    """
    found = [(span, blob, blob[0] + 2) for span, blob in zip(spans, blobs, strict=True) if blob]
    if not found:
        return EMPTY
    counts = np.array([behind - 1 for _, _, behind in found], np.int64)
    places = np.frombuffer(b"".join([blob[1:behind] for _, blob, behind in found]), np.uint8)
    data = np.frombuffer(b"".join([blob[behind:] for _, blob, behind in found]), np.uint8)
    ends = np.flatnonzero(data < SPAN // 2)
    if len(places) != counts.sum() or len(ends) != len(places) or ends[-1] != len(data) - 1:
        raise ValueError("a packed span of cells is damaged")
    starts = np.concatenate(([0], ends[:-1] + 1))
    sizes = ends - starts + 1
    if sizes.max() > _MOST_BYTES:
        raise ValueError("a packed span of cells holds a number of more than 64 bits")
    shifts = 7 * (np.arange(len(data)) - np.repeat(starts, sizes))
    numbers = np.add.reduceat((data & 0x7F).astype(np.uint64) << shifts.astype(np.uint64), starts)
    amounts = (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64)
    keys = np.repeat(np.array([span for span, _, _ in found], np.int64), counts) << SPAN_BITS | places
    return Cells(keys, amounts)
