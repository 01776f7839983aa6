"""Rows summed into cells, and the counters of a partition; see `kpis.counting.cells` and `kpis.counting.cell_store`."""

from libc.stdint cimport INT8_MAX, INT8_MIN, INT16_MAX, INT16_MIN, INT32_MAX, INT32_MIN
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset
from cpython.bytes cimport PyBytes_FromStringAndSize

import numpy as np

from kpis.rows import ENGAGED, ENGAGED_AGAIN, PAIRS, POINTS

cdef extern from *:
    """
    #ifndef NATIVE_SOURCES
    #error "compile it with tools/build-native"
    #endif
    #define HALF_FULL(count, room) (2 * (count) >= (room))
    #define PLACE_OF(hash, room_bits) ((hash) * 0x9E3779B97F4A7C15ull >> (64 - (room_bits)))
    """
    const char *NATIVE_SOURCES
    bint HALF_FULL(int64_t count, int64_t room) nogil
    uint64_t PLACE_OF(uint64_t hash, int room_bits) nogil
    bint __builtin_add_overflow(int64_t a, int64_t b, int64_t *sum) nogil
    void __builtin_prefetch(const void *at) nogil

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
    SPAN_MASK = 255
    MOST_NUMBER_BYTES = 10
    MOST_PACKED = 1 + SPAN + SPAN * MOST_NUMBER_BYTES
    # no span and no line: keys have no sign
    NONE = -1
    FIRST_ROOM_BITS = 8
    # so many spans are fetched into the caches together: what a batch needs lies all over memory
    AHEAD = 16
    # cells that lie side by side while rows are summed: a line of a cache
    LINE_BITS = 3
    LINE = 8
    LINE_MASK = 7
    # room for so many lines stays from one batch to the next: some two MB
    MOST_LINES_KEPT = 1 << 15
    # of so many buckets in a row it is written down in which year and month the first one lies
    STRIDE_BITS = 10

cdef int64_t MOST_BUCKETS = 1 << BUCKET_BITS, MOST_COLUMNS = 1 << COLUMN_BITS, MOST_VALUES = 1 << VALUE_BITS
cdef int64_t FIRST_PAIR = POINTS, BEHIND_PAIRS = POINTS + PAIRS, PAIR_COLUMNS = POINTS * 2
cdef int64_t CODE_ENGAGED = ENGAGED, CODE_AGAIN = ENGAGED_AGAIN


cdef struct Block:
    # The cells of a span: the place of each within it, ascending, then their amounts in `size` bytes each.
    int64_t span
    uint8_t *content
    uint16_t count
    uint16_t room
    uint8_t size


cdef inline int64_t load(const uint8_t *at, int size) noexcept nogil:
    """Read an amount of so many bytes."""
    cdef int8_t one
    cdef int16_t two
    cdef int32_t four
    cdef int64_t eight
    if size == 1:
        memcpy(&one, at, 1)
        return one
    if size == 2:
        memcpy(&two, at, 2)
        return two
    if size == 4:
        memcpy(&four, at, 4)
        return four
    memcpy(&eight, at, 8)
    return eight


cdef inline void store(uint8_t *at, int size, int64_t amount) noexcept nogil:
    """Write an amount that fits into so many bytes."""
    cdef int8_t one
    cdef int16_t two
    cdef int32_t four
    if size == 1:
        one = <int8_t>amount
        memcpy(at, &one, 1)
    elif size == 2:
        two = <int16_t>amount
        memcpy(at, &two, 2)
    elif size == 4:
        four = <int32_t>amount
        memcpy(at, &four, 4)
    else:
        memcpy(at, &amount, 8)


cdef inline int size_of(int64_t amount) noexcept nogil:
    """Return how many bytes an amount takes."""
    if INT8_MIN <= amount <= INT8_MAX:
        return 1
    if INT16_MIN <= amount <= INT16_MAX:
        return 2
    return 4 if INT32_MIN <= amount <= INT32_MAX else 8


