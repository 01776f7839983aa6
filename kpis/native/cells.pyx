"""Rows summed into cells, and the counters of a partition; see `kpis.counting.cells` and `kpis.counting.cell_store`."""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy
from cpython.bytes cimport PyBytes_FromStringAndSize

import numpy as np

from kpis.rows import ENGAGED, ENGAGED_AGAIN, PAIRS, POINTS

cdef extern from *:
    """
    #ifndef NATIVE_SOURCES
    #error "compile it with tools/build-native"
    #endif
    #define HALF_FULL(count, room) (2 * (count) >= (room))
    """
    const char *NATIVE_SOURCES
    bint HALF_FULL(int64_t count, int64_t room) nogil
    bint __builtin_add_overflow(int64_t a, int64_t b, int64_t *sum) nogil

#: digest of what this was compiled from
SOURCES = NATIVE_SOURCES.decode()

cdef enum:
    BUCKET_BITS = 24
    COLUMN_BITS = 12
    FIELD_BITS = 36
    VALUE_BITS = 16
    ROW = 7
    # see kpis.counting.spans
    SPAN_BITS = 8
    SPAN = 256
    MOST_NUMBER_BYTES = 10
    MOST_PACKED = 1 + SPAN + SPAN * MOST_NUMBER_BYTES
    # no key of a cell: these have no sign
    NO_KEY = -1
    # of a key: eight slots fill two lines of a cache
    ROW_BITS = 3
    ROW_MASK = 7

cdef int64_t MOST_BUCKETS = 1 << BUCKET_BITS, MOST_COLUMNS = 1 << COLUMN_BITS, MOST_VALUES = 1 << VALUE_BITS
cdef int64_t FIRST_PAIR = POINTS, BEHIND_PAIRS = POINTS + PAIRS, PAIR_COLUMNS = POINTS * 2
cdef int64_t CODE_ENGAGED = ENGAGED, CODE_AGAIN = ENGAGED_AGAIN


cdef struct Slot:
    int64_t key
    int64_t amount


cdef class CellMap:
    """Amounts by key; open addressing, half full at most."""

    cdef Slot *slots
    cdef int64_t room, count
    cdef int shift

    def __cinit__(self):
        self.slots = NULL
        self.count = self.room = 0

    def __init__(self):
        self.clear(1024)

    def __dealloc__(self):
        free(self.slots)

    def __len__(self):
        return self.count

    cdef int clear(self, int64_t room) except -1:
        """Begin empty, with room for half of so many; a power of two."""
        cdef Slot *slots = <Slot *>calloc(room, sizeof(Slot))
        cdef int64_t n
        if slots is NULL:
            raise MemoryError
        free(self.slots)
        self.slots, self.room, self.count, self.shift = slots, room, 0, 64 + ROW_BITS
        while room > 1:
            room >>= 1
            self.shift -= 1
        for n in range(self.room):
            slots[n].key = NO_KEY
        return 0

    cdef inline Slot *find(self, int64_t key) noexcept nogil:
        """Return the slot of a key, or the empty one that it would take."""
        # Cells of buckets in a row lie together: they are looked for, and packed, together.
        cdef uint64_t row = <uint64_t>key >> ROW_BITS
        cdef uint64_t place = (row * <uint64_t>0x9E3779B97F4A7C15) >> self.shift << ROW_BITS | <uint64_t>key & ROW_MASK
        while self.slots[place].key != key and self.slots[place].key != NO_KEY:
            place = (place + 1) & <uint64_t>(self.room - 1)
        return self.slots + place

    cdef Slot *take(self, int64_t key) except NULL:
        """Return the slot of a key, made with an amount of 0 if need be."""
        cdef Slot *slot = self.find(key)
        if slot.key == NO_KEY:
            if HALF_FULL(self.count, self.room):
                self.grow()
                slot = self.find(key)
            slot.key, slot.amount = key, 0
            self.count += 1
        return slot

    cdef int grow(self) except -1:
        cdef Slot *before = self.slots
        cdef int64_t room = self.room, n
        self.slots = NULL
        try:
            self.clear(2 * room)
            for n in range(room):
                if before[n].key != NO_KEY:
                    self.find(before[n].key)[0] = before[n]
                    self.count += 1
        finally:
            free(before)
        return 0

    def look_up(self, const int64_t[::1] keys, int64_t[::1] amounts, uint8_t[::1] known):
        """Fill in the amounts of cells, and which of them are here."""
        cdef Slot *slot
        cdef Py_ssize_t n
        for n in range(keys.shape[0]):
            slot = self.find(keys[n])
            known[n] = slot.key == keys[n]
            amounts[n] = slot.amount if known[n] else 0

    def update(self, const int64_t[::1] keys, const int64_t[::1] amounts):
        """Set the amounts of cells."""
        cdef Py_ssize_t n
        for n in range(keys.shape[0]):
            assert keys[n] >= 0, "a key has no sign"
            self.take(keys[n]).amount = amounts[n]

    def packed(self, const int64_t[::1] spans):
        """Return the cells of spans, each packed as `kpis.counting.spans` says."""
        cdef unsigned char content[MOST_PACKED]
        cdef unsigned char numbers[SPAN * MOST_NUMBER_BYTES]
        cdef Slot *slot
        cdef uint64_t number
        cdef Py_ssize_t n
        cdef int place, count, size
        found = []
        for n in range(spans.shape[0]):
            count = size = 0
            for place in range(SPAN):
                slot = self.find(spans[n] << SPAN_BITS | place)
                if slot.key == NO_KEY or slot.amount == 0:
                    continue
                count += 1
                content[count] = <unsigned char>place
                number = <uint64_t>slot.amount << 1 ^ <uint64_t>(slot.amount >> 63)
                while number >= 0x80:
                    numbers[size] = <unsigned char>(number & 0x7F | 0x80)
                    number >>= 7
                    size += 1
                numbers[size] = <unsigned char>number
                size += 1
            content[0] = <unsigned char>(count - 1)
            memcpy(content + 1 + count, numbers, size)
            found.append(PyBytes_FromStringAndSize(<char *>content, 1 + count + size if count else 0))
        return found

    def items(self, *, bint without_zeros=False):
        """Return all keys and their amounts, sorted by key."""
        keys, amounts = np.empty(self.count, np.int64), np.empty(self.count, np.int64)
        cdef int64_t[::1] all_keys = keys, all_amounts = amounts
        cdef int64_t n, count = 0
        for n in range(self.room):
            if self.slots[n].key != NO_KEY and not (without_zeros and self.slots[n].amount == 0):
                all_keys[count], all_amounts[count] = self.slots[n].key, self.slots[n].amount
                count += 1
        order = np.argsort(keys[:count])
        return keys[:count][order], amounts[:count][order]


