"""Rows as an array, one line each, for C compilers: what kpis/packing.py is."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.stdint cimport int64_t

cdef enum:
    WIDTH = 7


def packed_rows(list rows):
    """Return rows as integers of 64 bits, seven each, in the machine's order of bytes.

    Raises:
        OverflowError: A number takes more than 64 bits.
    """
    cdef bytearray out = PyByteArray_FromStringAndSize(NULL, len(rows) * WIDTH * sizeof(int64_t))
    cdef int64_t* at = <int64_t*> PyByteArray_AS_STRING(out)
    cdef tuple row
    cdef int n
    for row in rows:
        for n in range(WIDTH):
            at[n] = row[n]
        at += WIDTH
    return out
