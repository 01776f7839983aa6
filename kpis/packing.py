"""Rows as an array, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from struct import error, pack_into

import numpy as np

from kpis.arrays import Ints
from kpis.rows import Row


def packed_rows(rows: Sequence[Row]) -> bytearray:
    """Return rows as integers of 64 bits, seven each, in the machine's order of bytes.

    Raises:
        OverflowError: A number takes more than 64 bits.
    """
    out = bytearray(len(rows) * 7 * 8)
    try:
        pack_into(f"{len(rows) * 7}q", out, 0, *chain.from_iterable(rows))
    except error as refused:
        raise OverflowError(f"a number of a row takes more than 64 bits: {refused}") from refused
    return out


def array_of(packed: bytes | bytearray) -> Ints:
    """Return packed rows as an array, one line each."""
    return np.frombuffer(packed, np.int64).reshape(-1, 7)


def table_of(rows: Sequence[Row]) -> Ints:
    """Return rows as an array, one line each.

    Raises:
        OverflowError: A number takes more than 64 bits.
    """
    return array_of(packed_rows(rows))


def stacked(tables: Sequence[Ints]) -> Ints:
    """Return the rows of some tables below each other; those of one are not copied where the others have none."""
    some = [table for table in tables if len(table)]
    return some[0] if len(some) == 1 else np.concatenate(some or tables)