cdef class RowSums:
    """Sums the rows of a batch for every dimension.

    Args:
        spans: Lengths of the fixed windows (buckets, ascending).
        year_starts, month_starts: Boundaries at which they begin, ascending.
    """

    cdef const int64_t[::1] spans, year_starts, month_starts
    cdef int64_t classes
    cdef CellMap sums

    def __init__(self, const int64_t[::1] spans, const int64_t[::1] year_starts, const int64_t[::1] month_starts):
        self.spans, self.year_starts, self.month_starts = spans, year_starts, month_starts
        self.classes = (spans.shape[0] + 1) * 3
        self.sums = CellMap()

    def cells(self, const int64_t[:, ::1] rows, const int64_t[:, ::1] values):
        """Return sorted keys and their amounts, those of zero left out; None where a number does not fit.

        Args:
            rows: One line each.
            values: Value numbers of profiles, one line a dimension but the plan's.
        """
        cdef Py_ssize_t n
        cdef int64_t fields[6]
        cdef int64_t amounts[6]
        cdef int k, count
        cdef int64_t d, group
        cdef int64_t room = 64
        while room < 4 * rows.shape[0] and room < 1 << 16:
            room *= 2
        self.sums.clear(room)
        for n in range(rows.shape[0]):
            count = self.fields_of(&rows[n, 0], fields, amounts)
            if count < 0 or not 0 <= rows[n, 1] < MOST_VALUES or not 0 <= rows[n, 2] < values.shape[1]:
                return None
            for d in range(values.shape[0] + 1):
                group = rows[n, 1] if d == 0 else values[d - 1, rows[n, 2]]
                if not 0 <= group < MOST_VALUES:
                    return None
                group |= d << VALUE_BITS
                for k in range(count):
                    if not self.add(group << FIELD_BITS | fields[k], amounts[k]):
                        return None
        return self.sums.items(without_zeros=True)

    cdef bint add(self, int64_t key, int64_t amount) except -1:
        """Add an amount to a cell; False where it would leave 64 bits."""
        cdef Slot *slot = self.sums.take(key)
        return not __builtin_add_overflow(slot.amount, amount, &slot.amount)

    cdef int fields_of(self, const int64_t *row, int64_t *fields, int64_t *amounts) noexcept nogil:
        """Fill in the low parts of the keys of a row's cells, and what it adds to each.

        Returns:
            How many there are; -1 where a number does not fit.
        """
        cdef int64_t code = row[0], i = row[3], j = row[4], kind, column
        cdef int count = 0, money
        if not 0 <= code < BEHIND_PAIRS or not 0 <= i < MOST_BUCKETS or not 0 <= j < MOST_BUCKETS:
            return -1
        if code < FIRST_PAIR:
            for money in range(2):
                if row[5 + money]:
                    fields[count], amounts[count] = (code * 2 + money) << BUCKET_BITS | j, row[5 + money]
                    count += 1
            if code != CODE_ENGAGED or i >= j:
                return count
            code = CODE_AGAIN
        kind = self.class_of(i, j)
        if kind // 3 >= self.spans.shape[0] and kind % 3 == 0:
            return count  # no window holds both ends
        for money in range(2):
            if row[5 + money]:
                column = PAIR_COLUMNS + (((code - FIRST_PAIR) * 2 + money) * self.classes + kind) * 2
                if column + 1 >= MOST_COLUMNS:
                    return -1
                fields[count], amounts[count] = column << BUCKET_BITS | j, row[5 + money]
                fields[count + 1], amounts[count + 1] = (column + 1) << BUCKET_BITS | i, row[5 + money]
                count += 2
        return count

    cdef int64_t class_of(self, int64_t i, int64_t j) noexcept nogil:
        """Return the class of a pair: see `kpis.counting.windows`."""
        cdef int64_t kind = places_before(self.spans, j - i) * 3
        kind += places_before(self.year_starts, i) == places_before(self.year_starts, j)
        kind += places_before(self.month_starts, i) == places_before(self.month_starts, j)
        return kind


cdef Py_ssize_t places_before(const int64_t[::1] sorted_numbers, int64_t number) noexcept nogil:
    """Return how many of some ascending numbers are at most this one."""
    cdef Py_ssize_t low = 0, high = sorted_numbers.shape[0], middle
    while low < high:
        middle = (low + high) // 2
        if sorted_numbers[middle] <= number:
            low = middle + 1
        else:
            high = middle
    return low