cdef inline int behind(const Block *block, int place) noexcept nogil:
    """Return how many cells of a block lie before a place."""
    cdef int low = 0, high = block.count, middle
    if high and block.content[high - 1] < place:
        return high  # mostly hours come in order
    while low < high:
        middle = (low + high) >> 1
        if block.content[middle] < place:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline Py_ssize_t run_of(const int64_t[::1] keys, Py_ssize_t start) noexcept nogil:
    """Return the end of the cells from `start` on that lie in one span, each behind the one before."""
    cdef Py_ssize_t end = start + 1
    while end < keys.shape[0] and keys[end] > keys[end - 1] and keys[end] >> SPAN_BITS == keys[start] >> SPAN_BITS:
        end += 1
    return end


cdef class CellSpans:
    """Amounts by key, span by span; open addressing, half full at most. Keys in order cost one look a span."""

    cdef Block *blocks
    cdef int64_t spans, count
    cdef int room_bits

    def __cinit__(self):
        self.spans = self.count = 0
        self.room_bits = FIRST_ROOM_BITS
        self.blocks = empty_blocks(FIRST_ROOM_BITS)

    def __dealloc__(self):
        cdef int64_t n
        if self.blocks is not NULL:
            for n in range(<int64_t>1 << self.room_bits):
                free(self.blocks[n].content)
            free(self.blocks)

    def __len__(self):
        return self.count

    cdef inline Block *find(self, int64_t span) noexcept nogil:
        """Return the block of a span, or the empty one that it would take."""
        cdef uint64_t place = PLACE_OF(<uint64_t>span, self.room_bits), mask = (<uint64_t>1 << self.room_bits) - 1
        while self.blocks[place].span != span and self.blocks[place].span != NONE:
            place = (place + 1) & mask
        return self.blocks + place

    cdef Block *take(self, int64_t span) except NULL:
        """Return the block of a span, made without cells if need be."""
        cdef Block *block = self.find(span)
        if block.span == NONE:
            if HALF_FULL(self.spans, <int64_t>1 << self.room_bits):
                self.grow()
                block = self.find(span)
            block.span = span
            self.spans += 1
        return block

    cdef int grow(self) except -1:
        cdef Block *before = self.blocks
        cdef int64_t room = <int64_t>1 << self.room_bits, n
        self.blocks = empty_blocks(self.room_bits + 1)
        self.room_bits += 1
        for n in range(room):
            if before[n].span != NONE:
                self.find(before[n].span)[0] = before[n]
        free(before)
        return 0

    cdef void fetch(self, const int64_t *spans, int count) noexcept nogil:
        """Have the ends of some spans in the caches soon, where most changes are."""
        cdef const Block *block
        cdef const uint8_t *last
        cdef int n
        for n in range(count):
            __builtin_prefetch(self.blocks + PLACE_OF(<uint64_t>spans[n], self.room_bits))
        for n in range(count):
            block = self.find(spans[n])
            if block.count:
                last = block.content + block.room + (block.count - 1) * block.size
                __builtin_prefetch(block.content + block.count - 1)
                __builtin_prefetch(last)
                __builtin_prefetch(last - 64)

    cdef Py_ssize_t fetch_ahead(self, const int64_t[::1] keys, Py_ssize_t start) noexcept nogil:
        """Fetch the next spans of cells from `start` on; return where those begin that are not fetched yet."""
        cdef int64_t spans[AHEAD]
        cdef int count = 0
        while count < AHEAD and start < keys.shape[0]:
            spans[count] = keys[start] >> SPAN_BITS
            count += 1
            start = run_of(keys, start)
        self.fetch(spans, count)
        return start

    def look_up(self, const int64_t[::1] keys, int64_t[::1] amounts, uint8_t[::1] known):
        """Fill in the amounts of cells, and which of them are here."""
        cdef Py_ssize_t n = 0, end, fetched = 0
        cdef Block *block
        cdef int at, place
        while n < keys.shape[0]:
            if n >= fetched:
                fetched = self.fetch_ahead(keys, n)
            end = run_of(keys, n)
            block = self.find(keys[n] >> SPAN_BITS)
            at = behind(block, keys[n] & SPAN_MASK)
            for n in range(n, end):
                place = keys[n] & SPAN_MASK
                while at < block.count and block.content[at] < place:
                    at += 1
                known[n] = at < block.count and block.content[at] == place
                amounts[n] = load(block.content + block.room + at * block.size, block.size) if known[n] else 0
            n = end

    def update(self, const int64_t[::1] keys, const int64_t[::1] amounts):
        """Set the amounts of cells."""
        cdef Py_ssize_t n = 0, end, k, fetched = 0
        cdef Block *block
        cdef int at, place, fresh, size
        while n < keys.shape[0]:
            if n >= fetched:
                fetched = self.fetch_ahead(keys, n)
            assert keys[n] >= 0, "a key has no sign"
            end = run_of(keys, n)
            block = self.take(keys[n] >> SPAN_BITS)
            at, fresh, size = behind(block, keys[n] & SPAN_MASK), 0, 1
            for k in range(n, end):
                place = keys[k] & SPAN_MASK
                while at < block.count and block.content[at] < place:
                    at += 1
                fresh += at == block.count or block.content[at] != place
                size = max(size, size_of(amounts[k]))
            self.merge(block, &keys[n], &amounts[n], end - n, fresh, size)
            n = end

    cdef int merge(
        self, Block *block, const int64_t *keys, const int64_t *amounts, Py_ssize_t count, int fresh, int size
    ) except -1:
        """Set cells of a block, of which so many are new to it; none of the amounts takes more bytes than `size`."""
        cdef uint8_t *before = block.content
        cdef uint8_t *content = before
        cdef int room = block.room, total = block.count + fresh, at, mine = block.count - 1, place
        cdef int64_t amount
        cdef Py_ssize_t other = count - 1
        size = max(size, block.size)
        if total > room or size > block.size:
            room = min(SPAN, (total + total // 2 + 3) // 4 * 4) if total > room else room
            content = <uint8_t *>malloc(room * (1 + size))
            if content is NULL:
                raise MemoryError
        # From the end on: where it is moved within its room, nothing is written over that is still to be read.
        for at in range(total - 1, -1, -1):
            if other >= 0 and (mine < 0 or keys[other] & SPAN_MASK >= before[mine]):
                place, amount = keys[other] & SPAN_MASK, amounts[other]
                mine -= mine >= 0 and before[mine] == place
                other -= 1
            elif other < 0 and content is before:
                break  # all others lie where they lay
            else:
                place, amount = before[mine], load(before + block.room + mine * block.size, block.size)
                mine -= 1
            content[at] = place
            store(content + room + at * size, size, amount)
        if content is not before:
            free(before)
        block.content, block.room, block.size, block.count = content, room, size, total
        self.count += fresh
        return 0

    def packed(self, const int64_t[::1] spans):
        """Return the cells of spans, each packed as `kpis.counting.spans` says."""
        cdef unsigned char content[MOST_PACKED]
        cdef unsigned char numbers[SPAN * MOST_NUMBER_BYTES]
        cdef Block *block
        cdef int64_t amount
        cdef uint64_t number
        cdef Py_ssize_t n
        cdef int at, count, size
        found = []
        for n in range(spans.shape[0]):
            if n % AHEAD == 0:
                self.fetch(&spans[n], min(AHEAD, spans.shape[0] - n))
            count = size = 0
            block = self.find(spans[n])
            for at in range(block.count):
                amount = load(block.content + block.room + at * block.size, block.size)
                if amount == 0:
                    continue
                count += 1
                content[count] = block.content[at]
                number = <uint64_t>amount << 1 ^ <uint64_t>(amount >> 63)
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

    def all_spans(self):
        """Return all spans, ascending."""
        found = np.empty(self.spans, np.int64)
        cdef int64_t[::1] spans = found
        cdef int64_t n, count = 0
        for n in range(<int64_t>1 << self.room_bits):
            if self.blocks[n].span != NONE:
                spans[count] = self.blocks[n].span
                count += 1
        found.sort()
        return found

    def cells(self, const int64_t[::1] spans):
        """Return the keys of all cells of spans and their amounts, span by span."""
        cdef int64_t count = 0
        cdef Py_ssize_t n
        cdef Block *block
        cdef int at
        for n in range(spans.shape[0]):
            count += self.find(spans[n]).count
        keys, amounts = np.empty(count, np.int64), np.empty(count, np.int64)
        cdef int64_t[::1] all_keys = keys, all_amounts = amounts
        count = 0
        for n in range(spans.shape[0]):
            block = self.find(spans[n])
            for at in range(block.count):
                all_keys[count] = spans[n] << SPAN_BITS | block.content[at]
                all_amounts[count] = load(block.content + block.room + at * block.size, block.size)
                count += 1
        return keys, amounts

    def copy(self):
        """Return the same cells once more, which stay as they are now."""
        cdef CellSpans found = CellSpans()
        cdef Block *blocks = empty_blocks(self.room_bits)
        cdef Block *block
        cdef int64_t n
        cdef size_t size
        free(found.blocks)
        found.blocks, found.room_bits, found.spans = blocks, self.room_bits, self.spans
        found.count = self.count
        for n in range(<int64_t>1 << self.room_bits):
            block = self.blocks + n
            if block.content is not NULL:
                size = block.room * (1 + block.size)
                blocks[n].content = <uint8_t *>malloc(size)
                if blocks[n].content is NULL:
                    raise MemoryError
                memcpy(blocks[n].content, block.content, size)
            blocks[n].span, blocks[n].count, blocks[n].room, blocks[n].size = block.span, block.count, block.room, block.size
        return found


cdef Block *empty_blocks(int room_bits) except NULL:
    """Return room for so many spans, a power of two."""
    cdef int64_t n
    cdef Block *blocks = <Block *>calloc(<size_t>1 << room_bits, sizeof(Block))
    if blocks is NULL:
        raise MemoryError
    for n in range(<int64_t>1 << room_bits):
        blocks[n].span = NONE
    return blocks


cdef class RowSums:
    """Sums rows for every dimension.

    Cells of eight buckets in a row lie in one line while they are summed: lines are looked for and sorted, not cells.

    Args:
        spans: Lengths of the fixed windows (buckets, ascending).
        year_starts, month_starts: Boundaries at which they begin, ascending.
    """

    cdef const int64_t[::1] spans
    cdef Calendar years, months
    cdef int64_t classes
    # by the hash of a line: its number plus one, 0 where there is none
    cdef int32_t *table
    cdef int table_bits
    # by number: the keys of its cells without their low bits, and the amounts of these
    cdef int64_t *lines
    cdef int64_t *amounts
    cdef int32_t count, room

    def __cinit__(self):
        self.table, self.lines, self.amounts = NULL, NULL, NULL
        self.table_bits = self.count = self.room = 0

    def __init__(self, const int64_t[::1] spans, const int64_t[::1] year_starts, const int64_t[::1] month_starts):
        self.spans = spans
        self.years, self.months = Calendar(year_starts), Calendar(month_starts)
        self.classes = (spans.shape[0] + 1) * 3
        self.forget()

    def __dealloc__(self):
        self.let_go()

    def add(self, const int64_t[:, ::1] rows, const int64_t[:, ::1] values):
        """Add rows; return False where a number does not fit, and the sums are good for nothing from then on.

        Args:
            rows: One line each.
            values: Value numbers of profiles, one line a dimension but the plan's.
        """
        cdef Py_ssize_t n
        cdef int64_t fields[6]
        cdef int64_t amounts[6]
        cdef int k, count
        cdef int64_t d, group
        for n in range(rows.shape[0]):
            count = self.fields_of(&rows[n, 0], fields, amounts)
            if count < 0 or not 0 <= rows[n, 1] < MOST_VALUES:
                return False
            if values.shape[0] and not 0 <= rows[n, 2] < values.shape[1]:
                return False
            for d in range(values.shape[0] + 1):
                group = rows[n, 1] if d == 0 else values[d - 1, rows[n, 2]]
                if not 0 <= group < MOST_VALUES:
                    return False
                group |= d << VALUE_BITS
                for k in range(count):
                    if not self.add_to(group << FIELD_BITS | fields[k], amounts[k]):
                        return False
        return True

    def forget(self):
        """Begin anew; the room of a usual batch stays."""
        if self.room > MOST_LINES_KEPT:
            self.let_go()
        self.count = 0
        if self.table is NULL:
            self.table = empty_table(FIRST_ROOM_BITS)
            self.table_bits = FIRST_ROOM_BITS
        memset(self.table, 0, sizeof(int32_t) << self.table_bits)

    cdef void let_go(self) noexcept:
        """Give all room back."""
        free(self.table)
        free(self.lines)
        free(self.amounts)
        self.table, self.lines, self.amounts = NULL, NULL, NULL
        self.table_bits = self.count = self.room = 0

    cdef inline bint add_to(self, int64_t key, int64_t amount) except -1:
        """Add an amount to a cell; False where it would leave 64 bits."""
        cdef int64_t line = key >> LINE_BITS
        cdef uint64_t place = PLACE_OF(<uint64_t>line, self.table_bits)
        cdef int32_t number = self.table[place] - 1
        cdef int64_t *sum
        while number >= 0 and self.lines[number] != line:
            place = (place + 1) & ((<uint64_t>1 << self.table_bits) - 1)
            number = self.table[place] - 1
        if number < 0:
            number = self.begin_line(line, place)
        sum = self.amounts + number * LINE + (key & LINE_MASK)
        return not __builtin_add_overflow(sum[0], amount, sum)

    cdef int32_t begin_line(self, int64_t line, uint64_t place) except -1:
        """Return the number of a line that is not there yet, and would be found at a place of the table."""
        if self.count == self.room:
            self.grow()
        self.lines[self.count] = line
        memset(self.amounts + self.count * LINE, 0, LINE * sizeof(int64_t))
        self.count += 1
        self.table[place] = self.count
        if HALF_FULL(self.count, <int64_t>1 << self.table_bits):
            self.spread()
        return self.count - 1

    cdef int grow(self) except -1:
        """Have room for twice as many lines."""
        cdef int32_t room = max(2 * self.room, 1 << FIRST_ROOM_BITS)
        cdef void *lines
        cdef void *amounts
        if self.room > INT32_MAX // (2 * LINE):
            raise MemoryError
        lines = realloc(self.lines, room * sizeof(int64_t))
        if lines is NULL:
            raise MemoryError
        self.lines = <int64_t *>lines
        amounts = realloc(self.amounts, room * LINE * sizeof(int64_t))
        if amounts is NULL:
            raise MemoryError
        self.amounts, self.room = <int64_t *>amounts, room
        return 0

    cdef int spread(self) except -1:
        """Have a table of twice the size."""
        cdef int32_t *table = empty_table(self.table_bits + 1)
        cdef uint64_t place, mask
        cdef int32_t n
        free(self.table)
        self.table, self.table_bits = table, self.table_bits + 1
        mask = (<uint64_t>1 << self.table_bits) - 1
        for n in range(self.count):
            place = PLACE_OF(<uint64_t>self.lines[n], self.table_bits)
            while table[place]:
                place = (place + 1) & mask
            table[place] = n + 1
        return 0

    def take(self):
        """Return the keys and amounts of all cells but those of zero, sorted by key."""
        cdef int64_t count = 0, n, first
        cdef const int64_t *line
        cdef int k
        found = np.empty(self.count, np.int64)
        cdef int64_t[::1] lines = found
        for n in range(self.count):
            lines[n] = self.lines[n]
        for n in range(<int64_t>self.count * LINE):
            count += self.amounts[n] != 0
        cdef const int64_t[::1] order = np.argsort(found)
        keys, amounts = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
        cdef int64_t[::1] all_keys = keys, all_amounts = amounts
        count = 0
        for n in range(self.count):
            line = self.amounts + order[n] * LINE
            first = self.lines[order[n]] << LINE_BITS
            for k in range(LINE):
                # What is zero is written over by the next: nobody can tell in advance which are.
                all_keys[count], all_amounts[count] = first | k, line[k]
                count += line[k] != 0
        return keys[:count], amounts[:count]

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
        kind += self.years.place_of(i) == self.years.place_of(j)
        kind += self.months.place_of(i) == self.months.place_of(j)
        return kind


cdef class Calendar:
    """Years or months by bucket."""

    cdef const int64_t[::1] starts
    # places of the buckets 0, STRIDE, 2 * STRIDE, …
    cdef const int64_t[::1] places

    def __cinit__(self, const int64_t[::1] starts):
        self.starts = starts
        self.places = np.searchsorted(starts, np.arange(0, MOST_BUCKETS, 1 << STRIDE_BITS), "right").astype(np.int64)

    cdef inline int64_t place_of(self, int64_t bucket) noexcept nogil:
        """Return how many begin at a bucket or before it."""
        cdef int64_t place = self.places[bucket >> STRIDE_BITS]
        while place < self.starts.shape[0] and self.starts[place] <= bucket:
            place += 1
        return place


cdef Py_ssize_t places_before(const int64_t[::1] sorted_numbers, int64_t number) noexcept nogil:
    """Return how many of some ascending numbers are at most this one."""
    cdef const int64_t *low
    cdef Py_ssize_t left = sorted_numbers.shape[0], half
    if left == 0:
        return 0
    low = &sorted_numbers[0]
    while left > 1:  # without a branch that hangs on what is found
        half = left >> 1
        low += half * (low[half - 1] <= number)
        left -= half
    return low - &sorted_numbers[0] + (low[0] <= number)


cdef int32_t *empty_table(int room_bits) except NULL:
    """Return a table of so many numbers, a power of two, all of them 0."""
    cdef int32_t *table = <int32_t *>calloc(<size_t>1 << room_bits, sizeof(int32_t))
    if table is NULL:
        raise MemoryError
    return table


def add_before(
    const int64_t[::1] keys, const int64_t[::1] amounts, int64_t dimension, const int64_t[::1] places, const int64_t[::1] edges,
    int64_t[:, :, ::1] sums,
):
    """Add cells of a dimension to all sums before boundaries that have them.

    Args:
        keys: Of cells, also of other dimensions; sorted they cost least.
        amounts: Theirs.
        dimension: The number of the dimension.
        places: By value, its place in the sums; None: all have the first.
        edges: Boundaries, ascending.
        sums: By column, place and boundary.

    Raises:
        IndexError: A cell has no place in the sums.
    """
    cdef Py_ssize_t n = 0, first, k, count = edges.shape[0]
    cdef int64_t series, value, column, place, bucket, since, until, amount
    cdef int64_t *sum
    if sums.shape[2] != count:
        raise IndexError("a sum for each boundary is wanted")
    while n < keys.shape[0]:
        series = keys[n] >> BUCKET_BITS
        if series >> (COLUMN_BITS + VALUE_BITS) != dimension:
            n += 1
            continue
        column, value, place = series & MOST_COLUMNS - 1, series >> COLUMN_BITS & MOST_VALUES - 1, 0
        if places is not None:
            if value >= places.shape[0]:
                raise IndexError(f"value {value} of dimension {dimension} has no name")
            place = places[value]
        if column >= sums.shape[0] or not 0 <= place < sums.shape[1]:
            raise IndexError(f"column {column} or place {place} is not summed")
        first = places_before(edges, keys[n] & MOST_BUCKETS - 1)
        since = edges[first - 1] if first else 0
        until = edges[first] if first < count else MOST_BUCKETS
        amount = 0
        while n < keys.shape[0] and keys[n] >> BUCKET_BITS == series:
            bucket = keys[n] & MOST_BUCKETS - 1
            if not since <= bucket < until:
                break
            amount += amounts[n]
            n += 1
        if first < count:
            sum = &sums[column, place, 0]
            for k in range(first, count):
                sum[k] += amount
