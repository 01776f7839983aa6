"""The state of a customer as it is stored: read, and written with what a fold appends to it.

The members, their order and their meaning are those of `kpis.customer.layout`.
"""

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memchr, memcmp

from kpis.native.messages cimport (
    Reader, Text, Writer, begin_array, begin_bytes, begin_string, read_bytes, read_count, read_integer, read_string,
    read_truth, write_integer, write_kind, write_raw, write_truth,
)

cdef extern from *:
    """
    /* Instants and buckets lie below (ms since 1970): no sum of them leaves 64 bits. */
    #define LATEST_MS (INT64_C(1) << 45)
    """
    const int64_t LATEST_MS

cdef enum:
    MEMBERS = 20
    NIL = 0xC0


cdef struct State:
    # the members of `kpis.customer.layout.Customer`
    bint is_open
    bint active
    int64_t plan
    int64_t profile
    int64_t first_plan
    int64_t first_at
    int64_t last_at
    int64_t feedback_at
    int64_t engaged_bucket
    int64_t active_bucket
    int64_t facts
    Text life
    Text feedback
    Text acts
    Text used
    Text recent
    # as they are written, without what stands before the array
    Text runs
    int64_t run_count
    int64_t run_first
    int64_t run_last
    # where the last instant begins
    Py_ssize_t run_last_place
    # as it is written
    Text onboarded
    bint was_onboarded
    int64_t touched
    # as they are written
    Text touchpoints
    bint is_rare


cdef struct Addition:
    # what a fold appends to members of a state; empty where it does not
    Text life
    Text feedback
    Text acts
    bint takes_recent
    Text recent
    # how many instants are added to the runs, 0 to 2; with 1 it takes the place of the last one where there are any
    int run
    int64_t run_at


cdef inline bint read_state(const uint8_t *start, Py_ssize_t size, State *state) noexcept nogil:
    """Read a stored state; False where it is not one of ours."""
    cdef Reader reader
    cdef const uint8_t *place
    cdef int64_t n, count
    reader.at, reader.end, reader.failed = start, start + size, False
    if read_count(&reader) != MEMBERS:
        return False
    state.is_open, state.active = read_truth(&reader), read_truth(&reader)
    state.plan, state.profile, state.first_plan = read_integer(&reader), read_integer(&reader), read_integer(&reader)
    state.first_at, state.last_at, state.feedback_at = (
        read_integer(&reader), read_integer(&reader), read_integer(&reader)
    )
    state.engaged_bucket, state.active_bucket = read_integer(&reader), read_integer(&reader)
    state.facts = read_integer(&reader)
    state.life, state.feedback, state.acts = read_bytes(&reader), read_bytes(&reader), read_bytes(&reader)
    state.used, state.recent = read_string(&reader), read_string(&reader)
    state.run_count = read_count(&reader)
    state.runs.start, state.run_last_place = reader.at, 0
    state.run_first = state.run_last = -1
    for n in range(state.run_count):
        if reader.failed:
            return False
        state.run_first, state.run_last_place = state.run_last, reader.at - state.runs.start
        state.run_last = read_integer(&reader)
    state.runs.size = reader.at - state.runs.start
    place = reader.at
    count = read_count(&reader)
    state.was_onboarded = count > 0
    for n in range(count):
        if reader.failed:
            return False
        read_integer(&reader)
    state.onboarded.start, state.onboarded.size = place, reader.at - place
    state.is_rare = reader.at == reader.end or reader.at[0] != NIL
    if state.is_rare:
        return not reader.failed and is_sound(state)
    reader.at += 1
    place = reader.at
    state.touched = read_count(&reader)
    for n in range(state.touched):
        if reader.failed:
            return False
        read_bytes(&reader)
    state.touchpoints.start, state.touchpoints.size = place, reader.at - place
    return not reader.failed and is_sound(state)


cdef inline bint is_sound(const State *state) noexcept nogil:
    """Return whether all numbers lie where no sum of them leaves 64 bits."""
    if not (-1 <= state.first_at < LATEST_MS and -1 <= state.last_at < LATEST_MS):
        return False
    if not (-1 <= state.feedback_at < LATEST_MS and -1 <= state.run_first < LATEST_MS):
        return False
    if not (-1 <= state.engaged_bucket < LATEST_MS and -1 <= state.active_bucket < LATEST_MS):
        return False
    return -1 <= state.run_last < LATEST_MS and 0 <= state.facts <= state.life.size


cdef inline void nobody(State *state) noexcept nogil:
    """Fill in a state without facts."""
    cdef Text empty
    empty.start, empty.size = NULL, 0
    state.is_open = state.active = state.was_onboarded = state.is_rare = False
    state.plan = state.profile = state.first_plan = state.facts = state.run_count = 0
    state.touched = 0
    state.first_at = state.last_at = state.feedback_at = state.engaged_bucket = state.active_bucket = -1
    state.run_first = state.run_last = -1
    state.run_last_place = 0
    state.life = state.feedback = state.acts = state.used = state.recent = state.runs = state.onboarded = empty
    state.touchpoints = empty


cdef inline bint holds(Text text, const uint8_t *piece, Py_ssize_t size) noexcept nogil:
    """Return whether bytes hold others."""
    cdef const uint8_t *at = text.start
    cdef Py_ssize_t left = text.size - size + 1
    while left > 0:
        at = <const uint8_t *>memchr(at, piece[0], left)
        if at is NULL:
            return False
        if memcmp(at, piece, size) == 0:
            return True
        at += 1
        left = text.start + text.size - size + 1 - at
    return False


cdef inline void write_state(Writer *writer, const State *state, const Addition *more) noexcept nogil:
    """Write a state with what is appended to it."""
    begin_array(writer, MEMBERS)
    write_truth(writer, state.is_open)
    write_truth(writer, state.active)
    write_integer(writer, state.plan)
    write_integer(writer, state.profile)
    write_integer(writer, state.first_plan)
    write_integer(writer, state.first_at)
    write_integer(writer, state.last_at)
    write_integer(writer, state.feedback_at)
    write_integer(writer, state.engaged_bucket)
    write_integer(writer, state.active_bucket)
    write_integer(writer, state.facts)
    write_two(writer, state.life, more.life, is_string=False)
    write_two(writer, state.feedback, more.feedback, is_string=False)
    write_two(writer, state.acts, more.acts, is_string=False)
    cdef Text nothing
    nothing.start, nothing.size = NULL, 0
    if more.takes_recent:
        write_two(writer, state.used, state.recent, is_string=True)
        write_two(writer, nothing, more.recent, is_string=True)
    else:
        write_two(writer, state.used, nothing, is_string=True)
        write_two(writer, state.recent, more.recent, is_string=True)
    cdef Py_ssize_t kept = state.run_last_place if more.run == 1 else state.runs.size
    begin_array(writer, state.run_count + (2 if more.run == 2 else 0))
    write_raw(writer, state.runs.start, kept)
    cdef int n
    for n in range(more.run):
        write_integer(writer, more.run_at)
    if state.onboarded.size:
        write_raw(writer, state.onboarded.start, state.onboarded.size)
    else:
        begin_array(writer, 0)
    write_kind(writer, NIL, 0, 0)
    if state.touched:
        write_raw(writer, state.touchpoints.start, state.touchpoints.size)
    else:
        begin_array(writer, 0)


cdef inline void write_two(Writer *writer, Text one, Text other, bint is_string) noexcept nogil:
    """Write one after the other as one member."""
    if is_string:
        begin_string(writer, one.size + other.size)
    else:
        begin_bytes(writer, one.size + other.size)
    write_raw(writer, one.start, one.size)
    write_raw(writer, other.start, other.size)


# ------------------------------------------------------------------------- parts of members


cdef inline uint64_t little_endian(const uint8_t *start) noexcept nogil:
    cdef uint64_t number = 0
    cdef int n
    for n in range(8):
        number |= <uint64_t>start[n] << (8 * n)
    return number


cdef inline void write_little_endian(Writer *writer, uint64_t number) noexcept nogil:
    cdef uint8_t parts[8]
    cdef int n
    for n in range(8):
        parts[n] = <uint8_t>(number >> (8 * n))
    write_raw(writer, parts, 8)


cdef inline Py_ssize_t letter(int64_t code, uint8_t *into) noexcept nogil:
    """Write a character below U+D800 as UTF-8; return its length (bytes)."""
    if code < 0x80:
        into[0] = <uint8_t>code
        return 1
    if code < 0x800:
        into[0], into[1] = <uint8_t>(0xC0 | code >> 6), <uint8_t>(0x80 | code & 0x3F)
        return 2
    into[0], into[1], into[2] = (
        <uint8_t>(0xE0 | code >> 12), <uint8_t>(0x80 | code >> 6 & 0x3F), <uint8_t>(0x80 | code & 0x3F)
    )
    return 3
